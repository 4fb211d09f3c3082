// Matrix products. The kernel transposes by reading differently, so gradients need no transposed copies.
import { apply, type Op } from '../autograd'
import { checkTensor } from '../check'
import { promoteTypes } from '../dtype'
import { DTypeError, ShapeError } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { broadcastShapes } from '../shape'
import { type Shape, Tensor } from '../tensor'
import { sumTo } from './broadcast'
import { to } from './copy'
import { reshape, squeeze, unsqueeze } from './view'

interface MatMul {
  transposeA: boolean
  transposeB: boolean
  a: Shape
  b: Shape
}

const matmulOp: Op<MatMul> = {
  name: 'matmul',
  forward: (node, [left, right], { transposeA, transposeB }) => {
    const a = left as Tensor
    const b = right as Tensor
    const rows = a.shape[a.ndim - (transposeA ? 1 : 2)]
    const columns = b.shape[b.ndim - (transposeB ? 2 : 1)]
    const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2))
    const y = new Tensor([...batch, rows, columns], a.dtype, a.device)
    kernels.matmul(a, b, null, null, y, null, transposeA, transposeB, 0)
    node.save(node.records(1) ? a : null, node.records(0) ? b : null)
    return y
  },
  backward: (node, dy) => {
    const [a, b] = node.saved
    const { transposeA: ta, transposeB: tb } = node.attrs
    const da = () => (ta ? product(b, dy, tb, true) : product(dy, b, false, !tb))
    const db = () => (tb ? product(dy, a, true, ta) : product(a, dy, !ta, false))
    return [
      node.needs(0) ? sumTo(da(), node.attrs.a) : null,
      node.needs(1) ? sumTo(db(), node.attrs.b) : null,
    ]
  },
}

/** a·b, each of them transposed if asked for, without the checks and promotions of `matmul`. */
export function product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  return apply(matmulOp, [a, b], { transposeA, transposeB, a: a.shape, b: b.shape })
}

function checkInner(op: string, a: Tensor, b: Tensor, inner: number, otherInner: number): void {
  if (inner === otherInner) return
  throw new ShapeError(
    `${op}: expected inner sizes that agree, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
  )
}

/**
 * Matrix product of a [..., M, K] and b [..., K, N]; leading dimensions broadcast. A vector counts as a row on the left
 * and as a column on the right, and its dimension is dropped from the result.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  checkTensor('matmul', 'a', a)
  checkTensor('matmul', 'b', b)
  if (a.ndim === 0 || b.ndim === 0) {
    throw new ShapeError(
      `matmul: expected at least 1 dimension, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
    )
  }
  if (a.dtype === 'bool' || b.dtype === 'bool') throw new DTypeError('matmul: expected numbers, got bool')
  const dtype = promoteTypes(a.dtype, b.dtype)
  const left = to(a.ndim === 1 ? unsqueeze(a, 0) : a, dtype)
  const right = to(b.ndim === 1 ? unsqueeze(b, 1) : b, dtype)
  const [rows, inner] = left.shape.slice(-2)
  checkInner('matmul', a, b, inner, right.shape[right.ndim - 2])
  const batch = left.shape.slice(0, -2)
  // Many rows times one matrix is one product.
  const folded = left.ndim > 2 && right.ndim === 2
  const y = folded
    ? reshape(product(reshape(left, [batch.reduce((m, n) => m * n, rows), inner]), right, false, false), [
        ...batch,
        rows,
        right.shape[1],
      ])
    : product(left, right, false, false)
  const dropped = a.ndim === 1 ? squeeze(y, y.ndim - 2) : y
  return b.ndim === 1 ? squeeze(dropped, dropped.ndim - 1) : dropped
}

declare module '../tensor' {
  interface Tensor {
    matmul(b: Tensor): Tensor
  }
}

addMethods({ matmul })
