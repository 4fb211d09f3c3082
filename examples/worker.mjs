// Sends a model's weights to a Worker, which predicts with them while this thread does something else. The weights are
// not copied: both threads see one memory.
//   node examples/worker.mjs
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { datasets, manualSeed, nn, noGrad, receiveTensor, shareTensor } from 'neurite'

const map = (tensors, fn) => Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, fn(t)]))

if (isMainThread) {
  manualSeed(0)
  const { test } = await datasets.digits()
  const model = new nn.Sequential(new nn.Flatten(), new nn.Linear(64, 10))
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { weights: map(model.stateDict(), shareTensor), x: shareTensor(test.tensors.x) },
  })
  const answer = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  const theirs = receiveTensor(answer)
  const ours = noGrad(() => model.forward(test.tensors.x))
  console.log(`the worker's answer: ${theirs}`)
  console.log(`equal to ours: ${await theirs.eq(ours).all().item()}`)
  await worker.terminate()
} else {
  const { '1.weight': weight, '1.bias': bias } = map(workerData.weights, receiveTensor)
  const x = receiveTensor(workerData.x)
  const y = noGrad(() => x.flatten(1).matmul(weight.T).add(bias))
  parentPort.postMessage(shareTensor(y))
}
