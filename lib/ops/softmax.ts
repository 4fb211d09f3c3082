// Softmax, its logarithm and log-sum-exp, shifted by the maximum so that nothing overflows.
import { apply, isGradEnabled, noGrad, type Op } from '../autograd'
import { checkFloat, checkOptions, type OptionNames } from '../check'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { checkDim } from '../shape'
import { Tensor } from '../tensor'
import { add, mul, sub } from './arithmetic'
import { planReduction, type ReduceOptions, reducedCount, sum } from './broadcast'
import { eq } from './compare'
import { amax } from './reduce'
import { abs, exp, log } from './unary'
import { reshape } from './view'
import { where } from './where'

interface SoftmaxRule {
  forward: (x: Tensor, y: Tensor, dim: number) => void
  backward: (dy: Tensor, y: Tensor, dx: Tensor, dim: number) => void
  /** The gradient in ops, from the result y. */
  gradient: (dy: Tensor, y: Tensor, dim: number) => Tensor
}

export interface SoftmaxOptions {
  /** The dimension that adds up to 1. Default: the last. */
  dim?: number
}

export const softmaxOptions: OptionNames<SoftmaxOptions> = { dim: true }

function softmaxOp(name: string, rule: SoftmaxRule): (x: Tensor, options?: SoftmaxOptions) => Tensor {
  const op: Op<number> = {
    name,
    forward: (node, [input], dim) => {
      const x = input as Tensor
      const y = new Tensor(x.shape, x.dtype, x.device)
      rule.forward(x, y, dim)
      node.save(y)
      return y
    },
    backward: (node, dy) => {
      const [y] = node.saved
      const dim = node.attrs
      if (isGradEnabled()) return [rule.gradient(dy, y, dim)]
      const dx = new Tensor(y.shape, y.dtype, y.device)
      rule.backward(dy, y, dx, dim)
      return [dx]
    },
  }
  return (x, options) => {
    checkFloat(name, 'x', x)
    return apply(op, [x], checkDim(name, checkOptions(name, options, softmaxOptions).dim ?? -1, x.ndim))
  }
}

/** eˣ / Σ eˣ along `dim`. */
export const softmax = softmaxOp('softmax', {
  forward: kernels.softmax,
  backward: kernels.softmaxBackward,
  gradient: (dy, y, dim) => mul(y, sub(dy, sum(mul(dy, y), { dim, keepdim: true }))),
})

/** x − log Σ eˣ along `dim`: the logarithm of softmax, without its rounding. */
export const logSoftmax = softmaxOp('logSoftmax', {
  forward: kernels.logSoftmax,
  backward: kernels.logSoftmaxBackward,
  gradient: (dy, y, dim) => sub(dy, mul(exp(y), sum(dy, { dim, keepdim: true }))),
})

/** log Σ eˣ along `dim` (all dims by default); −∞ over no elements. */
export function logsumexp(x: Tensor, options?: ReduceOptions): Tensor {
  const plan = planReduction('logsumexp', checkFloat('logsumexp', 'x', x), options)
  const dim = plan.dims
  const keepdim = options?.keepdim
  if (reducedCount(plan) === 0) return log(sum(exp(x), { dim, keepdim }))
  // The shift is a constant to the gradient; where the maximum is infinite, nothing may be subtracted from it.
  const shift = noGrad(() => {
    const top = amax(x, { dim, keepdim: true })
    return where(eq(abs(top), Infinity), 0, top)
  })
  return add(log(sum(exp(sub(x, shift)), { dim, keepdim })), reshape(shift, plan.shape))
}

declare module '../tensor' {
  interface Tensor {
    softmax(options?: SoftmaxOptions): Tensor
    logSoftmax(options?: SoftmaxOptions): Tensor
    logsumexp(options?: ReduceOptions): Tensor
  }
}

addMethods({ softmax, logSoftmax, logsumexp })
