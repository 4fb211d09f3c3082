// Optimizer state in PyTorch's form: `state` by the parameter's position over all groups, `param_groups` with options
// and positions, all names in PyTorch's spelling.
import { noGrad } from '../autograd'
import type { Device } from '../device'
import { show, StateDictError } from '../errors'
import { keyOf } from '../nn/state'
import { clone, to } from '../ops/copy'
import { detach } from '../ops/view'
import { keep } from '../scope'
import { sameShape, Tensor } from '../tensor'
import type { ParameterState } from './batch'

type Group = { readonly params: readonly Tensor[] }

export interface OptimizerState {
  /** By position: `step` and the state tensors. A parameter that was never stepped has no entry. */
  state: Record<number, Record<string, number | Tensor>>
  /** Options of each group; `params` are positions. */
  param_groups: Record<string, unknown>[]
}

export function writeState(groups: readonly Group[], states: readonly ParameterState[][]): OptimizerState {
  const written: OptimizerState = { state: {}, param_groups: [] }
  let position = 0
  groups.forEach(({ params, ...options }, g) => {
    const positions = params.map((_, i) => position + i)
    states[g].forEach(({ step, tensors }, i) => {
      if (step === 0) return
      const shared = Object.entries(tensors).map(([name, t]) => [name, keep(detach(t))])
      written.state[position + i] = { step, ...(Object.fromEntries(shared) as Record<string, Tensor>) }
    })
    const named = Object.entries(options).map(([name, value]) => [keyOf(name), value])
    written.param_groups.push({ ...(Object.fromEntries(named) as object), params: positions })
    position += params.length
  })
  return written
}

/**
 * The options and states in `given`, with copies of its tensors where the parameters are; throws if they are not for
 * these groups.
 */
export function readState(
  op: string,
  given: OptimizerState,
  groups: readonly Group[],
): { options: Record<string, unknown>[]; states: ParameterState[][] } {
  const from = given?.param_groups
  if (
    !Array.isArray(from) ||
    from.length !== groups.length ||
    typeof given.state !== 'object' ||
    given.state === null
  ) {
    const got = Array.isArray(from) ? `${from.length}` : show(given)
    throw new StateDictError(`${op}: expected { state, param_groups } with ${groups.length} groups, got ${got}`)
  }
  const options = from.map((group, g) => readOptions(op, group, groups[g], g))
  const entries = groups.map(({ params }, g) => {
    const positions = from[g].params as number[]
    return params.map((p, i) => checkEntry(op, given.state[positions[i]] ?? {}, p, positions[i]))
  })
  const states = entries.map((group, g) => group.map((entry, i) => readEntry(entry, groups[g].params[i].device)))
  return { options, states }
}

function readOptions(
  op: string,
  group: Record<string, unknown>,
  { params, ...known }: Group,
  g: number,
): Record<string, unknown> {
  const positions = group?.params
  if (!Array.isArray(positions) || positions.length !== params.length) {
    const got = Array.isArray(positions) ? positions.length : show(positions)
    throw new StateDictError(`${op}: expected ${params.length} parameters in group ${g}, got ${got}`)
  }
  const names = Object.keys(known).filter((name) => Object.hasOwn(group, keyOf(name)))
  return Object.fromEntries(names.map((name) => [name, group[keyOf(name)]]))
}

type Entry = OptimizerState['state'][number]

function checkEntry(op: string, entry: Entry, p: Tensor, position: number): Entry {
  for (const [name, value] of Object.entries(entry)) {
    const fits =
      name === 'step'
        ? Number.isSafeInteger(value) && (value as number) >= 0
        : value instanceof Tensor && sameShape(value.shape, p.shape) && value.dtype === p.dtype
    if (fits) continue
    const wanted = name === 'step' ? 'an integer' : `${p.dtype} [${p.shape.join(', ')}]`
    const got = value instanceof Tensor ? value.toString() : show(value)
    throw new StateDictError(`${op}: expected ${name} of parameter ${position} to be ${wanted}, got ${got}`)
  }
  return entry
}

function copyTo(t: Tensor, device: Device): Tensor {
  return t.device === device ? clone(t) : to(t, device)
}

function readEntry({ step, ...tensors }: Entry, device: Device): ParameterState {
  const copied = Object.entries(tensors).map(([name, t]) => [name, keep(noGrad(() => copyTo(t as Tensor, device)))])
  // PyTorch's SGD counts no steps: state without a count is from after the first.
  return {
    step: (step as number | undefined) ?? Math.min(1, copied.length),
    tensors: Object.fromEntries(copied) as Record<string, Tensor>,
  }
}
