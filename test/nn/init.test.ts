// Initial values: their distribution, and the defaults of the layers.
import { manualSeed, nn, type Tensor, zeros } from '../../lib'

beforeEach(() => void manualSeed(7))

function figures(t: Tensor): { mean: number; std: number; largest: number } {
  return { mean: t.mean().itemSync(), std: t.std().itemSync(), largest: t.abs().amax().itemSync() }
}

/** For numbers of this standard deviation; uniform ones stay within std · √3. */
function expectSpread(t: Tensor, std: number, kind: 'uniform' | 'normal'): void {
  const found = figures(t.detach())
  expect(Math.abs(found.mean)).toBeLessThan(std * 0.05)
  expect(Math.abs(found.std / std - 1)).toBeLessThan(0.05)
  if (kind === 'uniform') expect(found.largest).toBeLessThanOrEqual(std * Math.sqrt(3) * (1 + 1e-6))
  else expect(found.largest).toBeGreaterThan(std * 2)
}

test('Xavier and Kaiming', () => {
  const weight = () => zeros([60, 20, 3, 3])
  expect(nn.init.fans(weight())).toEqual({ fanIn: 180, fanOut: 540 })
  expectSpread(nn.init.xavierUniform_(weight(), { gain: 2 }), 2 * Math.sqrt(2 / 720), 'uniform')
  expectSpread(nn.init.xavierNormal_(weight()), Math.sqrt(2 / 720), 'normal')
  expectSpread(nn.init.kaimingUniform_(weight(), { a: 1 }), 1 / Math.sqrt(180), 'uniform')
  expectSpread(nn.init.kaimingNormal_(weight(), { mode: 'fanOut', nonlinearity: 'relu' }), Math.sqrt(2 / 540), 'normal')
})

test('plain fills', () => {
  expectSpread(nn.init.uniform_(zeros([5000]), -1, 1), 1 / Math.sqrt(3), 'uniform')
  expectSpread(nn.init.normal_(zeros([5000]), 0, 2), 2, 'normal')
  expect(nn.init.eye_(zeros([2, 3])).arraySync()).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ])
  expect(nn.init.constant_(zeros([2]), 4).arraySync()).toEqual([4, 4])
})

test('parameters are filled in place, their gradients untouched', () => {
  const { weight } = new nn.Linear(3, 2)
  expect(nn.init.ones_(weight)).toBe(weight)
  expect(weight.requiresGrad).toBe(true)
  expect(weight.detach().arraySync()).toEqual([
    [1, 1, 1],
    [1, 1, 1],
  ])
})

test('layers start as in PyTorch', () => {
  const within = (fan: number) => 1 / Math.sqrt(3 * fan)
  const linear = new nn.Linear(50, 100)
  expectSpread(linear.weight, within(50), 'uniform')
  expect(figures((linear.bias as Tensor).detach()).largest).toBeLessThanOrEqual(1 / Math.sqrt(50))
  expectSpread(new nn.Conv2d(8, 64, 3, { groups: 2 }).weight, within(36), 'uniform')
  expectSpread(new nn.Embedding(100, 50).weight, 1, 'normal')
  expectSpread(new nn.LSTM(40, 40).getParameter('weight_hh_l0'), within(40), 'uniform')
  const attention = new nn.MultiheadAttention(40, 4)
  expectSpread(attention.inProjWeight, Math.sqrt(2 / 160), 'uniform')
  expectSpread(attention.outProj.weight, within(40), 'uniform')
  expect(attention.outProj.bias?.detach().abs().sum().itemSync()).toBe(0)
})

test('one seed, one network', () => {
  const make = () => {
    manualSeed(3)
    return new nn.Sequential(new nn.Linear(3, 4), new nn.Embedding(5, 2))
      .parameters()
      .map((p) => p.detach().arraySync())
  }
  expect(make()).toEqual(make())
})

test('wrong arguments are refused', () => {
  expect(() => nn.init.fans(zeros([3]))).toThrow('fans: expected a weight of at least 2 dims, got [3]')
  expect(() => nn.init.kaimingUniform_(zeros([2, 2]), { mode: 'fan_in' as never })).toThrow("'fanIn' or 'fanOut'")
  expect(() => nn.init.gainOf('swish' as never)).toThrow('gainOf: expected one of linear')
  expect(() => nn.init.eye_(zeros([2]))).toThrow('eye_: expected a matrix')
})
