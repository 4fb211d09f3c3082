// Whole training steps: gradients to null, forward, cross-entropy, backward, optimizer.
import { charLstm } from '../models/char_lstm.mjs'
import { gpt } from '../models/gpt.mjs'
import { lenet5 } from '../models/lenet5.mjs'
import { mlp } from '../models/mlp.mjs'
import { resnet18 } from '../models/resnet18.mjs'

/** Images or vectors [B, …] with one class each. */
const classified = (shape) => (n) => [n.randn(shape), n.randint(0, 10, [shape[0]])]

/** Sequences [B, T] of `vocabulary` characters, each with the next one. */
const text = (B, T, vocabulary) => (n) => [n.randint(0, vocabulary, [B, T]), n.randint(0, vocabulary, [B * T])]

function trainingRow(name, detail, optimizer, { build, data, items }) {
  return {
    bench: 'train step',
    params: `${name} ${detail} ${optimizer}`,
    args: { model: name, detail, optimizer },
    items,
    prepare(n) {
      const model = build(n)
      const opt = new n.optim[optimizer](model.parameters(), { lr: 1e-3 })
      const [x, y] = data(n)
      return () => {
        opt.zeroGrad()
        const logits = model.forward(x)
        n.crossEntropy(logits.reshape([-1, logits.shape[logits.ndim - 1]]), y).backward()
        opt.step()
      }
    },
  }
}

const mlpStep = (B) => ({ build: mlp, data: classified([B, 784]), items: B })
const lenet = { build: lenet5, data: classified([64, 1, 28, 28]), items: 64 }
const resnet = { build: resnet18, data: classified([64, 3, 32, 32]), items: 64 }
const characters = { build: charLstm, data: text(32, 64, 65), items: 32 * 64 }
const decoder = {
  build: (n) => gpt(n, { layers: 6, width: 384, heads: 6, context: 256, vocabulary: 65 }),
  data: text(8, 256, 65),
  items: 8 * 256,
}

export const training = [
  ...['SGD', 'Adam', 'AdamW'].flatMap((optimizer) =>
    [64, 128].map((B) => trainingRow('mlp', `784-512-256-10 B${B}`, optimizer, mlpStep(B))),
  ),
  trainingRow('lenet5', '28x28 B64', 'Adam', lenet),
  trainingRow('lenet5', '28x28 B64', 'AdamW', lenet),
  trainingRow('resnet18', 'cifar 32x32 B64', 'AdamW', resnet),
  trainingRow('char-lstm', '2x256 T64 B32 V65', 'AdamW', characters),
  trainingRow('gpt', '6x384 h6 T256 B8 V65', 'AdamW', decoder),
]
