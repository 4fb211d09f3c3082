// What copies of weights have in common, whichever map they are for.
import {
  AutogradError,
  conv1d,
  linear,
  noGrad,
  packConv,
  packLinear,
  randn,
  scope,
  type Tensor,
  zeros,
} from '../../lib'

const maps = {
  linear: { shape: [3, 4], x: [2, 4], y: [2, 3], pack: packLinear, map: linear },
  conv1d: { shape: [3, 4, 1], x: [1, 4, 2], y: [1, 3, 2], pack: packConv, map: conv1d },
} as const

/** Both maps as functions of x and w. */
const cases = Object.entries(maps).map(([name, of]) => ({
  name,
  ...of,
  run: (x: Tensor, w: ReturnType<typeof of.pack>) => of.map(x, w as never),
}))

describe.each(cases)('$name', ({ name, shape, x, y, pack, run }) => {
  test('a copy knows whether it is up to date', () => {
    const w = randn(shape)
    const packed = pack(w)
    expect(packed.shape).toEqual(shape)
    expect(packed.isCopyOf(w)).toBe(true)
    expect(packed.isCopyOf(w.clone())).toBe(false)
    noGrad(() => w.copy_(zeros(shape)))
    expect(packed.isCopyOf(w)).toBe(false)
  })

  test('a copy outlives the scope it was made in, until it is disposed', () => {
    const packed = scope(() => pack(randn(shape)))
    expect(run(zeros(x), packed).shape).toEqual(y)
    packed.dispose()
    expect(() => run(zeros(x), packed)).toThrow('disposed')
  })

  test('no gradient is recorded through it', () => {
    const packed = pack(randn(shape))
    const input = zeros(x, { requiresGrad: true })
    expect(() => run(input, packed)).toThrow(AutogradError)
    expect(() => run(input, packed)).toThrow(
      `${name}: expected no gradient to be recorded where weights are packed; use noGrad, or the weights as they are`,
    )
    expect(noGrad(() => run(input, packed)).shape).toEqual(y)
  })
})
