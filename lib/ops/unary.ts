// Elementwise functions of one tensor: an entry each. The formulas are in native/formulas.h and
// native/activation_formulas.h.
import { apply, isGradEnabled, type Op } from '../autograd'
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { isFloat } from '../dtype'
import { ArgumentError, DTypeError, show } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { checkNumber } from '../shape'
import { Tensor } from '../tensor'
import { add, div, mul, neg, sub } from './arithmetic'
import { gt } from './compare'
import { to } from './copy'
import { onesLike, zerosLike } from './create'
import { where } from './where'

interface UnaryRule {
  kernel: (x: Tensor, y: Tensor) => void
  /** What the derivative is written in, z: the function's input or its output. */
  saves?: 'input' | 'output'
  /** dy/dx from z, in ops; absent where it is zero almost everywhere. */
  derivative?: (z: Tensor) => Tensor
  /** dy · derivative in one kernel. */
  fused?: (dy: Tensor, z: Tensor, dx: Tensor) => void
  /** Integers stay integers instead of becoming float32. */
  integers?: boolean
}

/** A function's gradient: dx from dy and z, the function's input or its output. */
export interface UnaryGradient {
  saves: 'input' | 'output'
  backward: (dy: Tensor, z: Tensor) => Tensor
}

const gradients = new Map<(x: Tensor) => Tensor, UnaryGradient>()

/** The gradient of a function of this file, for ops that apply the function in a kernel of their own. */
export function gradientOf(f: (x: Tensor) => Tensor): UnaryGradient {
  return gradients.get(f)!
}

function unary(name: string, rule: UnaryRule): (x: Tensor) => Tensor {
  const { kernel, saves, derivative, fused } = rule
  const backward = (dy: Tensor, z: Tensor): Tensor => {
    if (derivative === undefined) return zerosLike(dy)
    if (fused === undefined || isGradEnabled()) return mul(dy, derivative(z))
    const dx = new Tensor(dy.shape, dy.dtype, dy.device)
    fused(dy, z, dx)
    return dx
  }
  const op: Op = {
    name,
    forward: (node, [input]) => {
      const x = input as Tensor
      const y = new Tensor(x.shape, x.dtype, x.device)
      kernel(x, y)
      if (saves !== undefined) node.save(saves === 'input' ? x : y)
      return y
    },
    backward: (node, dy) => [backward(dy, node.saved[0])],
  }
  const f = (x: Tensor): Tensor => {
    const { dtype } = checkTensor(name, 'x', x)
    if (isFloat(dtype)) return apply(op, [x], undefined)
    if (rule.integers && dtype === 'bool') throw new DTypeError(`${name}: expected numbers, got bool`)
    return apply(op, [rule.integers ? x : to(x, 'float32')], undefined)
  }
  if (saves !== undefined) gradients.set(f, { saves, backward })
  return f
}

const rootHalf = Math.SQRT1_2
const gaussian = (x: Tensor) => mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))

/** |x|. */
export const abs = unary('abs', { kernel: kernels.abs, saves: 'input', derivative: (x) => sign(x), integers: true })
/** −1, 0 or 1. */
export const sign = unary('sign', { kernel: kernels.sign, integers: true })
/** x². */
export const square = unary('square', {
  kernel: kernels.square,
  saves: 'input',
  derivative: (x) => mul(x, 2),
  integers: true,
})
/** √x. */
export const sqrt = unary('sqrt', { kernel: kernels.sqrt, saves: 'output', derivative: (y) => div(0.5, y) })
/** 1 / √x. */
export const rsqrt = unary('rsqrt', {
  kernel: kernels.rsqrt,
  saves: 'output',
  derivative: (y) => mul(mul(square(y), y), -0.5),
})
/** 1 / x. */
export const reciprocal = unary('reciprocal', {
  kernel: kernels.reciprocal,
  saves: 'output',
  derivative: (y) => neg(square(y)),
})
/** eˣ. */
export const exp = unary('exp', { kernel: kernels.exp, saves: 'output', derivative: (y) => y })
/** eˣ − 1, accurate near 0. */
export const expm1 = unary('expm1', { kernel: kernels.expm1, saves: 'output', derivative: (y) => add(y, 1) })
/** Natural logarithm. */
export const log = unary('log', { kernel: kernels.log, saves: 'input', derivative: (x) => reciprocal(x) })
/** log(1 + x), accurate near 0. */
export const log1p = unary('log1p', {
  kernel: kernels.log1p,
  saves: 'input',
  derivative: (x) => reciprocal(add(x, 1)),
})
/** Sine; x in radians. */
export const sin = unary('sin', { kernel: kernels.sin, saves: 'input', derivative: (x) => cos(x) })
/** Cosine; x in radians. */
export const cos = unary('cos', { kernel: kernels.cos, saves: 'input', derivative: (x) => neg(sin(x)) })
/** Hyperbolic tangent. */
export const tanh = unary('tanh', {
  kernel: kernels.tanh,
  saves: 'output',
  derivative: (y) => sub(1, square(y)),
  fused: kernels.tanhBackward,
})
/** Error function 2/√π ∫₀ˣ e^(−t²) dt. */
export const erf = unary('erf', {
  kernel: kernels.erf,
  saves: 'input',
  derivative: (x) => mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI)),
})
/** 1 / (1 + e⁻ˣ). */
export const sigmoid = unary('sigmoid', {
  kernel: kernels.sigmoid,
  saves: 'output',
  derivative: (y) => mul(y, sub(1, y)),
  fused: kernels.sigmoidBackward,
})
/** max(x, 0). */
export const relu = unary('relu', {
  kernel: kernels.relu,
  saves: 'output',
  derivative: (y) => to(gt(y, 0), y.dtype),
  fused: kernels.reluBackward,
  integers: true,
})
/** x · Φ(x), exact (Hendrycks & Gimpel 2016). */
export const geluExact = unary('gelu', {
  kernel: kernels.gelu,
  saves: 'input',
  derivative: (x) => add(mul(add(erf(mul(x, rootHalf)), 1), 0.5), mul(x, gaussian(x))),
  fused: kernels.geluBackward,
})
/** The tanh approximation of gelu: x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))). */
export const geluTanh = unary('geluTanh', {
  kernel: kernels.geluTanh,
  saves: 'input',
  derivative: (x) => {
    const scale = Math.sqrt(2 / Math.PI)
    const x2 = square(x)
    const t = tanh(mul(mul(x, add(mul(x2, 0.044715), 1)), scale))
    const slope = mul(add(mul(x2, 3 * 0.044715), 1), scale)
    return add(mul(add(t, 1), 0.5), mul(mul(mul(x, sub(1, square(t))), slope), 0.5))
  },
  fused: kernels.geluTanhBackward,
})
/** x · sigmoid(x), also called swish. */
export const silu = unary('silu', {
  kernel: kernels.silu,
  saves: 'input',
  derivative: (x) => {
    const s = sigmoid(x)
    return mul(s, add(mul(x, sub(1, s)), 1))
  },
  fused: kernels.siluBackward,
})
/** log(1 + eˣ). */
export const softplus = unary('softplus', {
  kernel: kernels.softplus,
  saves: 'input',
  derivative: (x) => sigmoid(x),
  fused: kernels.softplusBackward,
})
export const floor = unary('floor', { kernel: kernels.floor, integers: true })
export const ceil = unary('ceil', { kernel: kernels.ceil, integers: true })
/** To the nearest integer, halves to even. */
export const round = unary('round', { kernel: kernels.round, integers: true })
export const trunc = unary('trunc', { kernel: kernels.trunc, integers: true })

export interface GeluOptions {
  /** 'tanh' for the approximation. Default 'none'. */
  approximate?: 'none' | 'tanh'
}

export const geluOptions: OptionNames<GeluOptions> = { approximate: true }

export function checkGelu(op: string, options: GeluOptions | undefined): 'none' | 'tanh' {
  const { approximate = 'none' } = checkOptions(op, options, geluOptions)
  if (approximate === 'none' || approximate === 'tanh') return approximate
  throw new ArgumentError(`${op}: expected approximate 'none' or 'tanh', got ${show(approximate)}`)
}

/** Gaussian error linear unit. */
export function gelu(x: Tensor, options?: GeluOptions): Tensor {
  return checkGelu('gelu', options) === 'tanh' ? geluTanh(x) : geluExact(x)
}

/** An op with one number, `parameter`, beside its tensor. */
function parametric(
  name: string,
  parameter: string,
  kernel: (x: Tensor, y: Tensor, p: number) => void,
  fused: (dy: Tensor, x: Tensor, dx: Tensor, p: number) => void,
  derivative: (x: Tensor, p: number) => Tensor,
): (x: Tensor, p: number) => Tensor {
  const op: Op<number> = {
    name,
    forward: (node, [input], p) => {
      const x = input as Tensor
      const y = new Tensor(x.shape, x.dtype, x.device)
      kernel(x, y, p)
      node.save(x)
      return y
    },
    backward: (node, dy) => {
      const [x] = node.saved
      if (isGradEnabled()) return [mul(dy, derivative(x, node.attrs))]
      const dx = new Tensor(dy.shape, dy.dtype, dy.device)
      fused(dy, x, dx, node.attrs)
      return [dx]
    },
  }
  return (x, p) => {
    const float = isFloat(checkTensor(name, 'x', x).dtype) ? x : to(x, 'float32')
    return apply(op, [float], checkNumber(name, parameter, p))
  }
}

const leakyReluWith = parametric(
  'leakyRelu',
  'negativeSlope',
  kernels.leakyRelu,
  kernels.leakyReluBackward,
  (x, slope) => where(gt(x, 0), onesLike(x), slope),
)
const eluWith = parametric('elu', 'alpha', kernels.elu, kernels.eluBackward, (x, alpha) =>
  where(gt(x, 0), 1, mul(exp(x), alpha)),
)

export interface LeakyReluOptions {
  /** Default 0.01. */
  negativeSlope?: number
}

export const leakyReluOptions: OptionNames<LeakyReluOptions> = { negativeSlope: true }

/** x where positive, `negativeSlope`·x elsewhere. */
export function leakyRelu(x: Tensor, options?: LeakyReluOptions): Tensor {
  return leakyReluWith(x, checkOptions('leakyRelu', options, leakyReluOptions).negativeSlope ?? 0.01)
}

export interface EluOptions {
  /** Default 1. */
  alpha?: number
}

export const eluOptions: OptionNames<EluOptions> = { alpha: true }

/** x where positive, `alpha`·(eˣ − 1) elsewhere (Clevert et al. 2015). */
export function elu(x: Tensor, options?: EluOptions): Tensor {
  return eluWith(x, checkOptions('elu', options, eluOptions).alpha ?? 1)
}

declare module '../tensor' {
  interface Tensor {
    abs(): Tensor
    sign(): Tensor
    square(): Tensor
    sqrt(): Tensor
    rsqrt(): Tensor
    reciprocal(): Tensor
    exp(): Tensor
    expm1(): Tensor
    log(): Tensor
    log1p(): Tensor
    sin(): Tensor
    cos(): Tensor
    tanh(): Tensor
    erf(): Tensor
    sigmoid(): Tensor
    relu(): Tensor
    floor(): Tensor
    ceil(): Tensor
    round(): Tensor
    trunc(): Tensor
  }
}

addMethods({ abs, sign, square, sqrt, rsqrt, reciprocal, exp, expm1, log, log1p, sin, cos })
addMethods({ tanh, erf, sigmoid, relu, floor, ceil, round, trunc })
