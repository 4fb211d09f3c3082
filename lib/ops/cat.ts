// Joining and repeating. The gradient of a joined part is the matching slice of the gradient.
import { apply, type Op } from '../autograd'
import { checkTensor } from '../check'
import { promoteTypes } from '../dtype'
import { ArgumentError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { checkDim, checkShape } from '../shape'
import { type Shape, Tensor } from '../tensor'
import { expand } from './broadcast'
import { to } from './copy'
import { narrow } from './slice'
import { reshape, unsqueeze } from './view'

interface Cat {
  dim: number
  shape: Shape
  /** Length of each part along `dim`. */
  lengths: readonly number[]
}

const catOp: Op<Cat> = {
  name: 'cat',
  forward: (_node, inputs, { dim, shape }) => {
    const parts = inputs as readonly Tensor[]
    const y = new Tensor(shape, parts[0].dtype, parts[0].device)
    kernels.cat(parts, y, dim)
    return y
  },
  backward: (node, dy) => {
    const { dim, lengths } = node.attrs
    let start = 0
    return lengths.map((length, i) => {
      start += length
      return node.needs(i) ? narrow(dy, dim, start - length, length) : null
    })
  },
}

function checkList(op: string, tensors: unknown): readonly Tensor[] {
  if (!Array.isArray(tensors) || tensors.length === 0) {
    throw new ArgumentError(`${op}: expected an array of at least one tensor, got ${show(tensors)}`)
  }
  tensors.forEach((t, i) => checkTensor(op, `tensors[${i}]`, t))
  return tensors as Tensor[]
}

/**
 * Joins tensors along the existing dimension `dim`; all other sizes agree. Different dtypes meet in the promoted one.
 *
 * @throws ShapeError for sizes that differ elsewhere, ArgumentError for an empty list.
 */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  const [first, ...rest] = checkList('cat', tensors)
  if (first.ndim === 0) throw new ShapeError('cat: expected at least 1 dimension, got []; use stack')
  const at = checkDim('cat', dim, first.ndim)
  for (const t of rest) {
    if (t.ndim !== first.ndim || t.shape.some((n, d) => d !== at && n !== first.shape[d])) {
      throw new ShapeError(
        `cat: expected sizes that agree in every dim but ${at}, got ${show(first.shape)} and ${show(t.shape)}`,
      )
    }
  }
  const dtype = tensors.reduce((met, t) => promoteTypes(met, t.dtype), first.dtype)
  const lengths = tensors.map((t) => t.shape[at])
  const length = lengths.reduce((a, b) => a + b, 0)
  return apply(
    catOp,
    tensors.map((t) => to(t, dtype)),
    { dim: at, lengths, shape: first.shape.map((n, d) => (d === at ? length : n)) },
  )
}

/** Joins tensors of one shape along a new dimension `dim`. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  const [first, ...rest] = checkList('stack', tensors)
  const at = checkDim('stack', dim, first.ndim + 1)
  for (const t of rest) {
    if (t.ndim !== first.ndim || t.shape.some((n, d) => n !== first.shape[d])) {
      throw new ShapeError(
        `stack: expected tensors of one shape, got ${show(first.shape)} and ${show(t.shape)}`,
      )
    }
  }
  return cat(
    tensors.map((t) => unsqueeze(t, at)),
    at,
  )
}

/**
 * Lays `counts[d]` copies of x side by side along each dimension d; leading counts without a dimension add new ones.
 */
export function repeat(x: Tensor, counts: readonly number[]): Tensor {
  const ahead = checkShape('repeat', counts).length - checkTensor('repeat', 'x', x).ndim
  if (ahead < 0) throw new ShapeError(`repeat: expected a count for each of the ${x.ndim} dims, got ${show(counts)}`)
  // [n] is seen as [1, n], expanded to [count, n] and joined to [count · n].
  const sizes = counts.map((_, d) => (d < ahead ? 1 : x.shape[d - ahead]))
  const single = sizes.flatMap((n, d) => (counts[d] === 1 || n === 1 ? [n] : [1, n]))
  const spread = sizes.flatMap((n, d) => (counts[d] === 1 ? [n] : n === 1 ? [counts[d]] : [counts[d], n]))
  if (spread.length > 8) {
    throw new ShapeError(`repeat: expected dims and repeated dims to be 8 at most, got ${spread.length}`)
  }
  return reshape(
    expand(reshape(x, single), spread),
    counts.map((count, d) => count * sizes[d]),
  )
}

declare module '../tensor' {
  interface Tensor {
    repeat(counts: readonly number[]): Tensor
  }
}

addMethods({ repeat })
