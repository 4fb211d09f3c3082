import { arraySync, conv1d, conv2d, conv3d, type ConvOptions, full, grad } from '../../lib'
import { ones, tensor, zeros } from '../../lib'
import { convRef, currentVariant, NdArray, testOp, useVariant, variants, windowOf } from '../support'

const convs = [conv1d, conv2d, conv3d]

function testConv(label: string, n: number, options: ConvOptions, shapes: number[][][], large?: number[][]): void {
  testOp(`conv${n}d ${label}`, {
    op: (x, w, b) => convs[n - 1](x, w, b ?? null, options),
    ref: (x, w, b) => convRef(windowOf(n, options), x, w, b),
    shapes,
    large: large ?? shapes[0],
    tolerance: 8,
  })
}

testConv('plain', 2, {}, [
  [[2, 3, 5, 6], [4, 3, 3, 3], [4]],
  [[1, 1, 4, 4], [1, 1, 1, 1]],
  [[0, 3, 5, 5], [2, 3, 3, 3], [2]],
  [[1, 2, 3, 3], [17, 2, 3, 3], [17]],
], [[4, 8, 20, 20], [16, 8, 3, 3], [16]])
testConv('strided and padded', 2, { stride: [2, 1], padding: [1, 2] }, [[[2, 3, 6, 5], [4, 3, 3, 3], [4]]])
testConv('dilated', 2, { dilation: [2, 1], padding: 1 }, [[[2, 2, 6, 5], [3, 2, 3, 2]]])
testConv('grouped', 2, { groups: 2, padding: 1 }, [[[2, 4, 4, 4], [6, 2, 3, 3], [6]]])
testConv('depthwise', 2, { groups: 5, padding: 1 }, [[[2, 5, 4, 5], [5, 1, 3, 3], [5]]])
testConv('pointwise', 2, {}, [[[1, 16, 3, 3], [9, 16, 1, 1], [9]], [[2, 16, 4, 3], [17, 16, 1, 1], [17]]])
testConv('plain', 1, { stride: 2, padding: 1 }, [[[2, 3, 9], [4, 3, 3], [4]], [[1, 1, 1], [1, 1, 3]]])
testConv('dilated and grouped', 1, { dilation: 3, groups: 2, padding: 2 }, [[[2, 4, 11], [6, 2, 3], [6]]])
testConv('depthwise', 1, { groups: 3, padding: 2 }, [[[2, 3, 20], [3, 1, 5], [3]]])
testConv('plain', 3, { padding: [1, 0, 1], stride: [1, 2, 1] }, [[[1, 2, 3, 4, 3], [3, 2, 2, 3, 2], [3]]])

testConv('dilated and grouped', 3, { dilation: [1, 2, 1], groups: 2, padding: 1 }, [
  [[1, 4, 2, 4, 3], [2, 2, 2, 2, 3], [2]],
])
testConv('depthwise', 3, { groups: 3, stride: 2 }, [[[1, 3, 4, 3, 5], [3, 1, 2, 2, 3], [3]]])

describe("padding 'same'", () => {
  test.each([1, 2, 3, 4, 5])('keeps the sizes for a window of %d', (k) => {
    const x = tensor([[[1, 2, 3, 4, 5, 6]]])
    const total = k - 1
    const y = conv1d(x, ones([1, 1, k]), null, { padding: 'same' })
    // The odd zero is the last one.
    const padded = [...zerosOf(Math.floor(total / 2)), 1, 2, 3, 4, 5, 6, ...zerosOf(Math.ceil(total / 2))]
    const want = Array.from({ length: 6 }, (_, i) => padded.slice(i, i + k).reduce((a, b) => a + b, 0))
    expect(arraySync(y)).toEqual([[want]])
  })

  const zerosOf = (n: number) => new Array<number>(n).fill(0)

  testOp('conv2d same', {
    op: (x, w) => conv2d(x, w, null, { padding: 'same', dilation: [1, 3] }),
    ref: (x, w) => {
      // A window of 2 by 2 lacks 1 and 3 elements: none before, 1 after; 1 before, 2 after.
      const [b, c, h, width] = x.shape
      const padded = NdArray.make([b, c, h + 1, width + 3], ([i, j, r, s]) =>
        r < h && s >= 1 && s <= width ? x.at([i, j, r, s - 1]) : 0,
      )
      return convRef(windowOf(2, { dilation: [1, 3] }), padded, w)
    },
    shapes: [[[2, 2, 4, 5], [3, 2, 2, 2]]],
    tolerance: 8,
  })
})

test('no batch in, no batch out', () => {
  const x = tensor([[[1, 2], [3, 4]]])
  expect(arraySync(conv2d(x, ones([1, 1, 2, 2]), tensor([1])))).toEqual([[[11]]])
  expect(conv1d(ones([2, 5]), ones([3, 2, 2])).shape).toEqual([3, 4])
})

test("'valid' adds nothing", () => {
  expect(conv1d(ones([1, 1, 5]), ones([1, 1, 2]), null, { padding: 'valid' }).shape).toEqual([1, 1, 4])
})

test('an empty batch gives zero gradients', () => {
  const w = ones([2, 3, 3, 3]).setRequiresGrad()
  const b = ones([2]).setRequiresGrad()
  conv2d(zeros([0, 3, 5, 5]), w, b).sum().backward()
  expect(new Set((arraySync(w.grad!) as number[]).flat(Infinity as 1))).toEqual(new Set([0]))
  expect(arraySync(b.grad!)).toEqual([0, 0])
})

test.each(variants)('inputs that no window reaches have gradient 0 on %s', (isa) => {
  const before = currentVariant()
  useVariant(isa)
  try {
    // Both windows lie in the padding. The memory that the gradients get holds other numbers before.
    const x = ones([1, 1, 1]).setRequiresGrad()
    const w = ones([1, 1, 1]).setRequiresGrad()
    const y = conv1d(x, w, null, { stride: 2, padding: 1 })
    const dy = ones(y.shape)
    for (let i = 0; i < 40; i++) full([1 + (i % 8)], 777).dispose()
    const [dx, dw] = grad(y, [x, w], { gradOutputs: [dy] })
    expect([arraySync(y), arraySync(dx!), arraySync(dw!)]).toEqual([[[[0, 0]]], [[[0]]], [[[0]]]])
  } finally {
    useVariant(before)
  }
})

test('wrong arguments are named', () => {
  const x = ones([1, 3, 5, 5])
  const w = ones([8, 3, 3, 3])
  expect(() => conv2d(x, ones([8, 4, 3, 3]))).toThrow(
    'conv2d: expected weight [out, in/groups, kh, kw] with in=3, got [8, 4, 3, 3]',
  )
  expect(() => conv2d(ones([5, 5]), w)).toThrow('conv2d: expected x of 4 dims, or 3 unbatched, got [5, 5]')
  expect(() => conv2d(x, w, ones([3]))).toThrow('conv2d: expected bias [8], got [3]')
  expect(() => conv2d(x, w.to('float64'))).toThrow('conv2d: expected weight to be float32, got float64')
  expect(() => conv2d(x, ones([7, 1, 3, 3]), null, { groups: 3 })).toThrow('a multiple of 3 (groups) outputs')
  expect(() => conv2d(x, ones([1, 3, 7, 7]))).toThrow('conv2d: expected x at least as large as the window [7, 7]')
  expect(() => conv2d(x, w, null, { padding: 'same', stride: 2 })).toThrow("expected stride 1 with padding 'same'")
  expect(() => conv2d(x, w, null, { padding: 'full' as never })).toThrow('conv2d: expected padding to be an integer')
  expect(() => conv2d(x, w, null, { stride: 0 })).toThrow('conv2d: expected stride to be an integer of at least 1')
  expect(() => conv1d(ones([1, 3, 5], { dtype: 'int64' }), w)).toThrow('conv1d: expected x to have a floating dtype')
})
