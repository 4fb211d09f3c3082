// Sums, largest elements and their places, over everything and over each axis; sorting.
import { float32, forward } from '../passes.mjs'

const shape = [4096, 1024]

function reduction(bench, dim, run) {
  return {
    bench,
    params: `4096x1024 ${dim === null ? 'all' : `dim${dim}`}`,
    args: { op: bench, shape, dim },
    bytes: [float32(shape), dim === null ? 0 : float32(shape[1 - dim])],
    prepare(n) {
      const x = n.randn(shape)
      return forward(n, () => run(x, dim === null ? {} : { dim }))
    },
  }
}

/** Values and places. */
function ordering(bench, params, args, run) {
  return {
    bench,
    params: `4096x1024 ${params}`,
    args: { op: bench, shape, ...args },
    bytes: [float32(shape), 3 * float32([shape[0], args.k ?? shape[1]])],
    prepare(n) {
      const x = n.randn(shape)
      return forward(n, () => run(n, x))
    },
  }
}

export const reductions = [
  ...[null, 1, 0].flatMap((dim) => [
    reduction('sum', dim, (x, options) => x.sum(options)),
    reduction('max', dim, (x, options) => x.amax(options)),
    reduction('argmax', dim, (x, options) => x.argmax(options)),
  ]),
  ordering('sort', 'dim1', { dim: 1 }, (n, x) => n.sort(x, { dim: 1 })),
  ordering('topk', 'k10 dim1', { dim: 1, k: 10 }, (n, x) => n.topk(x, 10, { dim: 1 })),
]
