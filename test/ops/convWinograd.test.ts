import { conv2d } from '../../lib'
import { NdArray, testOp } from '../support'

/** y[b, o, i, j] = bias[o] + Σ x[b, c, i + r − 1, j + s − 1] · w[o, c, r, s], in plain loops: products are many. */
function convRef(x: NdArray, w: NdArray, bias?: NdArray): NdArray {
  const [batch, channels, height, width] = x.shape
  const outputs = w.shape[0]
  const y = NdArray.make([batch, outputs, height, width], ([, o]) => bias?.data[o] ?? 0)
  for (let plane = 0; plane < batch * outputs; plane++) {
    const image = Math.floor(plane / outputs)
    for (let k = 0; k < channels * 9; k++) {
      const weight = w.data[(plane % outputs) * channels * 9 + k]
      const from = (image * channels + Math.floor(k / 9)) * height
      const r = (Math.floor(k / 3) % 3) - 1
      const s = (k % 3) - 1
      for (let i = Math.max(0, -r); i < Math.min(height, height - r); i++) {
        for (let j = Math.max(0, -s); j < Math.min(width, width - s); j++) {
          y.data[(plane * height + i) * width + j] += weight * x.data[(from + i + r) * width + j + s]
        }
      }
    }
  }
  return y
}

// Errors are those of sums of larger terms (docs/accuracy.md), hence the factor. float64 takes another way.
testOp('conv2d by Winograd', {
  op: (x, w, b) => conv2d(x, w, b ?? null, { padding: 1 }),
  ref: convRef,
  dtypes: ['float32', 'float16', 'bfloat16'],
  inputs: [{ range: [-1, 1] }, { range: [-1, 1] }, {}],
  shapes: [
    [[1, 16, 13, 7], [17, 16, 3, 3], [17]],
    [[2, 19, 6, 8], [16, 19, 3, 3]],
  ],
  large: [[1, 40, 21, 30], [33, 40, 3, 3], [33]],
  gradientShapes: [[[2, 16, 4, 4], [16, 16, 3, 3], [16]]],
  second: false,
  tolerance: (dtype) => (dtype === 'float32' ? 40 : 8),
})
