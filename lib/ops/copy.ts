// Copies: to another layout, another dtype, another device, another tensor.
import { apply, type Input, isGradEnabled, type Op } from '../autograd'
import { checkTensor } from '../check'
import { checkDevice, type Device, type DeviceLike } from '../device'
import { type DType, isDType } from '../dtype'
import { ArgumentError, AutogradError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { broadcastShapes } from '../shape'
import { sameShape, Tensor } from '../tensor'
import { move } from '../upload'

interface Conversion {
  from: DType
  to: DType
}

const copyOp: Op<Conversion> = {
  name: 'copy',
  forward: (_node, [input], attrs) => {
    const x = input as Tensor
    const y = new Tensor(x.shape, attrs.to, x.device)
    kernels.copy(x, y)
    return y
  },
  backward: (node, dy) => [to(dy, node.attrs.from)],
}

interface Move {
  from: Device
  to: Device
}

const moveOp: Op<Move> = {
  name: 'toDevice',
  forward: (_node, [input], attrs) => move(input as Tensor, attrs.to),
  backward: (node, dy) => [to(dy, node.attrs.from)],
}

function copyAs(x: Tensor, dtype: DType): Tensor {
  return apply(copyOp, [x], { from: x.dtype, to: dtype })
}

/** `x` itself if its elements lie in row-major order, else a copy that does. */
export function rowMajor(x: Tensor): Tensor {
  return x.isContiguous ? x : copyAs(x, x.dtype)
}

/** A copy in memory of its own; gradients flow through it. */
export function clone(x: Tensor): Tensor {
  return copyAs(checkTensor('clone', 'x', x), x.dtype)
}

/**
 * `x` converted to a dtype, or on a device. Itself if it is there already: the result may be the very same tensor, and
 * disposing it disposes `x`.
 */
export function to(x: Tensor, target: DType | DeviceLike): Tensor {
  checkTensor('to', 'x', x)
  if (isDType(target)) return target === x.dtype ? x : copyAs(x, target)
  const device = checkDevice('to', target ?? null)
  return device === x.device ? x : apply(moveOp, [rowMajor(x)], { from: x.device, to: device })
}

/**
 * Checks that `x` may be written in place, with values of `source`: recorded history would be lost. Ops that write into
 * a tensor call this.
 *
 * @throws AutogradError when gradients are on and `x` or `source` requires one.
 */
export function checkInPlace(op: string, x: Tensor, source: Input | null = null): Tensor {
  checkTensor(op, 'x', x)
  if (!isGradEnabled()) return x
  for (const t of [x, source]) {
    if (!(t instanceof Tensor) || !t.requiresGrad) continue
    const role = t === x ? 'a tensor' : 'an operand'
    const what = t.isLeaf ? 'a leaf that requires grad' : `the result of '${t.node?.op.name}', which requires grad`
    throw new AutogradError(`${op}: expected ${role} without gradient, got ${what}; write in noGrad or use detach()`)
  }
  return x
}

/**
 * What an in-place op on `x` reads: a copy where `source` lies in the same memory, some of it written before it is
 * read.
 */
export function unaliased<T extends Input>(x: Tensor, source: T): T | Tensor {
  if (!(source instanceof Tensor) || source === x) return source
  return (source.base ?? source) === (x.base ?? x) ? clone(source) : source
}

/** Overwrites `x` with `source`, broadcast and converted to its shape and dtype, from any device. Returns `x`. */
export function copyInPlace(x: Tensor, source: Tensor): Tensor {
  checkInPlace('copy_', x, checkTensor('copy_', 'source', source))
  if (!sameShape(broadcastShapes('copy_', x.shape, source.shape), x.shape)) {
    throw new ShapeError(
      `copy_: expected a source that broadcasts to [${x.shape.join(', ')}], got [${source.shape.join(', ')}]`,
    )
  }
  kernels.copy(unaliased(x, to(source, x.device)), x)
  x.bumpVersion()
  return x
}

/** Overwrites every element with `value`. Returns `x`. */
export function fillInPlace(x: Tensor, value: number | bigint): Tensor {
  checkInPlace('fill_', x)
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    throw new ArgumentError(`fill_: expected a number or a bigint, got ${show(value)}`)
  }
  kernels.fill(x, value)
  x.bumpVersion()
  return x
}

declare module '../tensor' {
  interface Tensor {
    clone(): Tensor
    to(target: DType | DeviceLike): Tensor
    copy_(source: Tensor): Tensor
    fill_(value: number | bigint): Tensor
    zero_(): Tensor
  }
}

addMethods({
  clone,
  to,
  copy_: copyInPlace,
  fill_: fillInPlace,
  zero_: (x) => fillInPlace(x, 0),
})
