// Comparisons and logic, element by element with broadcasting; results are bool and carry no gradient.
import type { Input } from '../autograd'
import type { Operand } from '../block'
import { checkTensor } from '../check'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { Tensor } from '../tensor'
import { broadcastOperands, operand, promoteOperands } from './arithmetic'

function comparison(name: string, kernel: (a: Operand, b: Operand, y: Tensor) => void): (a: Input, b: Input) => Tensor {
  return (a, b) => {
    const dtype = promoteOperands(name, a, b)
    const y = new Tensor(broadcastOperands(name, a, b), 'bool', (a instanceof Tensor ? a : (b as Tensor)).device)
    kernel(operand(a, dtype), operand(b, dtype), y)
    return y
  }
}

export const eq = comparison('eq', kernels.eq)
export const ne = comparison('ne', kernels.ne)
export const lt = comparison('lt', kernels.lt)
export const le = comparison('le', kernels.le)
export const gt = comparison('gt', kernels.gt)
export const ge = comparison('ge', kernels.ge)
/** True where both are non-zero. */
export const logicalAnd = comparison('logicalAnd', kernels.logicalAnd)
/** True where either is non-zero. */
export const logicalOr = comparison('logicalOr', kernels.logicalOr)
/** True where exactly one is non-zero. */
export const logicalXor = comparison('logicalXor', kernels.logicalXor)

function predicate(name: string, kernel: (x: Tensor, y: Tensor) => void): (x: Tensor) => Tensor {
  return (x) => {
    const y = new Tensor(checkTensor(name, 'x', x).shape, 'bool', x.device)
    kernel(x, y)
    return y
  }
}

/** True where x is zero. */
export const logicalNot = predicate('logicalNot', kernels.logicalNot)
/** True where x is not a number. */
export const isnan = predicate('isnan', kernels.isnan)

declare module '../tensor' {
  interface Tensor {
    eq(y: Input): Tensor
    ne(y: Input): Tensor
    lt(y: Input): Tensor
    le(y: Input): Tensor
    gt(y: Input): Tensor
    ge(y: Input): Tensor
    logicalAnd(y: Input): Tensor
    logicalOr(y: Input): Tensor
    logicalXor(y: Input): Tensor
    logicalNot(): Tensor
    isnan(): Tensor
  }
}

addMethods({ eq, ne, lt, le, gt, ge, logicalAnd, logicalOr, logicalXor, logicalNot, isnan })
