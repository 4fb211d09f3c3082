// Module: what it finds, names, saves, loads, moves and switches.
import { nn, ones, randn, scope, StateDictError, tensor, type Tensor, zeros } from '../../lib'

class Block extends nn.Module {
  readonly linear: nn.Linear
  readonly batchNorm: nn.BatchNorm1d

  constructor(size: number) {
    super()
    this.linear = new nn.Linear(size, size)
    this.batchNorm = new nn.BatchNorm1d(size)
  }

  override forward(x: Tensor): Tensor {
    return this.batchNorm.forward(this.linear.forward(x)).relu()
  }
}

class Net extends nn.Module {
  readonly blocks: Block[]
  readonly posEmbed = nn.parameter(zeros([2]))
  readonly head: nn.Sequential<[nn.Dropout, nn.Linear]>
  /** Neither a parameter nor a buffer: not saved. */
  readonly seen = ones([3])
  readonly steps = nn.buffer(zeros([], { dtype: 'int64' }))
  readonly scratch = nn.buffer(zeros([1]), { persistent: false })

  constructor() {
    super()
    this.blocks = [new Block(2), new Block(2)]
    this.head = new nn.Sequential(new nn.Dropout(0.3), new nn.Linear(2, 1, { bias: false }))
  }

  override forward(x: Tensor): Tensor {
    for (const block of this.blocks) x = block.forward(x)
    return this.head.forward(x.add(this.posEmbed))
  }
}

const parameterNames = [
  'pos_embed',
  'blocks.0.linear.weight',
  'blocks.0.linear.bias',
  'blocks.0.batch_norm.weight',
  'blocks.0.batch_norm.bias',
  'blocks.1.linear.weight',
  'blocks.1.linear.bias',
  'blocks.1.batch_norm.weight',
  'blocks.1.batch_norm.bias',
  'head.1.weight',
]
const statistics = ['running_mean', 'running_var', 'num_batches_tracked']
const bufferNames = [0, 1].flatMap((i) => statistics.map((name) => `blocks.${i}.batch_norm.${name}`))

test('parameters and buffers are found, and named as PyTorch names them', () => {
  const net = new Net()
  expect(net.namedParameters().map(([name]) => name)).toEqual(parameterNames)
  expect(net.parameters().every((p) => p.requiresGrad)).toBe(true)
  expect(net.namedBuffers().map(([name]) => name)).toEqual(['steps', 'scratch', ...bufferNames])
  expect(Object.keys(net.stateDict()).sort()).toEqual([...parameterNames, 'steps', ...bufferNames].sort())
})

test('modules are found, parents first', () => {
  const net = new Net()
  expect(net.namedModules().map(([name]) => name)).toEqual([
    '',
    'blocks.0',
    'blocks.0.linear',
    'blocks.0.batch_norm',
    'blocks.1',
    'blocks.1.linear',
    'blocks.1.batch_norm',
    'head',
    'head.0',
    'head.1',
  ])
  expect(net.children()).toEqual([net.blocks[0], net.blocks[1], net.head])
  const order: nn.Module[] = []
  net.head.apply((module) => order.push(module))
  expect(order).toEqual([...net.head, net.head])
})

test('what is held twice is listed once, and saved under both names', () => {
  const layer = new nn.Linear(2, 2, { bias: false })
  const other = new nn.Linear(2, 2, { bias: false })
  other.weight = layer.weight
  const tied = new nn.Sequential(layer, other, layer)
  expect(tied.parameters()).toEqual([layer.weight])
  expect(tied.modules()).toHaveLength(3)
  expect(Object.keys(tied.stateDict())).toEqual(['0.weight', '1.weight', '2.weight'])
  tied.to('float64')
  expect(layer.weight.dtype).toBe('float64')
  expect(other.weight).toBe(layer.weight)
})

test('a module that holds itself is an error, not a hang', () => {
  const net = new Net()
  Object.assign(net.blocks[0], { parent: net })
  expect(() => net.parameters()).toThrow("expected a tree of modules, got 'blocks.0.parent', which holds itself")
})

test('a state dict goes round', () => {
  const [from, to] = [new Net(), new Net()]
  from.forward(randn([4, 2]))
  expect(to.loadStateDict(from.stateDict())).toEqual({ missing: [], unexpected: [] })
  const saved = to.stateDict()
  for (const [name, t] of Object.entries(from.stateDict()))
    expect([name, saved[name].arraySync()]).toEqual([name, t.arraySync()])
  const x = randn([3, 2])
  expect(to.eval().forward(x).arraySync()).toEqual(from.eval().forward(x).arraySync())
})

test('a state dict follows its module; loading leaves the parameters in place', () => {
  const layer = new nn.Linear(1, 1)
  const { weight } = layer
  const state = layer.stateDict()
  layer.loadStateDict({ weight: tensor([[3]], { dtype: 'float64' }), bias: tensor([4]) })
  expect(layer.weight).toBe(weight)
  expect([weight.dtype, weight.requiresGrad]).toEqual(['float32', true])
  expect(state.weight.itemSync()).toBe(3)
  expect(state.weight.requiresGrad).toBe(false)
})

test('strict loading lists all that does not fit, and writes nothing', () => {
  const layer = new nn.Linear(2, 3)
  const before = layer.weight.arraySync()
  const load = () => layer.loadStateDict({ weight: ones([2, 3]), scale: ones([1]) })
  expect(load).toThrow(StateDictError)
  expect(load).toThrow(/unexpected: scale\n {2}missing: bias\n {2}weight: shape \[2, 3\] instead of \[3, 2\]/)
  expect(() => layer.loadStateDict({ weight: ones([3, 2]) })).toThrow('missing: bias')
  expect(layer.weight.arraySync()).toEqual(before)
  expect(() => layer.loadStateDict({ weight: 1, bias: ones([3]) } as never)).toThrow('weight: not a tensor but 1')
  expect(() => layer.loadStateDict(null as never)).toThrow(
    'loadStateDict: expected an object of tensors by name, got null',
  )
})

test('loading that is not strict takes what fits and reports the rest; shapes must agree still', () => {
  const layer = new nn.Linear(2, 3)
  const report = layer.loadStateDict({ weight: ones([3, 2]), scale: ones([1]) }, { strict: false })
  expect(report).toEqual({ missing: ['bias'], unexpected: ['scale'] })
  expect(layer.weight.arraySync()).toEqual([
    [1, 1],
    [1, 1],
    [1, 1],
  ])
  expect(() => layer.loadStateDict({ weight: ones([3]) }, { strict: false })).toThrow(
    'weight: shape [3] instead of [3, 2]',
  )
})

test('train and eval reach every module', () => {
  const net = new Net().eval()
  expect(net.modules().map((module) => module.training)).toEqual(new Array(10).fill(false))
  expect(net.head.layers[0].forward(ones([100])).arraySync()).toEqual(new Array(100).fill(1))
  net.train()
  expect(net.modules().every((module) => module.training)).toBe(true)
  const kept = net.head.layers[0]
    .forward(ones([10000]))
    .gt(0)
    .to('float32')
    .mean()
    .itemSync()
  expect(Math.abs(kept - 0.7)).toBeLessThan(0.03)
})

test('to converts floating members only, and keeps what they are', () => {
  const net = new Net()
  net
    .forward(randn([4, 2]))
    .sum()
    .backward()
  net.to('float64')
  expect(net.parameters().every((p) => p.dtype === 'float64' && p.requiresGrad && p.grad?.dtype === 'float64')).toBe(
    true,
  )
  expect(net.steps.dtype).toBe('int64')
  expect(net.namedParameters().map(([name]) => name)).toEqual(parameterNames)
  expect(net.forward(randn([4, 2], { dtype: 'float64' })).dtype).toBe('float64')
  expect(() => net.to('int32')).toThrow('Module.to: expected a floating dtype or a device, got int32')
  expect(() => net.to('moon' as never)).toThrow("'cpu'")
})

test('gradients are forgotten and switched off together', () => {
  const layer = new nn.Linear(2, 1)
  layer
    .forward(ones([1, 2]))
    .sum()
    .backward()
  expect(layer.parameters().every((p) => p.grad !== null)).toBe(true)
  layer.zeroGrad()
  expect(layer.parameters().every((p) => p.grad === null)).toBe(true)
  layer.requiresGrad_(false)
  expect(layer.parameters()).toHaveLength(2)
  expect(layer.forward(ones([1, 2])).requiresGrad).toBe(false)
})

test('members can be named at run time', () => {
  class Bag extends nn.Module {
    override forward(x: Tensor): Tensor {
      return x
    }
  }
  const bag = new Bag()
  bag.registerParameter('weightIhL0', zeros([1]))
  bag.registerBuffer('mask', ones([1]), { persistent: false })
  expect(Object.keys(bag.stateDict())).toEqual(['weight_ih_l0'])
  expect(bag.namedBuffers().map(([name]) => name)).toEqual(['mask'])
  for (const name of ['a.b', '', 'forward', 'training', 7 as never]) {
    expect(() => bag.registerParameter(name, zeros([1]))).toThrow(
      'registerParameter: expected the name of a new property',
    )
  }
})

test('parameters and buffers are made of tensors without history', () => {
  const w = nn.parameter(ones([2]))
  expect(() => nn.parameter(w.mul(2))).toThrow('parameter: expected a tensor without history')
  expect(() => nn.buffer(w)).toThrow('buffer: expected a tensor without gradient')
  expect(() => nn.parameter(tensor([1n]))).toThrow('floating dtype')
  expect(nn.parameter(ones([2]), { requiresGrad: false }).requiresGrad).toBe(false)
})

test('scopes leave modules alone', () => {
  let layer: nn.Linear | undefined
  scope(() => {
    layer = new nn.Linear(2, 2)
    layer.stateDict()
  })
  expect(layer?.forward(ones([1, 2])).shape).toEqual([1, 2])
})

test('a module prints as a tree', () => {
  const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Sequential(new nn.ReLU(), new nn.Dropout(0.1)))
  expect(String(model)).toBe(
    'Sequential(\n  (0): Linear(2, 3)\n  (1): Sequential(\n    (0): ReLU()\n    (1): Dropout(0.1)\n  )\n)',
  )
})

test('Sequential takes modules only', () => {
  expect(() => new nn.Sequential((() => 1) as never)).toThrow('Sequential: expected modules')
})
