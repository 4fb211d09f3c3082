// The training of the demo: AdamW with a learning rate that falls along half a cosine (Loshchilov & Hutter 2017).
import { crossEntropy, DataLoader, type DigitTensors, type nn, optim, type Tensor, type TensorDataset } from '../index'
import type { Progress } from './progress'

export interface TrainingOptions {
  epochs: number
  seed: number
  step: (progress: Progress) => void
  endEpoch: (progress: Progress) => void
}

const batchSize = 32
const highestRate = 3e-3

export async function trainDigits(
  model: nn.Sequential,
  dataset: TensorDataset<DigitTensors>,
  { epochs, seed, step, endEpoch }: TrainingOptions,
): Promise<void> {
  const loader = new DataLoader(dataset, { batchSize, shuffle: true, seed })
  const optimizer = new optim.AdamW(model.parameters(), { lr: highestRate, weightDecay: 0.01 })
  const total = epochs * dataset.length
  let seen = 0
  model.train()
  for (let epoch = 1; epoch <= epochs; epoch++) {
    let [lossSum, right, count] = [0, 0, 0]
    const progress = (): Progress => ({ epoch, loss: lossSum / count, accuracy: right / count, seen, total })
    for await (const { x, y } of loader) {
      optimizer.paramGroups[0].lr = (highestRate / 2) * (1 + Math.cos((Math.PI * seen) / total))
      const logits = model.forward(x)
      const loss = crossEntropy(logits, y)
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      const size = x.shape[0]
      lossSum += (await loss.item()) * size
      right += await countRight(logits.detach().argmax({ dim: 1 }), y)
      count += size
      seen += size
      step(progress())
    }
    endEpoch(progress())
  }
}

/** How many predictions are those wanted. */
export async function countRight(predicted: Tensor, y: Tensor): Promise<number> {
  return predicted.eq(y).sum().item()
}
