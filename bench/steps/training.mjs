// Whole training steps: gradients to null, forward, cross-entropy, backward, optimizer.
import { lenet5, mlp } from '../models.mjs'

function trainingRow(params, build, inputShape, optimizer) {
  const batch = inputShape[0]
  return {
    bench: 'train step',
    params,
    items: batch,
    prepare(n) {
      const model = build(n)
      const opt = optimizer(n, model.parameters())
      const x = n.randn(inputShape)
      const y = n.randint(0, 10, [batch])
      return () => {
        opt.zeroGrad()
        n.crossEntropy(model.forward(x), y).backward()
        opt.step()
      }
    },
  }
}

const sgd = (n, parameters) => new n.optim.SGD(parameters, { lr: 1e-3 })
const adam = (n, parameters) => new n.optim.Adam(parameters, { lr: 1e-3 })

export const training = [
  ...[64, 128].flatMap((b) => [
    trainingRow(`mlp 784-512-256-10 B${b} SGD`, mlp, [b, 784], sgd),
    trainingRow(`mlp 784-512-256-10 B${b} Adam`, mlp, [b, 784], adam),
  ]),
  trainingRow('lenet5 28x28 B64 Adam', lenet5, [64, 1, 28, 28], adam),
]
