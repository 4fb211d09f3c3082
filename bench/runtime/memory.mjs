// Memory of a training loop that disposes of nothing, beside the same loop inside `scope`.
import { mlp } from '../models/mlp.mjs'

async function loop(n, steps, scoped) {
  n.collectGarbage()
  const model = mlp(n)
  const opt = new n.optim.SGD(model.parameters(), { lr: 1e-3 })
  const x = n.randn([128, 784])
  const y = n.randint(0, 10, [128])
  const step = () => {
    opt.zeroGrad()
    n.crossEntropy(model.forward(x), y).backward()
    opt.step()
  }
  let warmRss = 0
  for (let i = 0; i < steps; i++) {
    if (scoped) n.scope(step)
    else step()
    if (i === steps >> 2) {
      n.resetPeakMemory()
      warmRss = process.memoryUsage.rss()
    }
  }
  await n.synchronize()
  return { peak: n.memoryStats().peak, growth: process.memoryUsage.rss() - warmRss }
}

export const memory = [
  {
    bench: 'memory',
    params: 'mlp 784-512-256-10 B128 SGD 2000 steps',
    async measure(n) {
      const scoped = await loop(n, 2000, true)
      const naive = await loop(n, 2000, false)
      const mib = (bytes) => Number((bytes / 2 ** 20).toFixed(2))
      return {
        naive_peak_mib: mib(naive.peak),
        scoped_peak_mib: mib(scoped.peak),
        ratio: Number((naive.peak / scoped.peak).toFixed(2)),
        rss_growth_mib: mib(naive.growth),
      }
    },
  },
]
