import { arraySync, convTranspose1d, convTranspose2d, convTranspose3d, type ConvTransposeOptions, ones } from '../../lib'
import { tensor } from '../../lib'
import { indices, NdArray, testOp } from '../support'

const perDim = (n: number, value: number | readonly number[] | undefined, absent: number): number[] =>
  Array.isArray(value) ? (value as number[]) : new Array<number>(n).fill((value as number | undefined) ?? absent)

/** Every x[b, c, p] adds x · w[c, o, k] to y[b, o, p·stride + k·dilation − padding], where that exists. */
function reference(n: number, options: ConvTransposeOptions, x: NdArray, w: NdArray, bias?: NdArray): NdArray {
  const stride = perDim(n, options.stride, 1)
  const padding = perDim(n, options.padding, 0)
  const added = perDim(n, options.outputPadding, 0)
  const dilation = perDim(n, options.dilation, 1)
  const groups = options.groups ?? 1
  const [channels, outputs, ...size] = w.shape
  const spatial = size.map(
    (k, d) => (x.shape[d + 2] - 1) * stride[d] + dilation[d] * (k - 1) + 1 + added[d] - 2 * padding[d],
  )
  const y = NdArray.make([x.shape[0], outputs * groups, ...spatial], ([, o]) => bias?.data[o] ?? 0)
  for (const [b, c, ...p] of indices(x.shape)) {
    for (const [o, ...k] of indices([outputs, ...size])) {
      const at = p.map((i, d) => i * stride[d] + k[d] * dilation[d] - padding[d])
      if (at.some((i, d) => i < 0 || i >= spatial[d])) continue
      const to = [b, Math.floor(c / (channels / groups)) * outputs + o, ...at]
      y.set(to, y.at(to) + x.at([b, c, ...p]) * w.at([c, o, ...k]))
    }
  }
  return y
}

const convs = [convTranspose1d, convTranspose2d, convTranspose3d]

type Shapes = number[][]

function testConv(label: string, n: number, options: ConvTransposeOptions, shapes: Shapes[], large?: Shapes): void {
  testOp(`convTranspose${n}d ${label}`, {
    op: (x, w, b) => convs[n - 1](x, w, b ?? null, options),
    ref: (x, w, b) => reference(n, options, x, w, b),
    shapes,
    large: large ?? shapes[0],
    tolerance: 8,
  })
}

testConv('plain', 2, {}, [
  [[2, 3, 4, 5], [3, 4, 3, 3], [4]],
  [[1, 1, 4, 4], [1, 1, 1, 1]],
  [[0, 3, 5, 5], [3, 2, 3, 3], [2]],
], [[4, 8, 15, 15], [8, 16, 3, 3], [16]])
testConv('strided', 2, { stride: [2, 3], padding: [1, 0], outputPadding: [1, 2] }, [[[2, 3, 4, 3], [3, 2, 3, 3], [2]]])
testConv('dilated', 2, { dilation: [2, 1], padding: 1 }, [[[2, 2, 4, 4], [2, 3, 3, 2]]])
testConv('dilated more than strided', 2, { dilation: 3, stride: [1, 2], outputPadding: 2 }, [
  [[2, 2, 3, 3], [2, 2, 2, 2], [2]],
])
testConv('grouped', 2, { groups: 2, stride: 2 }, [[[2, 4, 3, 3], [4, 3, 2, 2], [6]]])
testConv('depthwise', 2, { groups: 5, padding: 1 }, [[[2, 5, 4, 5], [5, 1, 3, 3], [5]]])
testConv('strided', 1, { stride: 2, padding: 1, outputPadding: 1 }, [
  [[2, 3, 9], [3, 4, 3], [4]],
  [[1, 1, 1], [1, 1, 3]],
])
testConv('strided', 3, { stride: [1, 2, 1], padding: [1, 0, 1] }, [[[1, 2, 3, 2, 3], [2, 3, 2, 3, 2], [3]]])

test('no batch in, no batch out', () => {
  expect(arraySync(convTranspose1d(tensor([[1, 2]]), ones([1, 1, 2]), tensor([1])))).toEqual([[2, 4, 3]])
  expect(convTranspose2d(ones([2, 5, 5]), ones([2, 3, 2, 2]), null, { stride: 2 }).shape).toEqual([3, 10, 10])
})

test('wrong arguments are named', () => {
  const x = ones([1, 3, 5, 5])
  const w = ones([3, 8, 3, 3])
  expect(() => convTranspose2d(x, ones([4, 8, 3, 3]))).toThrow(
    'convTranspose2d: expected weight [in, out/groups, kh, kw] with in=3, got [4, 8, 3, 3]',
  )
  expect(() => convTranspose2d(ones([5, 5]), w)).toThrow('convTranspose2d: expected x of 4 dims, or 3 unbatched')
  expect(() => convTranspose2d(x, w, ones([3]))).toThrow('convTranspose2d: expected bias [8], got [3]')
  expect(() => convTranspose2d(x, w, null, { groups: 2 })).toThrow('a multiple of 2 (groups) channels')
  expect(() => convTranspose2d(x, w, null, { outputPadding: 1 })).toThrow('outputPadding less than stride or dilation')
  expect(() => convTranspose2d(x, w, null, { padding: 4 })).toThrow('a padding that leaves something of the result')
  expect(() => convTranspose2d(ones([1, 3, 0, 5]), w)).toThrow('expected spatial sizes of at least 1')
  expect(() => convTranspose1d(ones([1, 3, 5], { dtype: 'int64' }), w)).toThrow('expected x to have a floating dtype')
})
