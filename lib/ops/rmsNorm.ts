// RMS norm (Zhang & Sennrich 2019): y = x / √(mean(x²) + eps) · w over the last dims of each element.
import { apply, isGradEnabled, type Op } from '../autograd'
import { checkOptions, type OptionNames } from '../check'
import type { DType } from '../dtype'
import * as kernels from '../kernels'
import { checkNumber } from '../shape'
import { numelOf, type Shape, Tensor } from '../tensor'
import { add, mul, sub } from './arithmetic'
import { sum } from './broadcast'
import { to } from './copy'
import { checkAffine, checkNormalized, optional, statistics } from './norm'
import { mean } from './reduce'
import { rsqrt, square } from './unary'
import { reshape } from './view'

interface RMSNorm {
  /** How many sets of `size` numbers are normalised. */
  rows: number
  size: number
  normalized: Shape
  eps: number
}

/** Inputs: x and w (0 for none). The kernel sees x as [rows, size]. */
const rmsNormOp: Op<RMSNorm> = {
  name: 'rmsNorm',
  forward: (node, [input, weight], { rows, size, eps }) => {
    const x = input as Tensor
    const w = optional(weight)
    const y = new Tensor([rows, size], x.dtype, x.device)
    const rstd = statistics(x, rows)
    kernels.rmsNorm(reshape(x, [rows, size]), w && reshape(w, [size]), y, rstd, eps)
    node.save(x, w, rstd)
    return reshape(y, x.shape)
  },
  backward: (node, dy) => {
    const [x, w, rstd] = node.saved as readonly (Tensor | null)[] as readonly [Tensor, Tensor | null, Tensor]
    const { rows, size, normalized } = node.attrs
    if (isGradEnabled()) return gradientFormula(dy, x, w, node.attrs)
    const matrix = (t: Tensor) => reshape(t, [rows, size])
    const dx = new Tensor([rows, size], x.dtype, x.device)
    const dw = w && node.needs(1) ? new Tensor([size], w.dtype, x.device) : null
    kernels.rmsNormBackward(matrix(dy), matrix(x), w && reshape(w, [size]), rstd, dx, dw)
    return [reshape(dx, x.shape), dw && reshape(dw, normalized)]
  },
}

/** The gradients of x and w in ops. */
function gradientFormula(dy: Tensor, x: Tensor, w: Tensor | null, { normalized, eps }: RMSNorm): (Tensor | null)[] {
  const all = x.shape.map((_, d) => d)
  const ahead = x.ndim - normalized.length
  const average = (t: Tensor) => mean(t, { dim: all.slice(ahead), keepdim: true })
  const rstd = rsqrt(add(average(square(x)), eps))
  const xhat = mul(x, rstd)
  const g = w === null ? dy : mul(dy, w)
  const dx = mul(rstd, sub(g, mul(xhat, average(mul(g, xhat)))))
  return [to(dx, x.dtype), w && to(sum(mul(dy, xhat), { dim: all.slice(0, ahead) }), w.dtype)]
}

/** The distance from 1 to the next number, in the dtype that x is computed in. */
const epsilon = (dtype: DType): number => (dtype === 'float64' ? 2 ** -52 : 2 ** -23)

export interface RMSNormOptions {
  /** Added to the mean of squares. Default: the epsilon of float64 for float64, else that of float32. */
  eps?: number | null
}

const rmsNormOptions: OptionNames<RMSNormOptions> = { eps: true }

/** x divided by the root of the mean square over its last dims, whose sizes are `normalizedShape`, times `weight`. */
export function rmsNorm(
  x: Tensor,
  normalizedShape: Shape | number,
  weight: Tensor | null = null,
  options?: RMSNormOptions,
): Tensor {
  const op = 'rmsNorm'
  const normalized = checkNormalized(op, x, normalizedShape)
  checkAffine(op, 'weight', weight, normalized)
  return apply(rmsNormOp, [x, weight ?? 0], {
    rows: numelOf(x.shape.slice(0, x.ndim - normalized.length)),
    size: numelOf(normalized),
    normalized,
    eps: checkNumber(op, 'eps', checkOptions(op, options, rmsNormOptions).eps ?? epsilon(x.dtype), 0),
  })
}
