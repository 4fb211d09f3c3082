// Copies: to another layout, another dtype, another tensor.
import { apply, isGradEnabled, type Op } from '../autograd'
import { checkTensor } from '../check'
import { checkDevice, type Device } from '../device'
import { checkDType, type DType, dtypes } from '../dtype'
import { AutogradError, ShapeError } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { broadcastShapes } from '../shape'
import { sameShape, Tensor } from '../tensor'

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

function copyAs(x: Tensor, dtype: DType): Tensor {
  return apply(copyOp, [x], { from: x.dtype, to: dtype })
}

/** `x` itself if its elements lie in row-major order, else a copy that does. */
export function contiguous(x: Tensor): Tensor {
  return checkTensor('contiguous', 'x', x).isContiguous ? x : copyAs(x, x.dtype)
}

/** A copy in memory of its own; gradients flow through it. */
export function clone(x: Tensor): Tensor {
  return copyAs(checkTensor('clone', 'x', x), x.dtype)
}

/** `x` converted to a dtype, or on a device. Itself if it is there already. */
export function to(x: Tensor, target: DType | Device): Tensor {
  checkTensor('to', 'x', x)
  if (!(typeof target === 'string' && Object.hasOwn(dtypes, target))) {
    checkDevice('to', target)
    return x
  }
  const dtype = checkDType('to', target)
  return dtype === x.dtype ? x : copyAs(x, dtype)
}

/**
 * Checks that `x` may be written in place: recorded history would be lost. Ops that write into a tensor call this.
 *
 * @throws AutogradError when gradients are on and `x` requires one.
 */
export function checkInPlace(op: string, x: Tensor): Tensor {
  checkTensor(op, 'x', x)
  if (isGradEnabled() && x.requiresGrad) {
    const what = x.isLeaf ? 'a leaf that requires grad' : `the result of '${x.node?.op.name}', which requires grad`
    throw new AutogradError(`${op}: expected a tensor without gradient, got ${what}; write in noGrad or use detach()`)
  }
  return x
}

/** Overwrites `x` with `source`, broadcast and converted to its shape and dtype. Returns `x`. */
export function copyInPlace(x: Tensor, source: Tensor): Tensor {
  checkInPlace('copy_', x)
  checkTensor('copy_', 'source', source)
  if (!sameShape(broadcastShapes('copy_', x.shape, source.shape), x.shape)) {
    throw new ShapeError(
      `copy_: expected a source that broadcasts to [${x.shape.join(', ')}], got [${source.shape.join(', ')}]`,
    )
  }
  kernels.copy(source, x)
  x.bumpVersion()
  return x
}

/** Overwrites every element with `value`. Returns `x`. */
export function fillInPlace(x: Tensor, value: number | bigint): Tensor {
  checkInPlace('fill_', x)
  kernels.fill(x, value)
  x.bumpVersion()
  return x
}

declare module '../tensor' {
  interface Tensor {
    contiguous(): Tensor
    clone(): Tensor
    to(target: DType | Device): Tensor
    copy_(source: Tensor): Tensor
    fill_(value: number | bigint): Tensor
    zero_(): Tensor
  }
}

addMethods({
  contiguous,
  clone,
  to,
  copy_: copyInPlace,
  fill_: fillInPlace,
  zero_: (x) => fillInPlace(x, 0),
})
