// Powers, extrema and remainders of two operands with broadcasting.
import type { Input } from '../autograd'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { Tensor } from '../tensor'
import { add, binaryOp, div, mul, neg, sub } from './arithmetic'
import { eq, ge, gt, logicalAnd, lt } from './compare'
import { to } from './copy'
import { floor, log, square } from './unary'
import { where } from './where'

/** A comparison of two inputs that may both be numbers. */
const holds = (test: (a: Input, b: Input) => Tensor, a: Input, b: Input, like: Tensor): Tensor =>
  a instanceof Tensor || b instanceof Tensor ? test(a, b) : test(add(mul(like, 0), a), b)

const powOp = binaryOp('pow', kernels.pow, {
  saves: true,
  backward: (dy, a, b, needsA, needsB) => {
    const less = b instanceof Tensor ? sub(b, 1) : Number(b) - 1
    const logA = a instanceof Tensor ? log(a) : Math.log(Number(a))
    return [
      // b·a^(b−1), which is 0 for b = 0 even at a = 0.
      needsA ? where(holds(eq, b, 0, dy), 0, mul(dy, mul(powOp(a, less), b))) : null,
      // aᵇ·log a, which is 0 at a = 0 for b ≥ 0.
      needsB ? where(logicalAnd(holds(eq, a, 0, dy), holds(ge, b, 0, dy)), 0, mul(dy, mul(powOp(a, b), logA))) : null,
    ]
  },
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
  saves: true,
  backward: (dy, a, b, needsA, needsB) => [
    needsA ? share(dy, a, b, gt) : null,
    needsB ? share(dy, b, a, gt) : null,
  ],
})

/** The smaller of a and b; NaN if either is. */
export const minimum = binaryOp('minimum', kernels.minimum, {
  saves: true,
  backward: (dy, a, b, needsA, needsB) => [
    needsA ? share(dy, a, b, lt) : null,
    needsB ? share(dy, b, a, lt) : null,
  ],
})

/** a − b·⌊a/b⌋: the remainder with the sign of b, as Python's `%`. */
export const remainder = binaryOp('remainder', kernels.remainder, {
  saves: true,
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
