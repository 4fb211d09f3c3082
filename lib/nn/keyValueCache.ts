// The keys and values that a decoder has seen, in memory that is there from the start: a step appends its own and
// attends to all, and nothing is copied but what is new.
import { noGrad } from '../autograd'
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { ArgumentError, DTypeError, ShapeError, show } from '../errors'
import { copyInPlace } from '../ops/copy'
import { zeros } from '../ops/create'
import { narrow } from '../ops/slice'
import { checkInteger } from '../shape'
import type { Tensor } from '../tensor'
import { type Factory, factoryOptions } from './factory'

export interface KeyValueCacheOptions extends Factory {
  /** Elements of a value. Default: as many as of a key. */
  valueDepth?: number
}

const cacheOptions: OptionNames<KeyValueCacheOptions> = { ...factoryOptions, valueDepth: true }

/**
 * Room for the keys [batch, heads, capacity, depth] and values of one attention layer.
 *
 *     const cache = new nn.KeyValueCache(1, 8, 1024, 64)
 *     const [keys, values] = cache.append(k, v) // of the new positions, T of them
 *     const y = scaledDotProductAttention(q, keys, values, { isCausal: true, causalDiagonal: cache.length - T })
 */
export class KeyValueCache {
  private readonly keys: Tensor
  private readonly values: Tensor
  private used = 0

  constructor(
    readonly batch: number,
    readonly heads: number,
    readonly capacity: number,
    readonly depth: number,
    options?: KeyValueCacheOptions,
  ) {
    const { valueDepth = depth, dtype, device } = checkOptions('KeyValueCache', options, cacheOptions)
    const sizes = { batch, heads, capacity, depth, valueDepth }
    for (const [name, size] of Object.entries(sizes)) checkInteger('KeyValueCache', name, size, 0)
    this.keys = zeros([batch, heads, capacity, depth], { dtype, device })
    this.values = zeros([batch, heads, capacity, valueDepth], { dtype, device })
  }

  /** How many positions are held. */
  get length(): number {
    return this.used
  }

  /**
   * Adds keys k [batch, heads, T, depth] and values v behind those held, and returns all that are held: views
   * [batch, heads, length, depth] of the cache, outside the graph.
   *
   * @throws ArgumentError when they do not fit.
   */
  append(k: Tensor, v: Tensor): [Tensor, Tensor] {
    const count = checkTensor('append', 'k', k).shape[2]
    checkPart('k', k, this.keys, count)
    checkPart('v', checkTensor('append', 'v', v), this.values, count)
    if (this.used + count > this.capacity) {
      throw new ArgumentError(
        `append: expected at most ${this.capacity - this.used} more positions in a cache of ${this.capacity}, ` +
          `got ${count}`,
      )
    }
    noGrad(() => {
      copyInPlace(narrow(this.keys, 2, this.used, count), k)
      copyInPlace(narrow(this.values, 2, this.used, count), v)
    })
    this.used += count
    return [this.held(this.keys), this.held(this.values)]
  }

  /** Forgets all positions from `length` on: 0 starts anew. */
  truncate(length = 0): void {
    this.used = checkInteger('truncate', 'length', length, 0, this.used)
  }

  private held(all: Tensor): Tensor {
    return narrow(all, 2, 0, this.used)
  }
}

function checkPart(name: string, part: Tensor, all: Tensor, count: number): void {
  const [batch, heads, , depth] = all.shape
  if (part.dtype !== all.dtype) throw new DTypeError(`append: expected ${name} to be ${all.dtype}, got ${part.dtype}`)
  const isRight = part.ndim === 4 && part.shape.every((n, d) => n === [batch, heads, count, depth][d])
  if (isRight) return
  throw new ShapeError(`append: expected ${name} [${batch}, ${heads}, T, ${depth}], got ${show(part.shape)}`)
}
