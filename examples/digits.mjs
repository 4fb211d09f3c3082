// Trains a perceptron on the digits, saves it, loads it again and classifies one image.
//   node examples/digits.mjs
import { crossEntropy, DataLoader, datasets, manualSeed, nn, noGrad, optim, safetensors } from 'neurite'

manualSeed(1)
const { train, test } = await datasets.digits()
const makeModel = () => new nn.Sequential(new nn.Flatten(), new nn.Linear(64, 64), new nn.ReLU(), new nn.Linear(64, 10))

const model = makeModel()
const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9, nesterov: true })
const loader = new DataLoader(train, { batchSize: 64, shuffle: true, seed: 1 })
for (let epoch = 1; epoch <= 10; epoch++) {
  let last
  for await (const { x, y } of loader) {
    last = crossEntropy(model.forward(x), y)
    optimizer.zeroGrad()
    last.backward()
    optimizer.step()
  }
  console.log(`epoch ${epoch}: loss ${(await last.item()).toFixed(4)}`)
}

const file = process.argv[2] ?? 'perceptron.safetensors'
await safetensors.save(file, model.stateDict(), { metadata: { trainedOn: 'UCI digits' } })
const loaded = makeModel()
loaded.loadStateDict((await safetensors.load(file)).tensors)

const { x, y } = test.get(0)
const chances = noGrad(() => loaded.forward(x.unsqueeze(0)).softmax({ dim: 1 }))
console.log(`the first test image is a ${await y.item()}; the model says ${await chances.argmax({ dim: 1 }).item()}`)
console.log(`chances of 0 to 9: ${await chances.toText({ precision: 2 })}`)
