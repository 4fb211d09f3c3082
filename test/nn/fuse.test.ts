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
    expect([...block].map((layer) => layer.constructor.name)).toEqual(['Conv2d', 'Identity', 'Identity'])
    expect([...model].map((layer) => layer.constructor.name)).toEqual(
      ['Conv2d', 'Identity', 'BatchNorm2d', 'Sequential', 'Conv2d', 'BatchNorm2d'],
    )
  })

  const activations: [string, () => nn.Layer][] = [
    ['relu', () => new nn.ReLU()],
    ['gelu', () => new nn.GELU()],
    ['geluTanh', () => new nn.GELU({ approximate: 'tanh' })],
    ['silu', () => new nn.SiLU()],
    ['tanh', () => new nn.Tanh()],
    ['sigmoid', () => new nn.Sigmoid()],
  ]
  it.each(activations)('a convolution takes over %s', (name, make) => {
    const conv = new nn.Conv2d(4, 6, 3)
    const model = new nn.Sequential<nn.Layer[]>(conv, used(new nn.BatchNorm2d(6)), make(), new nn.ReLU()).eval()
    const x = randn([2, 4, 7, 6])
    const expected = model.forward(x)
    nn.fuse(model)
    expect(String(model.layers[0])).toContain(`, activation: '${name}')`)
    expect([...model].slice(1).map(String)).toEqual(['Identity()', 'Identity()', 'ReLU()'])
    expect(conv.activation).toBe(null)
    expectEqual(model.forward(x), expected)
    model.optimizeForInference()
    expectEqual(model.forward(x), expected)
  })

  it('leaves transposed convolutions and other activations their own', () => {
    const model = new nn.Sequential<nn.Layer[]>(
      new nn.ConvTranspose1d(2, 3, 2),
      new nn.ReLU(),
      new nn.Conv1d(3, 2, 1),
      new nn.ELU(),
      new nn.ReLU(),
    ).eval()
    const names = [...model].map(String)
    expect([...nn.fuse(model)].map(String)).toEqual(names)
  })

  it('once fused, the last convolution of a block adds the residual', () => {
    const end = new nn.Sequential(new nn.Conv2d(4, 4, 3, { padding: 1 }), used(new nn.BatchNorm2d(4)), new nn.ReLU())
    const [x, residual] = [randn([1, 4, 5, 5]), randn([1, 4, 5, 5])]
    const [conv, norm, relu] = end.eval().layers
    const expected = relu.forward(norm.forward(conv.forward(x)).add(residual))
    expectEqual(nn.fuse(end).layers[0].forward(x, residual), expected)
  })

  it('refuses a model in training', () => {
    expect(() => nn.fuse(new nn.Sequential())).toThrow('expected a model in evaluation, got training; call eval()')
    expect(() => nn.fuse({} as never)).toThrow(ArgumentError)
  })
})
