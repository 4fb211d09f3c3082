import { addLayerNorm, layerNorm } from '../../lib'
import { NdArray, normalized, normTolerance, sumNormTolerance, testOp } from '../support'

testOp('layerNorm over the last dim', {
  op: (x, w, b) => layerNorm(x, x.shape[x.ndim - 1], w, b),
  ref: (x, w, b) => NdArray.zip((v, g, c) => v * g + c, normalized(x, [-1], 1e-5), w, b),
  shapes: [[[3, 17], [17], [17]], [[2, 3, 16], [16], [16]], [[5], [5], [5]], [[0, 4], [4], [4]]],
  large: [[200, 65], [65], [65]],
  tolerance: normTolerance,
})

testOp('layerNorm over two dims, bare', {
  op: (x) => layerNorm(x, x.shape.slice(-2), null, null, { eps: 0.1 }),
  ref: (x) => normalized(x, [-2, -1], 0.1),
  shapes: [[[2, 3, 5]], [[4, 4]]],
  tolerance: normTolerance,
})

testOp('layerNorm with weight alone', {
  op: (x, w) => layerNorm(x, [2, 4], w),
  ref: (x, w) => NdArray.zip((v, g) => v * g, normalized(x, [-2, -1], 1e-5), w),
  shapes: [[[3, 2, 4], [2, 4]]],
  tolerance: normTolerance,
})

testOp('addLayerNorm', {
  op: (x, residual, w, b) => addLayerNorm(x, residual, w.shape, w, b),
  ref: (x, residual, w, b) => {
    const sum = NdArray.zip((v, r) => v + r, x, residual)
    return [NdArray.zip((v, g, c) => v * g + c, normalized(sum, [-1], 1e-5), w, b), sum]
  },
  shapes: [
    [[3, 17], [3, 17], [17], [17]],
    [[2, 2, 5], [2, 2, 5], [5], [5]],
    [[0, 4], [0, 4], [4], [4]],
  ],
  large: [[200, 65], [200, 65], [65], [65]],
  tolerance: sumNormTolerance,
})

testOp('addLayerNorm, bare', {
  op: (x, residual) => addLayerNorm(x, residual, x.shape.slice(-2), null, null, { eps: 0.1 }),
  ref: (x, residual) => {
    const sum = NdArray.zip((v, r) => v + r, x, residual)
    return [normalized(sum, [-2, -1], 0.1), sum]
  },
  shapes: [[[2, 3, 5], [2, 3, 5]]],
  tolerance: sumNormTolerance,
})
