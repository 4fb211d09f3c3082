// neurite demo: trains on the digits that come with the package, saves the weights, loads them into a new model, shows
// what it says to a few images it has never seen. Equal seeds give equal numbers and files, whatever the threads.
import { resolve } from 'node:path'
import {
  cpuInfo,
  datasets,
  type DigitTensors,
  manualSeed,
  NeuriteError,
  type nn,
  safetensors,
  type Tensor,
  type TensorDataset,
} from '../index'
import { type Command, integerOption, UsageError } from './command'
import { drawDigits } from './digitArt'
import { classify, makeDigitModel } from './digitModel'
import { countRight, trainDigits } from './digitTraining'
import { ProgressBar } from './progress'

const defaults = { epochs: 12, seed: 0, out: 'neurite-digits.safetensors' }
const shown = 4

export const demo: Command = {
  help: `neurite demo: train a small convolutional network on 8×8 images of handwritten digits

Usage: neurite demo [options]

Options:
  --epochs N   passes over the training images (default ${defaults.epochs})
  --seed N     seed of weights, order and dropout (default ${defaults.seed})
  --out FILE   where to save the weights (default ./${defaults.out})
  -h, --help   show this
`,
  options: { epochs: { type: 'string' }, seed: { type: 'string' }, out: { type: 'string' } },

  async run(values) {
    const epochs = integerOption('epochs', values.epochs, 1, 10_000, defaults.epochs)
    const seed = integerOption('seed', values.seed, 0, Number.MAX_SAFE_INTEGER, defaults.seed)
    const out = (values.out as string | undefined) ?? defaults.out
    if (out === '') throw new UsageError(`--out: expected the path of a file, got ''`)

    manualSeed(seed)
    const { train, test } = await datasets.digits()
    const model = makeDigitModel()
    introduce(model, train, test)
    const bar = new ProgressBar(process.stdout, epochs)
    await trainDigits(model, train, {
      epochs,
      seed,
      step: (progress) => bar.step(progress),
      endEpoch: (progress) => bar.endEpoch(progress),
    })

    const { x, y } = test.tensors
    const predicted = classify(model, x)
    await safetensors.save(out, model.stateDict(), { metadata: { model: 'neurite demo digits', seed: String(seed) } })
    print(`\nweights saved to ${resolve(out)}`)
    await checkSaved(out, x, predicted)
    print('loaded into a new model: its predictions agree\n')
    print(await drawAnswers(test, predicted))
    print(`\ntest accuracy ${((await countRight(predicted, y)) / test.length).toFixed(4)}`)
  },
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function introduce(
  model: nn.Sequential,
  train: TensorDataset<DigitTensors>,
  test: TensorDataset<DigitTensors>,
): void {
  const parameters = model.parameters().reduce((sum, p) => sum + p.numel, 0)
  const { isa, threads } = cpuInfo()
  print(`handwritten digits: ${train.length} images to train on, ${test.length} to test`)
  print(`network of ${parameters} parameters on cpu (${isa}, ${threads} thread${threads === 1 ? '' : 's'})\n`)
}

/** Loads the weights into a model of other weights, which must then say the same. */
async function checkSaved(path: string, x: Tensor, predicted: Tensor): Promise<void> {
  const { tensors } = await safetensors.load(path)
  const loaded = makeDigitModel()
  loaded.loadStateDict(tensors)
  const agreeing = await countRight(classify(loaded, x), predicted)
  if (agreeing === predicted.numel) return
  throw new NeuriteError(
    'LOADED_MODEL_DIFFERS',
    `demo: expected the loaded model to agree on ${predicted.numel} images, got ${agreeing}`,
  )
}

/** The first images of the test with what the model takes them for. */
async function drawAnswers({ tensors: { x, y } }: TensorDataset<DigitTensors>, predicted: Tensor): Promise<string> {
  const some = (t: Tensor) => t.narrow(0, 0, shown)
  const pixels = await some(x).reshape([shown, -1]).array()
  const [said, real] = await Promise.all([some(predicted).data(), some(y).data()])
  return drawDigits(
    (pixels as number[][]).map((image, i) => ({
      pixels: image,
      caption: said[i] === real[i] ? `it says ${said[i]}` : `it says ${said[i]}, not ${real[i]}`,
    })),
  )
}
