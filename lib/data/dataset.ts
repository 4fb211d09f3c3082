// Where examples come from: anything with a length and a way to get one.
import { noGrad } from '../autograd'
import { checkTensor } from '../check'
import { ArgumentError, ShapeError, show } from '../errors'
import { to } from '../ops/copy'
import { tensor } from '../ops/create'
import { indexSelect } from '../ops/indexing'
import { select } from '../ops/slice'
import { checkInteger } from '../shape'
import { Tensor } from '../tensor'

export interface Dataset<Item> {
  /** Number of examples. */
  readonly length: number
  /** Example `i` of 0 … length − 1. */
  get(i: number): Item | Promise<Item>
  /** Several examples as one batch, for datasets that have a faster way than one by one. */
  getBatch?(indices: readonly number[]): unknown
}

/** Tensors by name that run along their first dimension: example `i` is the i-th element of each. */
export class TensorDataset<T extends Readonly<Record<string, Tensor>>> implements Dataset<T> {
  readonly length: number

  /** @throws ShapeError unless all tensors have the same first size. */
  constructor(readonly tensors: T) {
    const entries = isRecord(tensors) ? Object.entries(tensors) : []
    if (entries.length === 0) {
      throw new ArgumentError(`TensorDataset: expected an object of tensors by name, got ${show(tensors)}`)
    }
    const sizes = entries.map(([name, t]) => checkTensor('TensorDataset', show(name), t).shape[0])
    if (sizes.some((n) => n === undefined || n !== sizes[0])) {
      const shapes = entries.map(([name, t]) => `${name} [${t.shape.join(', ')}]`).join(', ')
      throw new ShapeError(`TensorDataset: expected tensors with one first size, got ${shapes}`)
    }
    this.length = sizes[0]
  }

  get(i: number): T {
    checkInteger('TensorDataset.get', 'i', i, 0, this.length - 1)
    return this.map((t) => select(t, 0, i))
  }

  getBatch(indices: readonly number[]): T {
    const index = tensor(Int32Array.from(indices), { device: 'cpu' })
    const batch = this.map((t) => indexSelect(t, 0, to(index, t.device)))
    index.dispose()
    return batch
  }

  private map(fn: (t: Tensor) => Tensor): T {
    return noGrad(() => Object.fromEntries(Object.entries(this.tensors).map(([name, t]) => [name, fn(t)]))) as T
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Tensor)
}

/** A dataset as it is, or one made of tensors by name. */
export function checkDataset<Item>(op: string, source: unknown): Dataset<Item> {
  if (isRecord(source)) {
    if (typeof source.get === 'function') {
      checkInteger(op, 'dataset.length', source.length, 0)
      return source as unknown as Dataset<Item>
    }
    if (Object.values(source).every((t) => t instanceof Tensor)) {
      return new TensorDataset(source as Record<string, Tensor>) as unknown as Dataset<Item>
    }
  }
  throw new ArgumentError(`${op}: expected a dataset { length, get(i) } or tensors by name, got ${show(source)}`)
}
