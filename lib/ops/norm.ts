// What the norms share: statistics, checks, and the gradients of layer and batch norm in ops.
import { checkFloat } from '../check'
import type { DType } from '../dtype'
import { ShapeError, show } from '../errors'
import { checkShape } from '../shape'
import { numelOf, sameShape, type Shape, Tensor } from '../tensor'
import { add, mul, sub } from './arithmetic'
import { sum } from './broadcast'
import { to } from './copy'
import { mean } from './reduce'
import { rsqrt, square } from './unary'

/** The dtype that sums of x's elements are held in. */
export const statisticsDType = (x: Tensor): DType => (x.dtype === 'float64' ? 'float64' : 'float32')

/** n numbers of that dtype. */
export const statistics = (x: Tensor, n: number): Tensor => new Tensor([n], statisticsDType(x), x.device)

/** What a backward pass has saved: x, w, mean and rstd. */
export type Saved = readonly [Tensor, Tensor | null, Tensor, Tensor]

interface Gradients {
  dx: Tensor
  dw: Tensor
  db: Tensor
}

/**
 * The gradients of xhat · w + b in ops, xhat being x normalised over `dims`; w broadcasts to x. dw and db are sums over
 * `rest`, the dims that w and b do not have.
 */
export function gradientFormula(
  dy: Tensor,
  x: Tensor,
  w: Tensor | null,
  eps: number,
  dims: readonly number[],
  rest: readonly number[],
): Gradients {
  const average = (t: Tensor) => mean(t, { dim: dims, keepdim: true })
  const centred = sub(x, average(x))
  const rstd = rsqrt(add(average(square(centred)), eps))
  const xhat = mul(centred, rstd)
  const g = w === null ? dy : mul(dy, w)
  const dx = mul(rstd, sub(sub(g, average(g)), mul(xhat, average(mul(g, xhat)))))
  return { dx: to(dx, x.dtype), dw: sum(mul(dy, xhat), { dim: rest }), db: sum(dy, { dim: rest }) }
}

export function checkAffine(op: string, name: string, t: Tensor | null, shape: Shape): void {
  if (t !== null && !sameShape(checkFloat(op, name, t).shape, shape)) {
    throw new ShapeError(`${op}: expected ${name} ${show(shape)}, got ${show(t.shape)}`)
  }
}

/** What is normalised together: `rows` sets of `size` numbers, the last dims of x, whose sizes are `normalized`. */
export interface NormalizedRows {
  rows: number
  size: number
  normalized: Shape
}

/** The rows of x; `weight` has their shape. */
export function checkNormalized(
  op: string,
  x: Tensor,
  normalizedShape: Shape | number,
  weight: Tensor | null,
): NormalizedRows {
  checkFloat(op, 'x', x)
  const normalized = checkShape(op, typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape)
  const ahead = x.ndim - normalized.length
  if (normalized.length === 0 || ahead < 0 || !sameShape(x.shape.slice(ahead), normalized)) {
    throw new ShapeError(`${op}: expected x [..., ${normalized.join(', ')}], got ${show(x.shape)}`)
  }
  checkAffine(op, 'weight', weight, normalized)
  return { rows: numelOf(x.shape.slice(0, ahead)), size: numelOf(normalized), normalized }
}
