// Chooses between two operands by a condition.
import { apply, type Input, type Op } from '../autograd'
import { checkSameDType } from '../check'
import { type DType } from '../dtype'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { broadcastShapes } from '../shape'
import { type Shape, Tensor } from '../tensor'
import { broadcastOperands, operand, promoteOperands } from './arithmetic'
import { sumTo } from './broadcast'
import { to } from './copy'

interface Where {
  dtype: DType
  shape: Shape
  a: { shape: Shape; dtype: DType } | null
  b: { shape: Shape; dtype: DType } | null
}

const whereOp: Op<Where> = {
  name: 'where',
  forward: (node, [condition, a, b], { dtype, shape }) => {
    const y = new Tensor(shape, dtype, (condition as Tensor).device)
    kernels.where(condition as Tensor, operand(a, dtype), operand(b, dtype), y)
    node.save(condition as Tensor)
    return y
  },
  backward: (node, dy) => {
    const [condition] = node.saved
    const { a, b } = node.attrs
    return [
      null,
      a && node.needs(1) ? to(sumTo(where(condition, dy, 0), a.shape), a.dtype) : null,
      b && node.needs(2) ? to(sumTo(where(condition, 0, dy), b.shape), b.dtype) : null,
    ]
  },
}

const isNumber = (x: Input) => typeof x === 'number' || typeof x === 'bigint'

/** `a` where `condition` (bool) is true, else `b`; all three broadcast. Two numbers give float32. */
export function where(condition: Tensor, a: Input, b: Input): Tensor {
  checkSameDType('where', 'condition', condition, 'bool')
  const numbers = isNumber(a) && isNumber(b)
  const dtype = numbers ? 'float32' : promoteOperands('where', a, b)
  const shape = numbers ? condition.shape : broadcastShapes('where', condition.shape, broadcastOperands('where', a, b))
  const side = (x: Input) => (x instanceof Tensor ? { shape: x.shape, dtype: x.dtype } : null)
  return apply(whereOp, [condition, a, b], { dtype, shape, a: side(a), b: side(b) })
}

/** `x` with `value` where `mask` is true. */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  return where(mask, value, x)
}

declare module '../tensor' {
  interface Tensor {
    maskedFill(mask: Tensor, value: number): Tensor
  }
}

addMethods({ maskedFill })
