// Limits on gradients, between backward and step.
import { noGrad } from '../autograd'
import { checkOptions } from '../check'
import { ArgumentError, show } from '../errors'
import { add, div, mulInPlace } from '../ops/arithmetic'
import { maximum, pow } from '../ops/binary'
import { sum } from '../ops/broadcast'
import { clamp } from '../ops/clamp'
import { copyInPlace, to } from '../ops/copy'
import { zeros } from '../ops/create'
import { amax } from '../ops/reduce'
import { abs, sqrt, square } from '../ops/unary'
import { checkNumber } from '../shape'
import { Tensor } from '../tensor'

function gradientsOf(op: string, params: Iterable<Tensor> | Tensor): Tensor[] {
  if (params === null || typeof params !== 'object' || !(params instanceof Tensor || Symbol.iterator in params)) {
    throw new ArgumentError(`${op}: expected parameters, got ${show(params)}`)
  }
  const list = params instanceof Tensor ? [params] : [...params]
  const wrong = list.find((p) => !(p instanceof Tensor))
  if (wrong !== undefined) throw new ArgumentError(`${op}: expected parameters, got ${show(wrong)}`)
  return list.flatMap(({ grad }) => (grad === null ? [] : [grad]))
}

/**
 * Scales all gradients by one factor so that their norm, taken together, is at most `maxNorm`; smaller gradients stay
 * as they are (Pascanu et al. 2013). Returns the norm before, as a tensor without dims: nothing waits for its value.
 *
 * @param options.normType The p of the norm, Infinity for the largest absolute value. Default 2.
 */
export function clipGradNorm(
  params: Iterable<Tensor> | Tensor,
  maxNorm: number,
  options?: { normType?: number },
): Tensor {
  const op = 'clipGradNorm'
  checkNumber(op, 'maxNorm', maxNorm, 0)
  const { normType = 2 } = checkOptions(op, options, { normType: true })
  const p = checkNumber(op, 'normType', normType, Number.MIN_VALUE)
  const gradients = gradientsOf(op, params)
  return noGrad(() => {
    if (gradients.length === 0) return zeros([])
    const norm = totalNorm(gradients, p)
    const factor = clamp(div(maxNorm, add(norm, 1e-6)), { max: 1 })
    for (const g of gradients) mulInPlace(g, to(to(factor, g.dtype), g.device))
    return norm
  })
}

function totalNorm(gradients: readonly Tensor[], p: number): Tensor {
  const { device } = gradients[0]
  if (p === Infinity) return gradients.map((g) => to(amax(abs(g)), device)).reduce((a, b) => maximum(a, b))
  const powers = gradients.map((g) => to(sum(p === 2 ? square(g) : pow(abs(g), p)), device))
  const total = powers.reduce((a, b) => add(a, b))
  return p === 2 ? sqrt(total) : pow(total, 1 / p)
}

/** Limits every element of the gradients to [−clipValue, clipValue]. */
export function clipGradValue(params: Iterable<Tensor> | Tensor, clipValue: number): void {
  checkNumber('clipGradValue', 'clipValue', clipValue, 0)
  const gradients = gradientsOf('clipGradValue', params)
  noGrad(() => {
    for (const g of gradients) copyInPlace(g, clamp(g, { min: -clipValue, max: clipValue }))
  })
}
