// Powers, extrema and remainders of two operands with broadcasting.
import type { Input } from '../autograd'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { Tensor } from '../tensor'
import { add, binaryOp, div, mul, neg, sub } from './arithmetic'
import { eq, ge, gt, logicalAnd, lt } from './compare'
import { to } from './copy'
import { zerosLike } from './create'
import { floor, log, square } from './unary'
import { where } from './where'

/** b·a^(b−1), which is 0 for b = 0 even at a = 0. */
function powerOfBase(dy: Tensor, a: Tensor, b: Input): Tensor {
  if (b instanceof Tensor) return where(eq(b, 0), 0, mul(dy, mul(powOp(a, sub(b, 1)), b)))
  return Number(b) === 0 ? zerosLike(dy) : mul(dy, mul(powOp(a, Number(b) - 1), Number(b)))
}

/** aᵇ·log a, which is 0 at a = 0 for b ≥ 0. */
function powerOfExponent(dy: Tensor, a: Input, b: Tensor): Tensor {
  const y = mul(dy, powOp(a, b))
  if (a instanceof Tensor) return where(logicalAnd(eq(a, 0), ge(b, 0)), 0, mul(y, log(a)))
  return Number(a) === 0 ? where(ge(b, 0), 0, mul(y, -Infinity)) : mul(y, Math.log(Number(a)))
}

const powOp: (a: Input, b: Input) => Tensor = binaryOp('pow', kernels.pow, {
  readsA: 'any',
  readsB: 'any',
  backward: (dy, a, b, needsA, needsB) => [
    needsA ? powerOfBase(dy, a as Tensor, b) : null,
    needsB ? powerOfExponent(dy, a, b as Tensor) : null,
  ],
})

/** aᵇ. */
export function pow(a: Input, b: Input): Tensor {
  return b === 2 && a instanceof Tensor ? square(a) : powOp(a, b)
}

/** The share of the gradient that goes to a: all where it won, half at ties. */
function share(dy: Tensor, a: Input, b: Input, wins: (a: Input, b: Input) => Tensor): Tensor {
  return mul(dy, add(to(wins(a, b), dy.dtype), mul(to(eq(a, b), dy.dtype), 0.5)))
}

/** The larger of a and b; NaN if either is. */
export const maximum = binaryOp('maximum', kernels.maximum, {
  readsA: 'any',
  readsB: 'any',
  backward: (dy, a, b, needsA, needsB) => [
    needsA ? share(dy, a, b, gt) : null,
    needsB ? share(dy, b, a, gt) : null,
  ],
})

/** The smaller of a and b; NaN if either is. */
export const minimum = binaryOp('minimum', kernels.minimum, {
  readsA: 'any',
  readsB: 'any',
  backward: (dy, a, b, needsA, needsB) => [
    needsA ? share(dy, a, b, lt) : null,
    needsB ? share(dy, b, a, lt) : null,
  ],
})

/** a − b·⌊a/b⌋: the remainder with the sign of b, as Python's `%`. */
export const remainder = binaryOp('remainder', kernels.remainder, {
  readsA: 'any',
  readsB: 'any',
  backward: (dy, a, b, _needsA, needsB) => [dy, needsB ? neg(mul(dy, floor(div(a, b)))) : null],
})

declare module '../tensor' {
  interface Tensor {
    pow(exponent: Input): Tensor
    maximum(other: Input): Tensor
    minimum(other: Input): Tensor
    remainder(divisor: Input): Tensor
  }
}

addMethods({ pow, maximum, minimum, remainder })
