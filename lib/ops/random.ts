// Random numbers from a counter-based generator (Philox4x32-10, Salmon et al. 2011): a seed and a position in its
// stream. Numbers depend on these two and the shape alone, never on threads, so a saved state resumes exactly.
import { randomBytes } from 'node:crypto'
import type { Philox } from '../block'
import { checkFloat, checkOptions, checkTensor, type OptionNames } from '../check'
import { checkDevice, type DeviceLike } from '../device'
import { checkDType, type DType, isFloat } from '../dtype'
import { ArgumentError, DTypeError, FormatError, show } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { checkInteger, checkNumber, checkShape } from '../shape'
import { type Shape, Tensor } from '../tensor'
import { checkInPlace } from './copy'
import { type TensorOptions, tensorOptions } from './create'

/** Where a generator stands, as plain data for JSON. */
export interface GeneratorState {
  /** The seed, an unsigned 64-bit integer in decimal digits. */
  seed: string
  /** Blocks of four 32-bit words drawn so far. */
  offset: number
}

/** A source of random numbers. Equal seeds give equal numbers. */
export class Generator {
  private currentSeed: bigint
  private offset = 0

  /** Without a seed, one is taken from the system's entropy. */
  constructor(seed?: number | bigint) {
    this.currentSeed = seed === undefined ? randomBytes(8).readBigUInt64LE() : checkSeed('Generator', seed)
  }

  get seed(): bigint {
    return this.currentSeed
  }

  /** Starts the stream of `seed` from its beginning. */
  manualSeed(seed: number | bigint): this {
    this.currentSeed = checkSeed('manualSeed', seed)
    this.offset = 0
    return this
  }

  getState(): GeneratorState {
    return { seed: String(this.currentSeed), offset: this.offset }
  }

  /** Continues where `state` was taken. */
  setState(state: GeneratorState): this {
    const { seed, offset } = (state ?? {}) as GeneratorState
    const isSeed = typeof seed === 'string' && /^\d{1,20}$/.test(seed) && BigInt(seed) < 2n ** 64n
    if (!isSeed || !Number.isSafeInteger(offset) || offset < 0) {
      throw new FormatError(`setState: expected { seed: '…', offset }, as getState gives, got ${show(state)}`)
    }
    this.currentSeed = BigInt(seed)
    this.offset = offset
    return this
  }

  /** @internal Reserves `words` words of 32 bits, in whole blocks of four, and returns where they begin. */
  draw(words: number): Philox {
    const position = { seed: this.currentSeed, offset: this.offset }
    this.offset += Math.ceil(words / 4)
    return position
  }
}

function checkSeed(op: string, seed: unknown): bigint {
  const isWhole = typeof seed === 'bigint' || (typeof seed === 'number' && Number.isSafeInteger(seed))
  if (!isWhole) throw new ArgumentError(`${op}: expected a seed that is an integer or a bigint, got ${show(seed)}`)
  return BigInt.asUintN(64, BigInt(seed))
}

/** What draws when no generator is given. */
export const defaultGenerator = new Generator()

/** Seeds the default generator. */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator.manualSeed(seed)
}

/** The default generator's state. */
export function getRngState(): GeneratorState {
  return defaultGenerator.getState()
}

/** Continues the default generator where `state` was taken. */
export function setRngState(state: GeneratorState): void {
  defaultGenerator.setState(state)
}

export interface GeneratorOption {
  /** Default: the default generator. */
  generator?: Generator
}

export interface RandomOptions extends TensorOptions, GeneratorOption {}

export const generatorOption: OptionNames<GeneratorOption> = { generator: true }
const randomOptions: OptionNames<RandomOptions> = { ...tensorOptions, ...generatorOption }

/** @internal Reserves `words` words of the generator that `options` name: see nr_philox in native/backend.h. */
export function draw(op: string, options: GeneratorOption, words: number): Philox {
  const generator = options.generator ?? defaultGenerator
  if (generator instanceof Generator) return generator.draw(words)
  throw new ArgumentError(`${op}: expected generator to be a Generator, got ${show(generator)}`)
}

/** Words that the floating fills take for all elements of y. */
function floatWords(y: Tensor): number {
  return y.dtype === 'float64' ? 2 * y.numel : y.numel
}

/** A tensor of `natural` dtype, unless the options say otherwise, that a kernel is about to fill. */
function blank(op: string, shape: Shape, natural: DType, options: RandomOptions): Tensor {
  const dtype = checkDType(op, options.dtype ?? natural)
  return new Tensor([...checkShape(op, shape)], dtype, checkDevice(op, options.device))
}

function blankFloat(op: string, shape: Shape, options: RandomOptions): Tensor {
  const y = blank(op, shape, 'float32', options)
  if (isFloat(y.dtype)) return y
  throw new DTypeError(`${op}: expected a floating dtype, got ${y.dtype}`)
}

/** Uniform numbers in [0, 1). */
export function rand(shape: Shape, options?: RandomOptions): Tensor {
  const given = checkOptions('rand', options, randomOptions)
  const y = blankFloat('rand', shape, given)
  kernels.uniform(y, 0, 1, draw('rand', given, floatWords(y)))
  return y.setRequiresGrad(given.requiresGrad ?? false)
}

/** Normal numbers of mean 0 and variance 1. */
export function randn(shape: Shape, options?: RandomOptions): Tensor {
  const given = checkOptions('randn', options, randomOptions)
  const y = blankFloat('randn', shape, given)
  kernels.normal(y, 0, 1, draw('randn', given, floatWords(y)))
  return y.setRequiresGrad(given.requiresGrad ?? false)
}

/** Uniform integers in [low, high), int64 by default. */
export function randint(low: number, high: number, shape: Shape, options?: RandomOptions): Tensor {
  checkInteger('randint', 'low', low, Number.MIN_SAFE_INTEGER)
  checkInteger('randint', 'high', high, low + 1)
  const given = checkOptions('randint', options, randomOptions)
  const y = blank('randint', shape, 'int64', given)
  if (y.dtype === 'bool') throw new DTypeError('randint: expected an integer or floating dtype, got bool')
  kernels.randint(y, low, high, draw('randint', given, 2 * y.numel))
  return y.setRequiresGrad(given.requiresGrad ?? false)
}

export interface PermutationOptions extends GeneratorOption {
  /** Default: `getDefaultDevice()`. */
  device?: DeviceLike
}

const permutationOptions: OptionNames<PermutationOptions> = { ...generatorOption, device: true }

/** The integers 0 … n − 1 in random order, int64. */
export function randperm(n: number, options?: PermutationOptions): Tensor {
  const given = checkOptions('randperm', options, permutationOptions)
  const y = new Tensor([checkInteger('randperm', 'n', n, 0)], 'int64', checkDevice('randperm', given.device))
  kernels.randperm(y, draw('randperm', given, 2 * n))
  return y
}

/**
 * 1 with the probability that `p` holds for each element, else 0; of p's dtype. No gradient flows. A probability
 * outside [0, 1] surfaces at the next await, as VALUE_OUT_OF_RANGE.
 */
export function bernoulli(p: Tensor, options?: GeneratorOption): Tensor {
  const y = new Tensor(checkFloat('bernoulli', 'p', p).shape, p.dtype, p.device)
  kernels.bernoulli(p, y, draw('bernoulli', checkOptions('bernoulli', options, generatorOption), y.numel))
  return y
}

/** `options` with x's dtype and device where they name none. */
function like(op: string, x: Tensor, options?: RandomOptions): RandomOptions {
  return { dtype: checkTensor(op, 'x', x).dtype, device: x.device, ...checkOptions(op, options, randomOptions) }
}

/** Uniform numbers in [0, 1) of x's shape and dtype. */
export function randLike(x: Tensor, options?: RandomOptions): Tensor {
  return rand(checkTensor('randLike', 'x', x).shape, like('randLike', x, options))
}

/** Normal numbers of x's shape and dtype. */
export function randnLike(x: Tensor, options?: RandomOptions): Tensor {
  return randn(checkTensor('randnLike', 'x', x).shape, like('randnLike', x, options))
}

/** Uniform integers in [low, high) of x's shape and dtype. */
export function randintLike(x: Tensor, low: number, high: number, options?: RandomOptions): Tensor {
  return randint(low, high, checkTensor('randintLike', 'x', x).shape, like('randintLike', x, options))
}

/** Overwrites x with uniform numbers in [low, high). Returns x. */
export function uniformInPlace(x: Tensor, low = 0, high = 1, options?: GeneratorOption): Tensor {
  checkFloat('uniform_', 'x', checkInPlace('uniform_', x))
  checkNumber('uniform_', 'low', low, -Number.MAX_VALUE, Number.MAX_VALUE)
  checkNumber('uniform_', 'high', high, low, Number.MAX_VALUE)
  kernels.uniform(x, low, high, draw('uniform_', checkOptions('uniform_', options, generatorOption), floatWords(x)))
  x.bumpVersion()
  return x
}

/** Overwrites x with normal numbers of the given mean and standard deviation. Returns x. */
export function normalInPlace(x: Tensor, mean = 0, std = 1, options?: GeneratorOption): Tensor {
  checkFloat('normal_', 'x', checkInPlace('normal_', x))
  checkNumber('normal_', 'mean', mean, -Number.MAX_VALUE, Number.MAX_VALUE)
  checkNumber('normal_', 'std', std, 0, Number.MAX_VALUE)
  kernels.normal(x, mean, std, draw('normal_', checkOptions('normal_', options, generatorOption), floatWords(x)))
  x.bumpVersion()
  return x
}

declare module '../tensor' {
  interface Tensor {
    bernoulli(options?: GeneratorOption): Tensor
    uniform_(low?: number, high?: number, options?: GeneratorOption): Tensor
    normal_(mean?: number, std?: number, options?: GeneratorOption): Tensor
  }
}

addMethods({ bernoulli, uniform_: uniformInPlace, normal_: normalInPlace })
