// Small networks learn: modules, losses and optimizers at work together.
import { manualSeed, nn, optim, scope, tensor, type Tensor } from '../../lib'

beforeEach(() => void manualSeed(1))

function train(optimizer: optim.Optimizer, steps: number, lossOf: () => Tensor): number {
  let last = Infinity
  for (let step = 0; step < steps; step++) {
    scope(() => {
      const loss = lossOf()
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      last = loss.itemSync()
    })
  }
  return last
}

test.each([
  ['SGD', (params: Tensor[]) => new optim.SGD(params, { lr: 0.3, momentum: 0.9 })],
  ['AdamW', (params: Tensor[]) => new optim.AdamW(params, { lr: 0.05 })],
] as const)('%s learns the exclusive or', (_, make) => {
  const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
  const y = tensor([0n, 1n, 1n, 0n])
  const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 2))
  const criterion = new nn.CrossEntropyLoss()
  expect(train(make(model.parameters()), 150, () => criterion.forward(model.forward(x), y))).toBeLessThan(0.05)
  expect(model.forward(x).argmax({ dim: 1 }).arraySync()).toEqual([0, 1, 1, 0])
})

test('an LSTM learns to tell what came first', () => {
  const lstm = new nn.LSTM(1, 8)
  const head = new nn.Linear(8, 1)
  const x = tensor([[[1], [0]], [[0], [0]], [[0], [1]]]) // [T, B, in]: the first sequence begins with 1
  const y = tensor([[1], [0]])
  const loss = train(new optim.Adam([...lstm.parameters(), ...head.parameters()], { lr: 0.05 }), 100, () => {
    const [output] = lstm.forward(x)
    return nn.functional.binaryCrossEntropyWithLogits(head.forward(output.select(0, 2)), y)
  })
  expect(loss).toBeLessThan(0.05)
})
