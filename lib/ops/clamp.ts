// Limits values to a range.
import { apply, type Op } from '../autograd'
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { type DType, isFloat, promoteScalar } from '../dtype'
import { ArgumentError, DTypeError, show } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { Tensor } from '../tensor'
import { ge, le, logicalAnd } from './compare'
import { to } from './copy'
import { where } from './where'

export interface ClampOptions {
  /** Smaller values become this one. */
  min?: number | bigint
  /** Larger values become this one; it wins over a larger `min`. */
  max?: number | bigint
}

const clampOptions: OptionNames<ClampOptions> = { min: true, max: true }

interface Range {
  low: number | bigint
  high: number | bigint
}

const clampOp: Op<Range> = {
  name: 'clamp',
  forward: (node, [input], { low, high }) => {
    const x = input as Tensor
    const y = new Tensor(x.shape, x.dtype, x.device)
    kernels.clamp(x, y, low, high)
    node.save(x)
    return y
  },
  backward: (node, dy) => {
    const [x] = node.saved
    const { low, high } = node.attrs
    return [where(logicalAnd(ge(x, low), le(x, high)), dy, 0)]
  },
}

/** The whole range of each dtype that is no float: what an absent bound stands for. */
const integerRange: Partial<Record<DType, Range>> = {
  int8: { low: -128, high: 127 },
  uint8: { low: 0, high: 255 },
  int32: { low: -(2 ** 31), high: 2 ** 31 - 1 },
  int64: { low: -(2n ** 63n), high: 2n ** 63n - 1n },
}

function checkBound(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'bigint' || (typeof value === 'number' && !Number.isNaN(value))) return
  throw new ArgumentError(`clamp: expected ${name} to be a number or a bigint, got ${show(value)}`)
}

/**
 * Limits every element to [`min`, `max`]; either may be absent. NaN stays NaN. The gradient flows where x lies within
 * the range, bounds included. A fractional bound makes integers float32.
 */
export function clamp(x: Tensor, options: ClampOptions): Tensor {
  if (checkTensor('clamp', 'x', x).dtype === 'bool') throw new DTypeError('clamp: expected numbers, got bool')
  const { min, max } = checkOptions('clamp', options, clampOptions)
  checkBound('min', min)
  checkBound('max', max)
  if (min === undefined && max === undefined) throw new ArgumentError('clamp: expected min, max or both, got neither')
  let dtype = x.dtype
  for (const bound of [min, max]) {
    if (bound !== undefined && Math.abs(Number(bound)) !== Infinity) dtype = promoteScalar(dtype, bound)
  }
  const range = isFloat(dtype) ? { low: -Infinity, high: Infinity } : (integerRange[dtype] as Range)
  // A bound beyond an integer dtype's range limits nothing on its own side, and everything on the other.
  const inRange = (bound: number | bigint) => (bound < range.low ? range.low : bound > range.high ? range.high : bound)
  return apply(clampOp, [to(x, dtype)], {
    low: min === undefined ? range.low : inRange(min),
    high: max === undefined ? range.high : inRange(max),
  })
}

declare module '../tensor' {
  interface Tensor {
    clamp(options: ClampOptions): Tensor
  }
}

addMethods({ clamp })
