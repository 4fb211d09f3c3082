// Sum, difference, product and quotient with broadcasting. A number is a weak scalar (see dtype.ts).
import { apply, type Input, type Op } from '../autograd'
import { checkTensor } from '../check'
import type { Immediate, Operand } from '../block'
import { type DType, isFloat, promoteScalar, promoteTypes } from '../dtype'
import { ArgumentError, DTypeError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { broadcastShapes } from '../shape'
import { sameShape, type Shape, Tensor } from '../tensor'
import { sumTo } from './broadcast'
import { checkInPlace, to, unaliased } from './copy'

/** The dtype two operands meet in. At least one must be a tensor. */
export function promoteOperands(op: string, a: Input, b: Input): DType {
  if (a instanceof Tensor) return b instanceof Tensor ? promoteTypes(a.dtype, b.dtype) : promoteNumber(op, a, b)
  if (b instanceof Tensor) return promoteNumber(op, b, a)
  throw new ArgumentError(`${op}: expected at least one tensor, got ${show(a)} and ${show(b)}`)
}

function promoteNumber(op: string, t: Tensor, value: Input): DType {
  if (typeof value === 'number' || typeof value === 'bigint') return promoteScalar(t.dtype, value)
  throw new ArgumentError(`${op}: expected a tensor, a number or a bigint, got ${show(value)}`)
}

/** An operand in the dtype of the op. */
export function operand(x: Input, dtype: DType): Operand {
  if (x instanceof Tensor) return x.dtype === dtype ? x : to(x, dtype)
  return { dtype, value: x } satisfies Immediate
}

/** The shape of an op on two operands, at least one of them a tensor. */
export function broadcastOperands(op: string, a: Input, b: Input): Shape {
  if (!(b instanceof Tensor)) return (a as Tensor).shape
  return a instanceof Tensor ? broadcastShapes(op, a.shape, b.shape) : b.shape
}

type BinaryKernel = (a: Operand, b: Operand, y: Tensor) => void

/** An input as the backward pass needs to know it: what its gradient must look like, or the number it was. */
export type Side = { shape: Shape; dtype: DType } | number | bigint

export interface BinaryAttrs {
  dtype: DType
  shape: Shape
  a: Side
  b: Side
}

function side(x: Input): Side {
  return x instanceof Tensor ? { shape: x.shape, dtype: x.dtype } : x
}

export interface BinaryRule {
  /** Which gradients read operand a: that of b, or any. Absent: none, so it is not saved. */
  readsA?: 'b' | 'any'
  /** Which gradients read operand b. */
  readsB?: 'a' | 'any'
  /** Integers divide as floats. */
  trueDivision?: boolean
  /**
   * Gradients of the two operands before broadcasting and promotion are undone; `a` and `b` are the operands (saved
   * tensors or numbers), null where no gradient reads them.
   */
  backward(dy: Tensor, a: Input, b: Input, needsA: boolean, needsB: boolean): readonly (Tensor | null)[]
}

/** Makes an op on two operands, each a tensor or a number. */
export function binaryOp(name: string, kernel: BinaryKernel, rule: BinaryRule): (a: Input, b: Input) => Tensor {
  const saves = rule.readsA !== undefined || rule.readsB !== undefined
  const op: Op<BinaryAttrs> = {
    name,
    forward: (node, [a, b], { dtype, shape }) => {
      const y = new Tensor(shape, dtype, (a instanceof Tensor ? a : (b as Tensor)).device)
      kernel(operand(a, dtype), operand(b, dtype), y)
      if (saves) {
        const keepsA = a instanceof Tensor && (rule.readsA === 'any' || (rule.readsA === 'b' && node.records(1)))
        const keepsB = b instanceof Tensor && (rule.readsB === 'any' || (rule.readsB === 'a' && node.records(0)))
        node.save(keepsA ? a : null, keepsB ? b : null)
      }
      return y
    },
    backward: (node, dy) => {
      const { a, b } = node.attrs
      const [savedA, savedB] = saves ? node.saved : []
      const inputA = typeof a === 'object' ? savedA : a
      const inputB = typeof b === 'object' ? savedB : b
      const [da, db] = rule.backward(dy, inputA, inputB, node.needs(0), node.needs(1))
      return [undo(da, a), undo(db, b)]
    },
  }
  return (a, b) => {
    const met = promoteOperands(name, a, b)
    const dtype = rule.trueDivision && !isFloat(met) ? 'float32' : met
    return apply(op, [a, b], { dtype, shape: broadcastOperands(name, a, b), a: side(a), b: side(b) })
  }
}

/** A gradient brought back to the shape and dtype of the operand it belongs to. */
function undo(gradient: Tensor | null, to_: Side): Tensor | null {
  if (gradient === null || typeof to_ !== 'object') return null
  return to(sumTo(gradient, to_.shape), to_.dtype)
}

/** a + b. */
export const add = binaryOp('add', kernels.add, {
  backward: (dy) => [dy, dy],
})

/** a − b. */
export const sub = binaryOp('sub', kernels.sub, {
  backward: (dy, _a, _b, _needsA, needsB) => [dy, needsB ? neg(dy) : null],
})

/** a · b, element by element. */
export const mul = binaryOp('mul', kernels.mul, {
  readsA: 'b',
  readsB: 'a',
  backward: (dy, a, b, needsA, needsB) => [needsA ? mul(dy, b) : null, needsB ? mul(dy, a) : null],
})

/** a / b; integers divide as float32. */
export const div = binaryOp('div', kernels.div, {
  readsA: 'b',
  readsB: 'any',
  trueDivision: true,
  backward: (dy, a, b, needsA, needsB) => [needsA ? div(dy, b) : null, needsB ? neg(div(mul(dy, a), mul(b, b))) : null],
})

const negOp: Op = {
  name: 'neg',
  forward: (_node, [x]) => {
    const y = new Tensor((x as Tensor).shape, (x as Tensor).dtype, (x as Tensor).device)
    kernels.neg(x as Tensor, y)
    return y
  },
  backward: (_node, dy) => [neg(dy)],
}

/** −x. */
export function neg(x: Tensor): Tensor {
  if (checkTensor('neg', 'x', x).dtype === 'bool')
    throw new DTypeError('neg: expected numbers, got bool; use logicalNot')
  return apply(negOp, [x], undefined)
}

/** The method `x.op_(y)`: writes op(x, y) into x. */
function inPlace(name: string, kernel: BinaryKernel, trueDivision = false): (x: Tensor, y: Input) => Tensor {
  return (x, y) => {
    checkInPlace(name, x, y)
    if (trueDivision && !isFloat(x.dtype)) {
      throw new DTypeError(`${name}: expected a floating tensor, as quotients are, got ${x.dtype}`)
    }
    if (promoteOperands(name, x, y) !== x.dtype) {
      throw new DTypeError(
        `${name}: expected an operand that keeps ${x.dtype}, got ${y instanceof Tensor ? y.dtype : show(y)}`,
      )
    }
    if (!sameShape(broadcastOperands(name, x, y), x.shape)) {
      throw new ShapeError(
        `${name}: expected an operand that broadcasts to [${x.shape.join(', ')}], ` +
          `got [${(y as Tensor).shape.join(', ')}]`,
      )
    }
    kernel(x, operand(unaliased(x, y), x.dtype), x)
    x.bumpVersion()
    return x
  }
}

export const addInPlace = inPlace('add_', kernels.add)
export const subInPlace = inPlace('sub_', kernels.sub)
export const mulInPlace = inPlace('mul_', kernels.mul)
export const divInPlace = inPlace('div_', kernels.div, true)

declare module '../tensor' {
  interface Tensor {
    add(y: Input): Tensor
    sub(y: Input): Tensor
    mul(y: Input): Tensor
    div(y: Input): Tensor
    neg(): Tensor
    add_(y: Input): Tensor
    sub_(y: Input): Tensor
    mul_(y: Input): Tensor
    div_(y: Input): Tensor
  }
}

addMethods({ add, sub, mul, div, neg, add_: addInPlace, sub_: subInPlace, mul_: mulInPlace, div_: divInPlace })
