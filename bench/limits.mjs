// What the machine can do at most; neurite takes no part. The sizes are those of a thread; between them lies where data
// stop to fit the caches.
const fma = ['avx512', 'avx2'].map((isa) => ({ bench: 'peak', params: `fp32 fma ${isa}`, args: { isa } }))

const sizes = [
  ['L2 512K', 2 ** 19],
  ['L3 6M', 6 * 2 ** 20],
  ['16M', 16 * 2 ** 20],
  ['32M', 32 * 2 ** 20],
  ['64M', 64 * 2 ** 20],
  ['DRAM 384M', 384 * 2 ** 20],
]

const transfers = sizes.flatMap(([level, bytes]) =>
  ['read', 'copy', ...(bytes >= 2 ** 24 ? ['copy-nt'] : [])].map((test) => ({
    bench: 'bandwidth',
    params: `${test} ${level}`,
    args: { test, bytes },
  })),
)

export const limits = [...fma, ...transfers]
