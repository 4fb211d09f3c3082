// First values of parameters. Every function fills its tensor and returns it; random ones draw from the default
// generator unless given another.
import { noGrad } from '../autograd'
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { ArgumentError, ShapeError, show } from '../errors'
import { copyInPlace, fillInPlace } from '../ops/copy'
import { arange } from '../ops/create'
import { eq } from '../ops/compare'
import { type GeneratorOption, generatorOption, normalInPlace, uniformInPlace } from '../ops/random'
import { unsqueeze } from '../ops/view'
import { checkNumber } from '../shape'
import { numelOf, type Tensor } from '../tensor'

/** Uniform numbers in [low, high). */
export function uniform_(t: Tensor, low = 0, high = 1, options?: GeneratorOption): Tensor {
  return noGrad(() => uniformInPlace(t, low, high, options))
}

/** Normal numbers of this mean and standard deviation. */
export function normal_(t: Tensor, mean = 0, std = 1, options?: GeneratorOption): Tensor {
  return noGrad(() => normalInPlace(t, mean, std, options))
}

export function constant_(t: Tensor, value: number): Tensor {
  return noGrad(() => fillInPlace(t, value))
}

export function zeros_(t: Tensor): Tensor {
  return constant_(t, 0)
}

export function ones_(t: Tensor): Tensor {
  return constant_(t, 1)
}

/** Ones on the diagonal of a matrix, zeros elsewhere. */
export function eye_(t: Tensor): Tensor {
  if (checkTensor('eye_', 't', t).ndim !== 2) {
    throw new ShapeError(`eye_: expected a matrix, got [${t.shape.join(', ')}]`)
  }
  const index = (n: number) => arange(n, { dtype: 'int64', device: t.device })
  return noGrad(() => copyInPlace(t, eq(unsqueeze(index(t.shape[0]), 1), index(t.shape[1]))))
}

/** How many inputs feed one output, and how many outputs one input feeds, of a weight [out, in, window ...]. */
export function fans(t: Tensor): { fanIn: number; fanOut: number } {
  if (checkTensor('fans', 't', t).ndim < 2) {
    throw new ShapeError(`fans: expected a weight of at least 2 dims, got [${t.shape.join(', ')}]`)
  }
  const window = numelOf(t.shape.slice(2))
  return { fanIn: t.shape[1] * window, fanOut: t.shape[0] * window }
}

export type Nonlinearity = 'linear' | 'conv' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu'

/** The factor that keeps the size of signals through a nonlinearity; `slope` is leakyRelu's (default 0.01). */
export function gainOf(nonlinearity: Nonlinearity, slope = 0.01): number {
  checkNumber('gainOf', 'slope', slope)
  const gains: Record<Nonlinearity, number> = {
    linear: 1,
    conv: 1,
    sigmoid: 1,
    tanh: 5 / 3,
    relu: Math.SQRT2,
    leakyRelu: Math.sqrt(2 / (1 + slope * slope)),
    selu: 3 / 4,
  }
  if (typeof nonlinearity === 'string' && Object.hasOwn(gains, nonlinearity)) return gains[nonlinearity]
  throw new ArgumentError(`gainOf: expected one of ${Object.keys(gains).join(', ')}, got ${show(nonlinearity)}`)
}

export interface XavierOptions extends GeneratorOption {
  /** Default 1. */
  gain?: number
}

const xavierOptions: OptionNames<XavierOptions> = { ...generatorOption, gain: true }

/** Standard deviation gain · √(2 / (fanIn + fanOut)) (Glorot & Bengio 2010). */
function xavierStd(t: Tensor, gain = 1): number {
  const { fanIn, fanOut } = fans(t)
  return checkNumber('xavier', 'gain', gain) * Math.sqrt(2 / Math.max(1, fanIn + fanOut))
}

/** Uniform numbers of Glorot's standard deviation. */
export function xavierUniform_(t: Tensor, options?: XavierOptions): Tensor {
  const { gain, generator } = checkOptions('xavierUniform_', options, xavierOptions)
  const bound = Math.sqrt(3) * xavierStd(t, gain)
  return uniform_(t, -bound, bound, { generator })
}

/** Normal numbers of Glorot's standard deviation. */
export function xavierNormal_(t: Tensor, options?: XavierOptions): Tensor {
  const { gain, generator } = checkOptions('xavierNormal_', options, xavierOptions)
  return normal_(t, 0, xavierStd(t, gain), { generator })
}

export interface KaimingOptions extends GeneratorOption {
  /** Slope of leakyRelu for negative inputs. Default 0. */
  a?: number
  /** Keep the size of signals on the way forward ('fanIn', default) or of gradients on the way back. */
  mode?: 'fanIn' | 'fanOut'
  /** Default leakyRelu. */
  nonlinearity?: Nonlinearity
}

const kaimingOptions: OptionNames<KaimingOptions> = { ...generatorOption, a: true, mode: true, nonlinearity: true }

/** Standard deviation gain / √fan (He et al. 2015). */
function kaimingStd(t: Tensor, { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' }: KaimingOptions): number {
  if (mode !== 'fanIn' && mode !== 'fanOut') {
    throw new ArgumentError(`kaiming: expected mode 'fanIn' or 'fanOut', got ${show(mode)}`)
  }
  return gainOf(nonlinearity, a) / Math.sqrt(Math.max(1, fans(t)[mode]))
}

/** Uniform numbers of He's standard deviation. */
export function kaimingUniform_(t: Tensor, options?: KaimingOptions): Tensor {
  const { generator, ...scaling } = checkOptions('kaimingUniform_', options, kaimingOptions)
  const bound = Math.sqrt(3) * kaimingStd(t, scaling)
  return uniform_(t, -bound, bound, { generator })
}

/** Normal numbers of He's standard deviation. */
export function kaimingNormal_(t: Tensor, options?: KaimingOptions): Tensor {
  const { generator, ...scaling } = checkOptions('kaimingNormal_', options, kaimingOptions)
  return normal_(t, 0, kaimingStd(t, scaling), { generator })
}
