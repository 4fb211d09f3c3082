import { conv1d, linear, nn, noGrad, optim, randn, synchronize, type Tensor } from '../../lib'
import { profile } from '../../lib/profile'

const make = () => new nn.Sequential(new nn.Linear(6, 40), new nn.ReLU(), new nn.Linear(40, 3, { bias: false }))

/** The kernels that a forward pass runs. */
async function commands(model: { forward(x: Tensor): Tensor }, x: Tensor): Promise<string[]> {
  await synchronize() // commands from before are none of them
  const { trace } = await profile(() => void model.forward(x))
  return trace.traceEvents.flatMap(({ cat, name }) => (cat === 'command' ? [name] : []))
}

describe('optimizeForInference', () => {
  const x = randn([5, 6])
  const packed = ['matmul_packed', 'relu', 'matmul_packed']
  const plain = ['matmul', 'relu', 'matmul']

  test('computes the same with packed weights', async () => {
    const model = make()
    const want = noGrad(() => model.forward(x)).arraySync() as number[][]
    expect(model.optimizeForInference()).toBe(model)
    const got = model.forward(x)
    expect(got.requiresGrad).toBe(false)
    for (const [i, row] of (got.arraySync() as number[][]).entries()) {
      for (const [j, v] of row.entries()) expect(v).toBeCloseTo(want[i][j], 5)
    }
    expect(model.training).toBe(false)
    expect(await commands(model, x)).toEqual(packed)
  })

  test('weights that change serve themselves', async () => {
    const model = make().optimizeForInference()
    const other = make()
    model.loadStateDict(other.stateDict())
    expect(await commands(model, x)).toEqual(plain)
    expect(model.forward(x).arraySync()).toEqual(noGrad(() => other.forward(x)).arraySync())
    expect(await commands(model.optimizeForInference(), x)).toEqual(packed)
    expect(await commands(model.to('float64'), x.to('float64'))).toEqual(plain)
  })

  test('training goes on where gradients are switched on again', async () => {
    const model = make().optimizeForInference()
    const before = model.forward(x).arraySync()
    expect(await commands(model.train(), x)).toEqual(plain)
    model.requiresGrad_()
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.5 })
    model.forward(x).square().sum().backward()
    optimizer.step()
    expect(noGrad(() => model.forward(x)).arraySync()).not.toEqual(before)
  })

  test('convolutions are packed too, each for itself', async () => {
    const conv = new nn.Conv2d(4, 6, 3, { padding: 1, groups: 2 })
    const model = new nn.Sequential(conv, new nn.BatchNorm2d(6), new nn.ReLU()).eval()
    const image = randn([2, 4, 9, 8])
    const want = noGrad(() => model.forward(image)).dataSync()
    nn.fuse(model).optimizeForInference()
    const got = model.forward(image).dataSync()
    want.forEach((v, i) => expect(got[i]).toBeCloseTo(v as number, 5))
    expect(await commands(model, image)).toEqual(['conv_packed'])
    expect(await commands(conv.eval().requiresGrad_(false), image)).toEqual(['conv'])
    expect(await commands(conv.optimizeForInference(), image)).toEqual(['conv_packed'])
    conv.train()
    expect(await commands(model, image)).toEqual(['conv_packed'])
    model.train()
    expect(await commands(model, image)).toEqual(['conv'])
  })

  test('a convolution gives gradients to its input and to a residual', () => {
    const conv = new nn.Conv1d(3, 2, 2).optimizeForInference()
    const input = randn([1, 3, 5], { requiresGrad: true })
    const residual = randn([1, 2, 4], { requiresGrad: true })
    conv.forward(input).sum().backward()
    conv.forward(input.detach(), residual).sum().backward()
    const want = randn([1, 3, 5], { requiresGrad: true })
    conv1d(want, conv.weight, conv.bias).sum().backward()
    expect(input.grad!.arraySync()).toEqual(want.grad!.arraySync())
    expect(residual.grad!.dataSync().every((v) => v === 1)).toBe(true)
  })

  test('an input that takes a gradient gets it', () => {
    const layer = new nn.Linear(6, 3).optimizeForInference()
    const input = randn([2, 6], { requiresGrad: true })
    layer.forward(input).sum().backward()
    const want = randn([2, 6], { requiresGrad: true })
    linear(want, layer.weight, layer.bias).sum().backward()
    expect(input.grad!.arraySync()).toEqual(want.grad!.arraySync())
  })
})
