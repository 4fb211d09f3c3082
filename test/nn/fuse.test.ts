import { arraySync, nn, noGrad, randn, type Tensor } from '../../lib'
import { ArgumentError, ShapeError } from '../../lib'

/** A batch norm whose weight, bias and statistics are all at work. */
function used<Norm extends nn.BatchNorm2d | nn.BatchNorm1d>(norm: Norm): Norm {
  noGrad(() => {
    norm.weight?.copy_(randn([norm.numFeatures]))
    norm.bias?.copy_(randn([norm.numFeatures]))
    norm.runningMean!.copy_(randn([norm.numFeatures]))
    norm.runningVar!.copy_(randn([norm.numFeatures]).square().add(0.5))
  })
  norm.eval()
  return norm
}

function expectEqual(y: Tensor, expected: Tensor): void {
  expect(y.shape).toEqual(expected.shape)
  const values = (arraySync(expected.reshape([-1])) as number[]).entries()
  const got = arraySync(y.reshape([-1])) as number[]
  for (const [i, value] of values) expect(got[i]).toBeCloseTo(value, 4)
}

describe('fuseConvBn', () => {
  const layers: [string, () => nn.Conv2d | nn.ConvTranspose2d][] = [
    ['without bias', () => new nn.Conv2d(4, 6, 3, { bias: false, padding: 1 })],
    ['with bias and stride', () => new nn.Conv2d(4, 6, 3, { stride: 2 })],
    ['in groups', () => new nn.Conv2d(4, 6, 3, { groups: 2 })],
    ['transposed', () => new nn.ConvTranspose2d(4, 6, 3, { stride: 2 })],
    ['transposed in groups', () => new nn.ConvTranspose2d(4, 6, 3, { groups: 2 })],
  ]
  it.each(layers)('%s computes what both do', (_, make) => {
    const conv = make().eval()
    const norm = used(new nn.BatchNorm2d(6))
    const before = arraySync(conv.weight)
    const fused = nn.fuseConvBn(conv, norm)
    const x = randn([2, 4, 7, 6])
    expectEqual(fused.forward(x), norm.forward(conv.forward(x)))
    expect(arraySync(conv.weight)).toEqual(before)
    expect(fused.constructor).toBe(conv.constructor)
  })

  it('takes a norm without weight', () => {
    const conv = new nn.Conv1d(2, 3, 3).eval()
    const norm = used(new nn.BatchNorm1d(3, { affine: false }))
    const x = randn([2, 2, 9])
    expectEqual(nn.fuseConvBn(conv, norm).forward(x), norm.forward(conv.forward(x)))
  })

  it('refuses what cannot be one', () => {
    const conv = new nn.Conv2d(4, 6, 3).eval()
    expect(() => nn.fuseConvBn(conv, new nn.BatchNorm2d(6))).toThrow('expected layers in evaluation, got training')
    expect(() => nn.fuseConvBn(conv, new nn.BatchNorm2d(4).eval())).toThrow(ShapeError)
    const plain = new nn.BatchNorm2d(6, { trackRunningStats: false }).eval()
    expect(() => nn.fuseConvBn(conv, plain)).toThrow('a batch norm with running statistics, got none')
    expect(() => nn.fuseConvBn(new nn.ReLU() as never, plain)).toThrow(ArgumentError)
  })
})

describe('fuse', () => {
  it('fuses every sequence of a model, and nothing else', () => {
    const block = new nn.Sequential(new nn.Conv2d(4, 4, 3), used(new nn.BatchNorm2d(4)), new nn.ReLU())
    const model = new nn.Sequential(
      new nn.Conv2d(3, 4, 1),
      new nn.ReLU(),
      used(new nn.BatchNorm2d(4)),
      block,
      new nn.Conv2d(4, 2, 1),
      new nn.BatchNorm2d(2, { trackRunningStats: false }),
    ).eval()
    const x = randn([2, 3, 8, 8])
    const expected = model.forward(x)
    expect(nn.fuse(model)).toBe(model)
    expectEqual(model.forward(x), expected)
    expect([...block].map((layer) => layer.constructor.name)).toEqual(['Conv2d', 'Identity', 'ReLU'])
    expect([...model].filter((layer) => layer instanceof nn.BatchNorm2d)).toHaveLength(2)
  })

  it('refuses a model in training', () => {
    expect(() => nn.fuse(new nn.Sequential())).toThrow('expected a model in evaluation, got training; call eval()')
    expect(() => nn.fuse({} as never)).toThrow(ArgumentError)
  })
})
