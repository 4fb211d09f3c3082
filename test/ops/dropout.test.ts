import { arraySync, dropout, Generator, grad, mul, ones, square, sum, tensor } from '../../lib'
import { floats, NdArray, read, testOp } from '../support'

const generator = new Generator(5)
const state = generator.getState()

/** The same mask whenever it is drawn. */
const fixed = () => new Generator().setState(state)

test.each(floats)('keeps the share 1 − p of %s and scales it', (dtype) => {
  const y = read(dropout(ones([20_000], { dtype }), { p: 0.25, generator: new Generator(1) })).data
  const kept = y.filter((v) => v !== 0)
  expect(kept.length / y.length).toBeCloseTo(0.75, 1)
  for (const v of kept) expect(v).toBeCloseTo(4 / 3, dtype === 'bfloat16' ? 2 : 3)
})

testOp('dropout', {
  op: (x) => dropout(x, { p: 0.5, generator: fixed() }),
  ref: (x) => {
    const mask = read(dropout(ones(x.shape), { p: 0.5, generator: fixed() }))
    return NdArray.zip((v, m) => v * m, x, mask)
  },
  shapes: [[[]], [[17]], [[0]], [[3, 5, 4]]],
  large: [[40_001]],
})

test('the gradient passes where the value passed', () => {
  const x = ones([1000]).setRequiresGrad()
  const y = dropout(x, { p: 0.3 })
  sum(y).backward()
  expect(arraySync(x.grad!)).toEqual(arraySync(y))
  const [dx] = grad(sum(square(dropout(x, { p: 0.3, generator: fixed() }))), [x], { createGraph: true })
  const [ddx] = grad(sum(mul(dx!, x)), [x])
  const mask = read(dropout(ones([1000]), { p: 0.3, generator: fixed() })).data
  // d²/dx² of Σ m²x² is 2m², and x·dx has gradient 4m²x at x = 1.
  read(ddx!).data.forEach((v, i) => expect(v).toBeCloseTo(4 * mask[i] ** 2, 4))
})

test('every call draws another mask; equal seeds draw equal ones', () => {
  const x = ones([100])
  const one = new Generator(3)
  const two = new Generator(3)
  const first = arraySync(dropout(x, { generator: one }))
  expect(arraySync(dropout(x, { generator: one }))).not.toEqual(first)
  expect(arraySync(dropout(x, { generator: two }))).toEqual(first)
})

test('p = 0 and evaluation change nothing, p = 1 leaves nothing', () => {
  const x = tensor([1, Infinity, NaN])
  expect(dropout(x, { p: 0 })).toBe(x)
  expect(dropout(x, { training: false })).toBe(x)
  expect(arraySync(dropout(x, { p: 1 }))).toEqual([0, 0, 0])
})

test('wrong arguments are named', () => {
  expect(() => dropout(tensor([1]), { p: 1.5 })).toThrow('dropout: expected p to be a number in [0, 1], got 1.5')
  expect(() => dropout(tensor([1n]))).toThrow('dropout: expected x to have a floating dtype, got int64')
  expect(() => dropout(tensor([1]), { generator: {} as never })).toThrow('expected generator to be a Generator')
})
