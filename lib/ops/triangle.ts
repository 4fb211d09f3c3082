// Lower and upper triangles of matrices.
import { apply, type Op } from '../autograd'
import { checkTensor } from '../check'
import { ShapeError } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { checkInteger } from '../shape'
import { Tensor } from '../tensor'

interface Triangle {
  diagonal: number
  upper: boolean
}

const triangleOp: Op<Triangle> = {
  name: 'triangle',
  forward: (_node, [input], { diagonal, upper }) => {
    const x = input as Tensor
    const y = new Tensor(x.shape, x.dtype, x.device)
    kernels.triangle(x, y, diagonal, upper)
    return y
  },
  backward: (node, dy) => [apply(triangleOp, [dy], node.attrs)],
}

function triangle(op: string, x: Tensor, diagonal: number, upper: boolean): Tensor {
  if (checkTensor(op, 'x', x).ndim < 2) {
    throw new ShapeError(`${op}: expected at least 2 dimensions, got [${x.shape.join(', ')}]`)
  }
  const limit = Number.MAX_SAFE_INTEGER
  return apply(triangleOp, [x], { diagonal: checkInteger(op, 'diagonal', diagonal, -limit, limit), upper })
}

/** The elements of each matrix [..., M, N] on and below `diagonal` (0 the main one, 1 the next above), else zeros. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return triangle('tril', x, diagonal, false)
}

/** The elements of each matrix [..., M, N] on and above `diagonal`, else zeros. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return triangle('triu', x, diagonal, true)
}

declare module '../tensor' {
  interface Tensor {
    tril(diagonal?: number): Tensor
    triu(diagonal?: number): Tensor
  }
}

addMethods({ tril, triu })
