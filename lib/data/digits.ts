// The digits that come with the package: data/digits/README.md says whose they are.
import { join } from 'node:path'
import { noGrad } from '../autograd'
import { checkOptions } from '../check'
import { Generator, randperm } from '../ops/random'
import { data } from '../ops/read'
import { packageRoot } from '../package'
import type { Tensor } from '../tensor'
import { TensorDataset } from './dataset'
import { readIdx } from './idx'

/** Images and classes of one part of the digits. */
export type DigitTensors = {
  /** float32 [N, 1, 8, 8], from 0 (paper) to 1 (ink). */
  x: Tensor
  /** int64 [N], the digits 0 … 9. */
  y: Tensor
}

export interface Digits {
  train: TensorDataset<DigitTensors>
  test: TensorDataset<DigitTensors>
}

/**
 * The 1,797 handwritten digits of UCI's Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak, 1998; CC BY
 * 4.0), split into 1,438 for training and 359 for testing. Every class gives 20 % of its images, drawn with `seed`, to
 * the test: equal seeds give equal splits.
 */
export async function digits(options?: { seed?: number | bigint }): Promise<Digits> {
  const { seed = 0 } = checkOptions('digits', options, { seed: true })
  const folder = join(packageRoot, 'data', 'digits')
  const images = await readIdx(join(folder, 'images-idx3-ubyte.gz'))
  const labels = await readIdx(join(folder, 'labels-idx1-ubyte.gz'))
  const all = noGrad(() => ({ x: images.to('float32').div(16).unsqueeze(1), y: labels.to('int64') }))
  const isTest = await drawTest([...((await data(labels)) as Uint8Array)], seed)
  const whole = new TensorDataset(all)
  const part = (wanted: boolean) =>
    new TensorDataset(whole.getBatch([...isTest.keys()].filter((i) => isTest[i] === wanted)))
  return { train: part(false), test: part(true) }
}

/** Marks a fifth of the images of each class. */
async function drawTest(labels: readonly number[], seed: number | bigint): Promise<boolean[]> {
  const generator = new Generator(seed)
  const isTest = labels.map(() => false)
  for (let digit = 0; digit < 10; digit++) {
    const members = [...labels.keys()].filter((i) => labels[i] === digit)
    const order = await data(randperm(members.length, { generator }))
    for (const i of order.subarray(0, Math.round(members.length / 5))) isTest[members[Number(i)]] = true
  }
  return isTest
}
