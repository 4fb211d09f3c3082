// Layer norm (Ba et al. 2016) of x, or of x and a residual added up: y = (x − mean) / √(var + eps) · w + b, with mean
// and biased variance over the last dims of each element.
import { apply, type Input, isGradEnabled, type Node, type Op, optional } from '../autograd'
import { checkOptions, type OptionNames } from '../check'
import type { DType } from '../dtype'
import * as kernels from '../kernels'
import { checkNumber } from '../shape'
import { type Shape, Tensor } from '../tensor'
import { add } from './arithmetic'
import { to } from './copy'
import { checkResidual } from './ending'
import { checkAffine, checkNormalized, gradientFormula, type Saved, statistics } from './norm'
import { reshape } from './view'

interface LayerNorm {
  /** How many sets of `size` numbers are normalised. */
  rows: number
  size: number
  normalized: Shape
  biasDType: DType
  eps: number
}

/** y, and x + residual or null. The kernel sees x as [rows, size]. */
function normalise(
  node: Node<LayerNorm>,
  x: Tensor,
  residual: Tensor | null,
  weight: Input,
  bias: Input,
  { rows, size, eps }: LayerNorm,
): [Tensor, Tensor | null] {
  const matrix = [rows, size]
  const w = optional(weight)
  const b = optional(bias)
  const y = new Tensor(matrix, x.dtype, x.device)
  const sum = residual && new Tensor(matrix, x.dtype, x.device)
  const average = statistics(x, rows)
  const rstd = statistics(x, rows)
  const vector = (t: Tensor | null) => t && reshape(t, [size])
  const addend = residual && reshape(residual, matrix)
  kernels.layerNorm(reshape(x, matrix), addend, vector(w), vector(b), y, sum, average, rstd, eps)
  const shaped = sum && reshape(sum, x.shape)
  node.save(shaped ?? x, w, average, rstd)
  return [reshape(y, x.shape), shaped]
}

/** The gradients of what was normalised, w and b; `dsum` is added to the first. */
function gradients(node: Node<LayerNorm>, dy: Tensor, dsum: Tensor | null): [Tensor, Tensor | null, Tensor | null] {
  const [x, w, average, rstd] = node.saved as readonly (Tensor | null)[] as Saved
  const { rows, size, normalized, biasDType, eps } = node.attrs
  if (isGradEnabled()) {
    const dims = x.shape.map((_, d) => d)
    const ahead = x.ndim - normalized.length
    const { dx, dw, db } = gradientFormula(dy, x, w, eps, dims.slice(ahead), dims.slice(0, ahead))
    return [dsum ? add(dx, dsum) : dx, w && to(dw, w.dtype), node.needs(2) ? to(db, biasDType) : null]
  }
  const matrix = (t: Tensor) => reshape(t, [rows, size])
  const dx = new Tensor([rows, size], x.dtype, x.device)
  const dw = w && node.needs(1) ? new Tensor([size], w.dtype, x.device) : null
  const db = node.needs(2) ? new Tensor([size], biasDType, x.device) : null
  const addend = dsum && matrix(dsum)
  kernels.layerNormBackward(matrix(dy), addend, matrix(x), w && reshape(w, [size]), average, rstd, dx, dw, db)
  return [reshape(dx, x.shape), dw && reshape(dw, normalized), db && reshape(db, normalized)]
}

/** Inputs: x, w and b (0 for none). */
const layerNormOp: Op<LayerNorm> = {
  name: 'layerNorm',
  forward: (node, [x, w, b], attrs) => normalise(node, x as Tensor, null, w, b, attrs)[0],
  backward: (node, dy) => gradients(node, dy, null),
}

/** Inputs: x, w and b (0 for none), residual; results: y and x + residual. */
const addLayerNormOp: Op<LayerNorm, Tensor[]> = {
  name: 'addLayerNorm',
  forward: (node, [x, w, b, residual], attrs) =>
    normalise(node, x as Tensor, residual as Tensor, w, b, attrs) as Tensor[],
  backward: (node, dy: Tensor | null, dsum: Tensor | null) => {
    if (dy === null) return [dsum, null, null, dsum]
    const [dx, dw, db] = gradients(node, dy, dsum)
    return [dx, dw, db, dx]
  },
}

export interface LayerNormOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number
}

const layerNormOptions: OptionNames<LayerNormOptions> = { eps: true }

function checkLayerNorm(
  op: string,
  x: Tensor,
  normalizedShape: Shape | number,
  weight: Tensor | null,
  bias: Tensor | null,
  options: LayerNormOptions | undefined,
): LayerNorm {
  const rows = checkNormalized(op, x, normalizedShape, weight)
  checkAffine(op, 'bias', bias, rows.normalized)
  return {
    ...rows,
    biasDType: bias?.dtype ?? x.dtype,
    eps: checkNumber(op, 'eps', checkOptions(op, options, layerNormOptions).eps ?? 1e-5, 0),
  }
}

/** x normalised over its last dims, whose sizes are `normalizedShape`; `weight` and `bias` have that shape. */
export function layerNorm(
  x: Tensor,
  normalizedShape: Shape | number,
  weight: Tensor | null = null,
  bias: Tensor | null = null,
  options?: LayerNormOptions,
): Tensor {
  const attrs = checkLayerNorm('layerNorm', x, normalizedShape, weight, bias, options)
  return apply(layerNormOp, [x, weight ?? 0, bias ?? 0], attrs)
}

/**
 * `[layerNorm(sum), sum]` for sum = x + residual, which have one shape and dtype, in one pass: what the halves of a
 * transformer's block begin with.
 */
export function addLayerNorm(
  x: Tensor,
  residual: Tensor,
  normalizedShape: Shape | number,
  weight: Tensor | null = null,
  bias: Tensor | null = null,
  options?: LayerNormOptions,
): [normalized: Tensor, sum: Tensor] {
  const attrs = checkLayerNorm('addLayerNorm', x, normalizedShape, weight, bias, options)
  checkResidual('addLayerNorm', residual, x, x.shape)
  return apply(addLayerNormOp, [x, weight ?? 0, bias ?? 0, residual], attrs) as [Tensor, Tensor]
}
