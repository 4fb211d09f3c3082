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

/** Lists of equal length over parameters with gradients and equal step counts. */
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
 * is behind the others and comes in a batch of its own count.
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
    const count = states[open[0]].step
    const taken: number[] = []
    const left: number[] = []
    for (const i of open) (states[i].step === count && taken.length < longest ? taken : left).push(i)
    launch({
      params: taken.map((i) => params[i]),
      grads: taken.map((i) => params[i].grad as Tensor),
      states: names.map((name) => taken.map((i) => (states[i].tensors[name] ??= keep(zerosLike(params[i]))))),
      step: count + 1,
    })
    for (const i of taken) {
      states[i].step = count + 1
      params[i].bumpVersion()
    }
    open = left
  }
}
