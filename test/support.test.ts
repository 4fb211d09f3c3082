// The helpers must catch what they are there for.
import { add, apply, cpuInfo, mul, neg, type Op, square, Tensor } from '../lib'
import * as kernels from '../lib/kernels'
import { compare, compareNumber, mustCompare } from './support/compare'
import { cover } from './support/cover'
import { checkGradient, checkSecondGradient, type GradientFactors } from './support/gradcheck'
import { layOut, layouts, read } from './support/layouts'
import { NdArray } from './support/ndarray'
import { everyDType, type OpCase } from './support/opCase'
import { randomFrom } from './support/random'
import { tolerances } from './support/tolerances'

const row: GradientFactors = {
  isa: cpuInfo().isa,
  dtype: 'float64',
  shapes: [[3, 4]],
  first: 'contiguous',
  second: 'contiguous',
}

/** x² with a backward of our choosing. */
function squareWith(backward: Op['backward']): OpCase {
  const op: Op = {
    name: 'square',
    forward: (node, [x]) => {
      const y = new Tensor((x as Tensor).shape, (x as Tensor).dtype)
      kernels.square(x as Tensor, y)
      node.save(x as Tensor)
      return y
    },
    backward,
  }
  return { op: (x) => apply(op, [x], undefined), ref: (x) => x.map((v) => v * v), shapes: [[[3, 4]]] }
}

const right = squareWith((node, dy) => [mul(mul(dy, node.saved[0]), 2)])
const random = () => randomFrom('support')

test('the gradient check accepts a right gradient', () => {
  expect(() => checkGradient('square', right, row, random())).not.toThrow()
  expect(() => checkSecondGradient('square', right, row, random())).not.toThrow()
})

test.each([
  ['a wrong factor', squareWith((node, dy) => [mul(mul(dy, node.saved[0]), 2.001)])],
  ['a wrong sign', squareWith((node, dy) => [neg(mul(mul(dy, node.saved[0]), 2))])],
  ['a forgotten dy', squareWith((node) => [mul(node.saved[0], 2)])],
  ['no gradient', squareWith(() => [null])],
  ['another dtype', squareWith((node, dy) => [mul(mul(dy, node.saved[0]), 2).to('float32')])],
])('the gradient check catches %s', (_, wrong) => {
  expect(() => checkGradient('square', wrong, row, random())).toThrow('gradient')
})

test('the second gradient check catches a gradient that is not differentiable itself', () => {
  const cut = squareWith((node, dy) => [mul(mul(dy, node.saved[0].detach()), 2)])
  expect(() => checkGradient('square', cut, row, random())).not.toThrow()
  expect(() => checkSecondGradient('square', cut, row, random())).toThrow('second gradient of input 0')
})

test('the gradient check catches a fused gradient that disagrees with its formula', () => {
  let calls = 0
  const uneven = squareWith((node, dy) => [mul(mul(dy, node.saved[0]), calls++ === 0 ? 2 : 3)])
  expect(() => checkGradient('square', uneven, row, random())).toThrow('fused and formula')
})

test('compare tells close from not close, and shapes, NaN and infinities apart', () => {
  const check = (got: number, want: number) => () => compareNumber('x', got, want, 'float32', tolerances.float32)
  expect(check(1.000001, 1)).not.toThrow()
  expect(check(1.00001, 1)).toThrow('expected 1')
  expect(check(NaN, NaN)).not.toThrow()
  expect(check(NaN, 1)).toThrow('expected 1')
  expect(check(1, NaN)).toThrow('expected NaN')
  expect(check(Infinity, -Infinity)).toThrow('expected -Infinity')
  expect(check(Infinity, 1e30)).toThrow('expected 1e+30')
  expect(check(Infinity, 1e39)).not.toThrow()
  expect(check(3e38, Infinity)).toThrow('expected Infinity')
  const flat = NdArray.of([1, 2])
  expect(() => compare('x', flat, flat.reshape([2, 1]), 'float32', tolerances.float32)).toThrow('the shape [2, 1]')
})

test('a test that compares nothing fails', () => {
  expect(() => mustCompare(() => undefined)).toThrow('compared nothing')
})

test('the cover holds every pair of values', () => {
  const factors = { a: [0, 1, 2], b: [0, 1, 2, 3], c: [0, 1], d: [0, 1, 2] }
  const rows = cover(factors, random())
  expect(rows.length).toBeLessThanOrEqual(72)
  const names = ['a', 'b', 'c', 'd'] as const
  for (const f of names) {
    for (const g of names.filter((name) => name > f)) {
      const pairs = new Set(rows.map((r) => `${r[f]},${r[g]}`))
      expect(pairs.size).toBe(factors[f].length * factors[g].length)
    }
  }
})

test.each(layouts)('%s tensors hold their values and have that layout', (layout) => {
  for (const dtype of everyDType) {
    const values = NdArray.make([3, 5], ([i, j]) => (dtype === 'bool' ? (i + j) % 2 : i * 5 + j))
    const { t, held } = layOut(values, dtype, layout)
    expect(t.isContiguous).toBe(layout === 'contiguous')
    expect(held.data).toEqual(
      layout === 'broadcast' ? values.map(() => 0).data.map((_, i) => values.data[i % 5]) : values.data,
    )
    expect(read(add(square(t.to('float32')), 0)).data).toEqual(held.map((v) => v * v).data)
  }
})
