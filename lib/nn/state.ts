// State dicts: tensors by name. The names are PyTorch's, so that weights load unchanged.
import { noGrad } from '../autograd'
import { ArgumentError, show, StateDictError } from '../errors'
import { copyInPlace } from '../ops/copy'
import { sameShape, Tensor } from '../tensor'

export type StateDict = Record<string, Tensor>

/** A property's name as PyTorch spells it: `runningMean` is `running_mean`, `weightIhL0` is `weight_ih_l0`. */
export function keyOf(property: string): string {
  return property.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, capital: string) => `${before}_${capital.toLowerCase()}`,
  )
}

export interface LoadReport {
  /** Names that were expected and not given. */
  missing: string[]
  /** Names that were given and not expected. */
  unexpected: string[]
}

/**
 * Copies `source` into the tensors of `target`, by name. Nothing is written if something does not fit.
 *
 * @throws StateDictError for a tensor of another shape and, if `strict`, for missing and unexpected names.
 */
export function loadState(op: string, target: StateDict, source: StateDict, strict: boolean): LoadReport {
  if (source === null || typeof source !== 'object') {
    throw new ArgumentError(`${op}: expected an object of tensors by name, got ${show(source)}`)
  }
  const missing = Object.keys(target).filter((key) => !Object.hasOwn(source, key))
  const unexpected = Object.keys(source).filter((key) => !Object.hasOwn(target, key))
  const shared = Object.keys(target).filter((key) => Object.hasOwn(source, key))
  const wrong = shared.map((key) => misfit(key, target[key], source[key])).filter((text) => text !== null)
  const problems = [...wrong]
  if (strict && missing.length > 0) problems.unshift(`missing: ${missing.join(', ')}`)
  if (strict && unexpected.length > 0) problems.unshift(`unexpected: ${unexpected.join(', ')}`)
  if (problems.length > 0) {
    throw new StateDictError(
      `${op}: expected the ${Object.keys(target).length} tensors of this module, got\n  ${problems.join('\n  ')}`,
    )
  }
  noGrad(() => {
    for (const key of shared) copyInPlace(target[key], source[key])
  })
  return { missing, unexpected }
}

function misfit(key: string, wanted: Tensor, given: unknown): string | null {
  if (!(given instanceof Tensor)) return `${key}: not a tensor but ${show(given)}`
  if (sameShape(given.shape, wanted.shape)) return null
  return `${key}: shape [${given.shape.join(', ')}] instead of [${wanted.shape.join(', ')}]`
}
