// Cuts the parameters of a group into batches, each stepped by one native command.
import { zerosLike } from '../ops/create'
import { keep } from '../scope'
import type { Tensor } from '../tensor'

/** What an optimizer remembers of one parameter. */
export interface ParameterState {
  /** How often it was stepped. */
  step: number
  /** State tensors by PyTorch's names; they appear with the first step. */
  tensors: Record<string, Tensor>
}

/** Lists of equal length over parameters of one device, with gradients and equal step counts. */
export interface Batch {
  readonly params: Tensor[]
  readonly grads: Tensor[]
  /** For each state tensor of the optimizer, in its order, the list over the parameters. */
  readonly states: Tensor[][]
  /** The number of the step to take, from 1. */
  readonly step: number
}

/** The native argument block holds five lists of this length with room to spare. */
const longest = 512

/**
 * Launches the step of every parameter that has a gradient and counts it. One that missed steps for want of a gradient
 * is behind the others and comes in a batch of its own count; every device has batches of its own.
 */
export function stepInBatches(
  params: readonly Tensor[],
  states: readonly ParameterState[],
  names: readonly string[],
  launch: (batch: Batch) => void,
): void {
  let open: number[] = []
  for (let i = 0; i < params.length; i++) if (params[i].grad !== null) open.push(i)
  while (open.length > 0) {
    const { step } = states[open[0]]
    const { device } = params[open[0]]
    const left: number[] = []
    const taken: number[] = []
    for (const i of open) {
      const fits = states[i].step === step && params[i].device === device && taken.length < longest
      ;(fits ? taken : left).push(i)
    }
    launch(gather(params, states, names, taken, step + 1))
    for (const i of taken) {
      states[i].step = step + 1
      params[i].bumpVersion()
    }
    open = left
  }
}

/** The batch of the parameters at these positions; state tensors that are not there yet start as zeros. */
function gather(
  params: readonly Tensor[],
  states: readonly ParameterState[],
  names: readonly string[],
  positions: readonly number[],
  step: number,
): Batch {
  const batch: Batch = { params: [], grads: [], states: [], step }
  for (let n = 0; n < names.length; n++) batch.states.push([])
  for (const i of positions) {
    batch.params.push(params[i])
    batch.grads.push(params[i].grad as Tensor)
    const { tensors } = states[i]
    for (let n = 0; n < names.length; n++) batch.states[n].push((tensors[names[n]] ??= keep(zerosLike(params[i]))))
  }
  return batch
}
