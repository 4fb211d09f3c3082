// Marks on tensors: which are learned, which are state that goes with a module. The marks lie beside the tensors, held
// weakly, so that every tensor keeps one memory layout and any object may hold them.
import { checkFloat, checkOptions, checkTensor } from '../check'
import { ArgumentError } from '../errors'
import { keep } from '../scope'
import type { Tensor } from '../tensor'

/** `transient` is a buffer that state dicts leave out. */
export type Role = 'parameter' | 'buffer' | 'transient'

const roles = new WeakMap<Tensor, Role>()

/** What a tensor is to the modules that hold it; undefined for a tensor that is nothing special. */
export function roleOf(t: Tensor): Role | undefined {
  return roles.get(t)
}

/** @internal */
export function mark(t: Tensor, role: Role): Tensor {
  roles.set(keep(t), role)
  return t
}

/**
 * Makes `t` a parameter: modules that hold it in a property list it, optimizers change it, scopes leave it alone.
 * Returns `t`, which requires a gradient from now on unless `requiresGrad` is false.
 *
 * @throws ArgumentError for the result of a recorded op, DTypeError for integers.
 */
export function parameter(t: Tensor, options?: { requiresGrad?: boolean }): Tensor {
  checkFloat('parameter', 't', t)
  const { requiresGrad = true } = checkOptions('parameter', options, { requiresGrad: true })
  if (!t.isLeaf)
    throw new ArgumentError(`parameter: expected a tensor without history, got ${t.toString()}; use detach()`)
  return mark(t.setRequiresGrad(requiresGrad), 'parameter')
}

/**
 * Makes `t` a buffer: state that is no parameter, such as running statistics. Modules move it and save it, unless
 * `persistent` is false. Returns `t`.
 */
export function buffer(t: Tensor, options?: { persistent?: boolean }): Tensor {
  if (checkTensor('buffer', 't', t).requiresGrad) {
    throw new ArgumentError(`buffer: expected a tensor without gradient, got ${t.toString()}; use detach()`)
  }
  const { persistent = true } = checkOptions('buffer', options, { persistent: true })
  return mark(t, persistent ? 'buffer' : 'transient')
}
