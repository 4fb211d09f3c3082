import { chunk, nn, ones, split, tensor, type Tensor, unbind, zeros } from '../../lib'
import { everyDType, NdArray, testOp } from '../support'

/** The pieces of these sizes along `dim`. */
function pieces(x: NdArray, sizes: readonly number[], dim: number): NdArray[] {
  let start = 0
  return sizes.map((size) => {
    const from = start
    start += size
    return NdArray.make(
      x.shape.map((n, d) => (d === dim ? size : n)),
      (index) => x.at(index.map((i, d) => (d === dim ? from + i : i))),
    )
  })
}

testOp('split', {
  op: (x) => split(x, [1, 0, 3], 1),
  ref: (x) => pieces(x, [1, 0, 3], 1),
  dtypes: everyDType,
  shapes: [[[2, 4]], [[3, 4, 17]], [[0, 4]]],
})

testOp('split by size', {
  op: (x) => split(x, 2, -1),
  ref: (x) => pieces(x, [2, 2, 1], x.shape.length - 1),
  shapes: [[[5]], [[3, 5]]],
})

testOp('chunk', {
  op: (x) => chunk(x, 3),
  ref: (x) => pieces(x, [3, 3, 1], 0),
  shapes: [[[7, 2]]],
})

testOp('unbind', {
  op: (x) => unbind(x, 1),
  ref: (x) => pieces(x, [1, 1, 1], 1).map((piece) => piece.reshape([x.shape[0], ...x.shape.slice(2)])),
  shapes: [[[4, 3]], [[2, 3, 5]]],
})

test('pieces that nobody used give no gradient', () => {
  const x = nn.parameter(ones([2, 3]))
  const [, second] = unbind(x, 1)
  second.mul(2).sum().backward()
  expect(x.grad?.arraySync()).toEqual([[0, 2, 0], [0, 2, 0]])
})

test('pieces are views', () => {
  const x = tensor([1, 2, 3])
  split(x, [1, 2])[1].fill_(7)
  expect(x.arraySync()).toEqual([1, 7, 7])
})

test('more pieces than one command takes', () => {
  const x = nn.parameter(zeros([9000, 2]))
  const parts = unbind(x)
  parts[8999].sum().add(parts[0].sum()).backward()
  const sums = (x.grad as Tensor).sum({ dim: 1 })
  expect([0, 1, 4096, 8999].map((i) => sums.select(0, i).itemSync())).toEqual([2, 0, 0, 2])
})

test('wrong sizes are refused', () => {
  expect(() => split(ones([5]), [2, 2])).toThrow('split: expected sizes that add up to 5, got [2, 2]')
  expect(() => split(ones([5]), 0)).toThrow('split: expected size to be an integer of at least 1, got 0')
  expect(() => split(ones([5]), [6, -1])).toThrow('split: expected a size or an array of sizes, got [6, -1]')
  expect(() => chunk(ones([5]), 0)).toThrow('chunk: expected count')
  expect(() => unbind(tensor(1))).toThrow('unbind: expected at least 1 dimension')
})
