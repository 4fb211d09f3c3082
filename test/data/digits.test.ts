import { datasets, type Tensor } from '../../lib'

async function count(y: Tensor): Promise<number[]> {
  const counts = new Array<number>(10).fill(0)
  for (const digit of (await y.array()) as number[]) counts[digit]++
  return counts
}

test('1,797 images, a fifth of each class for the test, each image in one part', async () => {
  const { train, test: held } = await datasets.digits()
  expect([train.length, held.length]).toEqual([1438, 359])
  expect(train.tensors.x.shape).toEqual([1438, 1, 8, 8])
  expect([train.tensors.x.dtype, train.tensors.y.dtype]).toEqual(['float32', 'int64'])
  const counts = [await count(train.tensors.y), await count(held.tensors.y)]
  // The classes of the source, as its description lists them.
  expect(counts[0].map((n, digit) => n + counts[1][digit])).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
  expect(counts[1]).toEqual(counts[0].map((n, digit) => Math.round((n + counts[1][digit]) / 5)))
  const pixels = [...(await train.tensors.x.data())] as number[]
  expect([Math.min(...pixels.slice(0, 64000)), Math.max(...pixels.slice(0, 64000))]).toEqual([0, 1])
  const images = await Promise.all([train, held].map(({ tensors: { x } }) => x.reshape([-1, 64]).array()))
  expect(new Set((images.flat() as number[][]).map(String)).size).toBe(1797)
})

test('equal seeds give equal splits', async () => {
  const [a, b, c] = await Promise.all([datasets.digits(), datasets.digits({ seed: 0 }), datasets.digits({ seed: 1 })])
  const [first, again, other] = await Promise.all([a, b, c].map(({ test: { tensors } }) => tensors.x.data()))
  expect(first).toEqual(again)
  expect(first).not.toEqual(other)
})

test('the first image is the zero that it is', async () => {
  const { train, test: held } = await datasets.digits()
  const zero = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0].map((v) => v / 16)
  const firsts = await Promise.all([train, held].map(({ tensors: { x } }) => x.select(0, 0).reshape([64]).array()))
  expect(firsts.map((image) => (image as number[]).slice(0, 16))).toContainEqual(zero)
})
