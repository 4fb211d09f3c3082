// Groups, options, state dicts and the habits of optimizers.
import { nn, ones, optim, scope, StateDictError, tensor, type Tensor, zeros } from '../../lib'

function parameterOf(values: number[]): Tensor {
  return nn.parameter(tensor(values))
}

test('a step follows the gradient, and counts as a write', () => {
  const p = parameterOf([1, 2])
  const optimizer = new optim.SGD([p], { lr: 0.5 })
  const loss = p.square().sum()
  const { version } = p
  loss.backward()
  optimizer.step()
  expect(p.detach().arraySync()).toEqual([0, 0])
  expect(p.version).toBeGreaterThan(version)
  const y = p.square().sum()
  p.grad = ones([2])
  optimizer.step()
  expect(() => y.backward()).toThrow('written in place')
})

test('zeroGrad forgets; a step without gradients changes nothing', () => {
  const p = parameterOf([1, 2])
  const optimizer = new optim.Adam([p])
  p.grad = ones([2])
  optimizer.zeroGrad()
  expect(p.grad).toBeNull()
  optimizer.step()
  expect(p.detach().arraySync()).toEqual([1, 2])
  expect(optimizer.stateDict().state).toEqual({})
})

test('options of a group can change between steps', () => {
  const p = parameterOf([0])
  const optimizer = new optim.SGD([p], { lr: 1 })
  for (const lr of [1, 0.5, 0.25]) {
    optimizer.paramGroups[0].lr = lr
    p.grad = ones([1])
    optimizer.step()
  }
  expect(p.detach().arraySync()).toEqual([-1.75])
})

test('groups take what they do not say from the optimizer', () => {
  const [a, b] = [parameterOf([0]), parameterOf([0])]
  const optimizer = new optim.SGD([{ params: [a] }, { params: [b], lr: 2 }], { lr: 1, momentum: 0.5 })
  expect(optimizer.paramGroups.map(({ lr, momentum }) => [lr, momentum])).toEqual([
    [1, 0.5],
    [2, 0.5],
  ])
  const c = parameterOf([0])
  optimizer.addParamGroup({ params: [c], lr: 3 })
  for (const p of [a, b, c]) p.grad = ones([1])
  optimizer.step()
  expect([a, b, c].map((p) => p.detach().itemSync())).toEqual([-1, -2, -3])
})

test('more parameters than one command takes', () => {
  const params = Array.from({ length: 1200 }, (_, i) => parameterOf([i]))
  const optimizer = new optim.Adam(params, { lr: 1, amsgrad: true })
  for (const p of params) p.grad = ones([1])
  optimizer.step()
  expect(params.every((p, i) => Math.abs(p.detach().itemSync() - (i - 1)) < 1e-3)).toBe(true)
})

test('gradients of any layout are taken', () => {
  const p = nn.parameter(zeros([2, 3]))
  p.grad = tensor([
    [1, 2],
    [3, 4],
    [5, 6],
  ]).transpose(0, 1)
  new optim.SGD([p], { lr: 1 }).step()
  expect(p.detach().arraySync()).toEqual([
    [-1, -3, -5],
    [-2, -4, -6],
  ])
})

test('scopes leave state alone', () => {
  const p = parameterOf([1])
  const optimizer = new optim.Adam([p], { lr: 0.1 })
  for (let step = 0; step < 3; step++) {
    scope(() => {
      optimizer.zeroGrad()
      p.square().sum().backward()
      optimizer.step()
    })
  }
  expect(p.detach().itemSync()).toBeLessThan(0.75)
})

test('wrong options and parameters are refused by name', () => {
  const p = [parameterOf([1])]
  expect(() => new optim.SGD(p, { lr: -1 })).toThrow('SGD: expected lr to be a number in [0, Infinity], got -1')
  expect(() => new optim.SGD(p, { momentum: NaN })).toThrow('SGD: expected momentum')
  expect(() => new optim.SGD(p, { nesterov: true })).toThrow('SGD: expected momentum and no dampening with nesterov')
  expect(() => new optim.SGD(p, { nesterov: 'yes' as never })).toThrow(
    'SGD: expected nesterov to be a boolean, got "yes"',
  )
  expect(() => new optim.Adam(p, { betas: [0.9, 1] })).toThrow(
    'Adam: expected betas to be two numbers in [0, 1), got [0.9, 1]',
  )
  expect(() => new optim.AdamW(p, { weight_decay: 1 } as never)).toThrow(
    /^AdamW: expected options { lr, .*, got { weight_decay }$/,
  )
  expect(() => new optim.AdamW(p, { eps: -1 })).toThrow('AdamW: expected eps')
  expect(() => new optim.SGD([{ params: p, lr: -2 }])).toThrow('SGD: expected lr')
  expect(() => new optim.SGD([])).toThrow('SGD: expected at least one parameter, got none')
  expect(() => new optim.SGD(null as never)).toThrow('SGD: expected a list of parameters or groups, got null')
  expect(() => new optim.SGD([7] as never)).toThrow('SGD: expected a group { params, ...options }, got 7')
  expect(() => new optim.SGD([p[0], p[0]])).toThrow('SGD: expected each parameter once')
  expect(() => new optim.SGD([{ params: p }, { params: p }])).toThrow('SGD: expected each parameter once')
  expect(() => new optim.SGD([p[0].mul(2)])).toThrow("SGD: expected leaves, got the result of 'mul'")
  expect(() => new optim.SGD([zeros([2], { dtype: 'float16' })])).toThrow('float32 or float64 parameters')
  expect(() => new optim.SGD([zeros([2, 3]).transpose(0, 1)])).toThrow('contiguous')
})

test('a gradient of another shape is refused, and nothing is changed', () => {
  const p = parameterOf([1, 2])
  p.grad = ones([3])
  const optimizer = new optim.Adam([p])
  expect(() => optimizer.step()).toThrow(/adam: expected gradients of their parameter's shape/)
  expect(optimizer.stateDict().state).toEqual({})
})

test("the state dict has PyTorch's form", () => {
  const params = [parameterOf([1, 2]), parameterOf([3])]
  const optimizer = new optim.AdamW([{ params: [params[0]] }, { params: [params[1]], lr: 0.2 }], { lr: 0.1 })
  params[1].grad = ones([1])
  optimizer.step()
  const { state, param_groups: groups } = optimizer.stateDict()
  expect(groups.map((group) => group.params)).toEqual([[0], [1]])
  expect(groups[1]).toMatchObject({ lr: 0.2, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01, amsgrad: false })
  expect(Object.keys(state)).toEqual(['1'])
  expect(Object.keys(state[1])).toEqual(['step', 'exp_avg', 'exp_avg_sq'])
  expect(state[1].step).toBe(1)
})

test('state is copied on loading; options come along', () => {
  const make = () => new optim.SGD([parameterOf([1])], { lr: 0.1, momentum: 0.9 })
  const [from, to] = [make(), make()]
  from.paramGroups[0].lr = 0.7
  const step = (optimizer: optim.SGD) => {
    optimizer.paramGroups[0].params[0].grad = ones([1])
    optimizer.step()
  }
  step(from)
  to.loadStateDict(from.stateDict())
  step(from)
  expect(to.paramGroups[0].lr).toBe(0.7)
  expect((to.stateDict().state[0].momentum_buffer as Tensor).itemSync()).toBe(1)
})

test('state that does not fit is refused, and nothing is changed', () => {
  const optimizer = new optim.Adam([parameterOf([1, 2])])
  const load = (state: unknown) => () => optimizer.loadStateDict(state as optim.OptimizerState)
  const groups = [{ params: [0], lr: 0.5 }]
  expect(load(null)).toThrow(StateDictError)
  expect(load({ state: {}, param_groups: [] })).toThrow('expected { state, param_groups } with 1 groups, got 0')
  expect(load({ state: {}, param_groups: [{ params: [0, 1] }] })).toThrow(
    'Adam: expected 1 parameters in group 0, got 2',
  )
  expect(load({ state: { 0: { step: 1.5 } }, param_groups: groups })).toThrow(
    'expected step of parameter 0 to be an integer',
  )
  const wrong = { state: { 0: { step: 1, exp_avg: ones([3]) } }, param_groups: groups }
  expect(load(wrong)).toThrow('expected exp_avg of parameter 0 to be float32 [2], got Tensor([3], float32, cpu)')
  expect(load({ state: {}, param_groups: [{ params: [0], lr: -1 }] })).toThrow('Adam: expected lr')
  expect(optimizer.paramGroups[0].lr).toBe(1e-3)
})
