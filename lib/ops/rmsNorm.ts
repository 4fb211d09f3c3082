// RMS norm (Zhang & Sennrich 2019) of x, or of x and a residual added up: y = x / √(mean(x²) + eps) · w over the last
// dims of each element.
import { apply, type Input, isGradEnabled, type Node, type Op, optional } from '../autograd'
import { checkOptions, type OptionNames } from '../check'
import type { DType } from '../dtype'
import * as kernels from '../kernels'
import { checkNumber } from '../shape'
import { type Shape, Tensor } from '../tensor'
import { add, mul, sub } from './arithmetic'
import { sum } from './broadcast'
import { to } from './copy'
import { checkResidual } from './ending'
import { checkNormalized, statistics } from './norm'
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

/** y, and x + residual or null. The kernel sees x as [rows, size]. */
function normalise(
  node: Node<RMSNorm>,
  x: Tensor,
  residual: Tensor | null,
  weight: Input,
  { rows, size, eps }: RMSNorm,
): [Tensor, Tensor | null] {
  const matrix = [rows, size]
  const w = optional(weight)
  const y = new Tensor(matrix, x.dtype, x.device)
  const sum = residual && new Tensor(matrix, x.dtype, x.device)
  const rstd = statistics(x, rows)
  const addend = residual && reshape(residual, matrix)
  kernels.rmsNorm(reshape(x, matrix), addend, w && reshape(w, [size]), y, sum, rstd, eps)
  const shaped = sum && reshape(sum, x.shape)
  node.save(shaped ?? x, w, rstd)
  return [reshape(y, x.shape), shaped]
}

/** The gradients of what was normalised and of w; `dsum` is added to the first. */
function gradients(node: Node<RMSNorm>, dy: Tensor, dsum: Tensor | null): [Tensor, Tensor | null] {
  const [x, w, rstd] = node.saved as readonly (Tensor | null)[] as readonly [Tensor, Tensor | null, Tensor]
  const { rows, size, normalized } = node.attrs
  if (isGradEnabled()) {
    const [dx, dw] = gradientFormula(dy, x, w, node.attrs)
    return [dsum ? add(dx, dsum) : dx, dw]
  }
  const matrix = (t: Tensor) => reshape(t, [rows, size])
  const dx = new Tensor([rows, size], x.dtype, x.device)
  const dw = w && node.needs(1) ? new Tensor([size], w.dtype, x.device) : null
  kernels.rmsNormBackward(matrix(dy), dsum && matrix(dsum), matrix(x), w && reshape(w, [size]), rstd, dx, dw)
  return [reshape(dx, x.shape), dw && reshape(dw, normalized)]
}

/** Inputs: x and w (0 for none). */
const rmsNormOp: Op<RMSNorm> = {
  name: 'rmsNorm',
  forward: (node, [x, w], attrs) => normalise(node, x as Tensor, null, w, attrs)[0],
  backward: (node, dy) => gradients(node, dy, null),
}

/** Inputs: x, w (0 for none), residual; results: y and x + residual. */
const addRmsNormOp: Op<RMSNorm, Tensor[]> = {
  name: 'addRmsNorm',
  forward: (node, [x, w, residual], attrs) => normalise(node, x as Tensor, residual as Tensor, w, attrs) as Tensor[],
  backward: (node, dy: Tensor | null, dsum: Tensor | null) => {
    if (dy === null) return [dsum, null, dsum]
    const [dx, dw] = gradients(node, dy, dsum)
    return [dx, dw, dx]
  },
}

/** The gradients of x and w in ops. */
function gradientFormula(
  dy: Tensor,
  x: Tensor,
  w: Tensor | null,
  { normalized, eps }: RMSNorm,
): [Tensor, Tensor | null] {
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

function checkRmsNorm(
  op: string,
  x: Tensor,
  normalizedShape: Shape | number,
  weight: Tensor | null,
  options: RMSNormOptions | undefined,
): RMSNorm {
  return {
    ...checkNormalized(op, x, normalizedShape, weight),
    eps: checkNumber(op, 'eps', checkOptions(op, options, rmsNormOptions).eps ?? epsilon(x.dtype), 0),
  }
}

/** x divided by the root of the mean square over its last dims, whose sizes are `normalizedShape`, times `weight`. */
export function rmsNorm(
  x: Tensor,
  normalizedShape: Shape | number,
  weight: Tensor | null = null,
  options?: RMSNormOptions,
): Tensor {
  return apply(rmsNormOp, [x, weight ?? 0], checkRmsNorm('rmsNorm', x, normalizedShape, weight, options))
}

/** `[rmsNorm(sum), sum]` for sum = x + residual, which have one shape and dtype, in one pass. */
export function addRmsNorm(
  x: Tensor,
  residual: Tensor,
  normalizedShape: Shape | number,
  weight: Tensor | null = null,
  options?: RMSNormOptions,
): [normalized: Tensor, sum: Tensor] {
  const attrs = checkRmsNorm('addRmsNorm', x, normalizedShape, weight, options)
  checkResidual('addRmsNorm', residual, x, x.shape)
  return apply(addRmsNormOp, [x, weight ?? 0, residual], attrs) as [Tensor, Tensor]
}
