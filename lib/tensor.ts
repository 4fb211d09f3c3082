// A tensor: a small object that names native memory by an id, with the shape and strides that JavaScript reasons about.
// Methods that compute are added to this class by the files of lib/ops, each next to its op.
import { inspect } from 'node:util'
import { type Device, getDefaultDevice } from './device'
import { dtypes, type DType } from './dtype'
import { AutogradError, checkFunction } from './errors'
import { finish, native } from './native'
import { remember } from './scope'
import type { Node } from './autograd'

export type Shape = readonly number[]

/** Runs with the gradient of a tensor as soon as it is complete; a returned tensor replaces it. */
export type TensorHook = (gradient: Tensor) => Tensor | void

const disposed = -1

export class Tensor {
  /** Native id: 0 until memory is allocated, -1 once disposed. */
  id = 0
  readonly shape: Shape
  readonly dtype: DType
  readonly device: Device
  /** Gradient of the last `backward`, for leaves that require one. */
  grad: Tensor | null = null
  /** The operation that made this tensor, if it was recorded. */
  node: Node | null = null
  /** Which output of `node` this is. */
  outputIndex = 0
  /** The tensor whose memory this one is a view of. */
  base: Tensor | null = null
  /** @internal Whether views of this memory were made. */
  isViewed = false
  /** @internal What accumulates this leaf's gradient. */
  accumulator: Node | null = null
  /** @internal */
  hooks: TensorHook[] | null = null
  /** @internal Whether this tensor's gradient is kept although it is no leaf. */
  keepsGrad = false
  /** @internal Whether scopes leave this tensor alone. */
  isKept = false
  /** Element strides, or null while they are the contiguous ones. */
  private ownStrides: Shape | null = null
  private wantsGrad = false
  private writes = 0

  /** A tensor that a kernel is about to fill. Users make tensors with `tensor()`, `zeros()` … */
  constructor(shape: Shape, dtype: DType, device: Device = getDefaultDevice()) {
    this.shape = shape
    this.dtype = dtype
    this.device = device
    remember(this)
  }

  get ndim(): number {
    return this.shape.length
  }

  /** Number of elements. */
  get numel(): number {
    return numelOf(this.shape)
  }

  /** How many elements to step for the next index of each dimension. */
  get strides(): Shape {
    return this.ownStrides ?? contiguousStrides(this.shape)
  }

  /** True if the elements lie one after the other in row-major order. */
  get isContiguous(): boolean {
    if (this.ownStrides === null) return true
    const expected = contiguousStrides(this.shape)
    return this.shape.every((n, d) => n === 1 || this.ownStrides![d] === expected[d]) || this.numel === 0
  }

  /** Bytes of the elements of this tensor (a view counts its own). */
  get bytes(): number {
    return this.numel * dtypes[this.dtype].size
  }

  get isDisposed(): boolean {
    return this.id === disposed
  }

  /** True if gradients flow to or through this tensor. */
  get requiresGrad(): boolean {
    return this.wantsGrad || this.node !== null
  }

  set requiresGrad(value: boolean) {
    this.setRequiresGrad(value)
  }

  /** Switches gradients of a leaf on or off; returns the tensor. */
  setRequiresGrad(value = true): this {
    if (this.node !== null) {
      if (value) return this
      throw new AutogradError('requiresGrad: expected a leaf, got the result of an op; use detach()')
    }
    if (value && dtypes[this.dtype].kind !== 'float') {
      throw new AutogradError(`requiresGrad: expected a floating dtype, got ${this.dtype}`)
    }
    this.wantsGrad = value
    return this
  }

  /** True if this tensor was not made by a recorded op. */
  get isLeaf(): boolean {
    return this.node === null
  }

  /** Counts writes into this memory, so that a value saved for a gradient is not read after it changed. */
  get version(): number {
    return this.base === null ? this.writes : this.base.version
  }

  /** @internal */
  bumpVersion(): void {
    if (this.base === null) this.writes++
    else this.base.bumpVersion()
  }

  /** @internal */
  setStrides(strides: Shape): void {
    this.ownStrides = strides
  }

  /** Keeps the gradient of this intermediate tensor in `.grad`. */
  retainGrad(): this {
    if (!this.requiresGrad) throw new AutogradError('retainGrad: expected a tensor that requires grad')
    this.keepsGrad = true
    this.node?.watch(this)
    return this
  }

  /** Calls `hook` with this tensor's gradient whenever it is computed. Returns a function that removes the hook. */
  registerHook(hook: TensorHook): () => void {
    if (!this.requiresGrad) throw new AutogradError('registerHook: expected a tensor that requires grad')
    checkFunction('registerHook', 'hook', hook)
    const hooks = (this.hooks ??= [])
    this.node?.watch(this)
    hooks.push(hook)
    return () => {
      const at = hooks.indexOf(hook)
      if (at >= 0) hooks.splice(at, 1)
    }
  }

  /** Frees the memory now instead of at some garbage collection. The tensor must not be used afterwards. */
  dispose(): void {
    if (this.id > 0) finish(native.dispose(this.id))
    this.id = disposed
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  toString(): string {
    const grad = this.node !== null ? `, gradFn: ${this.node.op.name}` : this.wantsGrad ? ', requiresGrad' : ''
    const state = this.isDisposed ? ', disposed' : ''
    return `Tensor([${this.shape.join(', ')}], ${this.dtype}, ${this.device}${grad}${state})`
  }

  /** Shape, dtype, device and gradient function; values need `await t.toText()`, so that logging never blocks. */
  [inspect.custom](): string {
    return this.toString()
  }
}

export function numelOf(shape: Shape): number {
  let n = 1
  for (let d = 0; d < shape.length; d++) n *= shape[d]
  return n
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let d = 0; d < a.length; d++) if (a[d] !== b[d]) return false
  return true
}

export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = stride
    stride *= shape[d] || 1 // a tensor without elements has strides like any other
  }
  return strides
}

