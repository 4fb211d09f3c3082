// What the recurrent ops share: their inputs' checks, the gradient of the recurrent weights, and the definition step by
// step, which gives gradients of gradients.
import type { Input, Node } from '../autograd'
import { grad } from '../backward'
import { checkFloat, checkSameDType } from '../check'
import { ShapeError, show } from '../errors'
import { sameShape, type Shape, type Tensor } from '../tensor'
import { add, sub } from './arithmetic'
import { expand } from './broadcast'
import { stack } from './cat'
import { gt } from './compare'
import { clone } from './copy'
import { zeros } from './create'
import { gather } from './indexing'
import { matmul } from './matmul'
import { narrow, select } from './slice'
import { unbind } from './split'
import { reshape, squeeze, transpose, unsqueeze } from './view'
import { where } from './where'

export interface RecurrentOptions {
  /** How many steps each sequence has: int64 [B], in [1, T]. Default: all have T. */
  lengths?: Tensor | null
  /** Walk from the end of each sequence to its beginning. */
  reverse?: boolean
}

/** The dtype of what is kept for the backward. */
export const keptDType = (x: Tensor) => (x.dtype === 'float64' ? 'float64' : 'float32')

/** Whether any input takes a gradient, so that the backward's material must be kept. */
export function records(node: Pick<Node, 'records'>, inputs: readonly Input[]): boolean {
  return inputs.some((_, i) => node.records(i))
}

function checkShapeOf(op: string, name: string, t: Tensor, shape: Shape, dims: string): void {
  if (sameShape(t.shape, shape)) return
  throw new ShapeError(`${op}: expected ${name} ${dims}=${show(shape)}, got ${show(t.shape)}`)
}

/** Checks the inputs of an op with `gates` gates: x [T, B, gates · H], w [gates · H, H], states [B, H], lengths [B]. */
export function checkRecurrent(
  op: string,
  gates: number,
  x: Tensor,
  w: Tensor,
  states: Readonly<Record<string, Tensor | null>>,
  lengths: Tensor | null,
): void {
  checkFloat(op, 'x', x)
  checkSameDType(op, 'w', w, x.dtype)
  const size = w.shape[w.ndim - 1]
  const rows = gates === 1 ? 'H' : `${gates}·H`
  if (w.ndim !== 2 || w.shape[0] !== gates * size) {
    throw new ShapeError(`${op}: expected w [${rows}, H], got ${show(w.shape)}`)
  }
  if (x.ndim !== 3 || x.shape[0] === 0 || x.shape[2] !== gates * size) {
    throw new ShapeError(
      `${op}: expected x [T, B, ${rows}] with T > 0 and H=${size} (from w ${show(w.shape)}), got ${show(x.shape)}`,
    )
  }
  const batch = x.shape[1]
  for (const [name, state] of Object.entries(states)) {
    if (state !== null) checkShapeOf(op, name, checkSameDType(op, name, state, x.dtype), [batch, size], '[B, H]')
  }
  if (lengths !== null) checkShapeOf(op, 'lengths', checkSameDType(op, 'lengths', lengths, 'int64'), [batch], '[B]')
}

/**
 * The gradient of the recurrent weights: the sum over all steps of dgatesᵀ [B, G] · h [B, H], h being the state that
 * the step started from. y [T, B, H] are the states after each step, h0 the first (null: zeros).
 */
export function weightGradient(
  dgates: Tensor,
  y: Tensor,
  h0: Tensor | null,
  lengths: Tensor | null,
  reverse: boolean,
): Tensor {
  const [steps, batch, width] = dgates.shape
  const rows = (t: Tensor, start: number) =>
    reshape(narrow(t, 0, start, steps - 1), [(steps - 1) * batch, t.shape[2]])
  const later = matmul(transpose(rows(dgates, reverse ? 0 : 1), 0, 1), rows(y, reverse ? 1 : 0))
  if (h0 === null) return later
  const first =
    !reverse || lengths === null
      ? select(dgates, 0, reverse ? steps - 1 : 0)
      : squeeze(gather(dgates, 0, expand(reshape(sub(lengths, 1), [1, batch, 1]), [1, batch, width])), 0)
  const earliest = matmul(transpose(first, 0, 1), h0)
  return steps === 1 ? earliest : add(later, earliest)
}

/** One step: x [B, G] and states [B, H] to the next states, the output first. */
export type Step = (x: Tensor, states: readonly Tensor[]) => Tensor[]

/** The definition in ops: the outputs [T, B, H] of all steps, then the last states. */
export function unroll(
  x: Tensor,
  states: readonly Tensor[],
  lengths: Tensor | null,
  reverse: boolean,
  step: Step,
): Tensor[] {
  const inputs = unbind(x)
  const outputs = new Array<Tensor>(inputs.length)
  let now = states
  for (let i = 0; i < inputs.length; i++) {
    const t = reverse ? inputs.length - 1 - i : i
    const next = step(inputs[t], now)
    const running = lengths === null ? null : unsqueeze(gt(lengths, t), 1)
    now = running === null ? next : next.map((state, k) => where(running, state, now[k]))
    outputs[t] = running === null ? next[0] : where(running, next[0], 0)
  }
  return [stack(outputs), ...now]
}

/** `state`, or zeros where there is none. */
export function startingFrom(x: Tensor, w: Tensor, state: Tensor | null): Tensor {
  return state ?? zeros([x.shape[1], w.shape[1]], { dtype: x.dtype, device: x.device })
}

/**
 * The gradients of `inputs` through the definition, recorded. `gradients` are those of its results, null for a result
 * that nobody used.
 */
export function gradientFormula(
  node: Pick<Node, 'needs'>,
  inputs: readonly (Tensor | null)[],
  gradients: readonly (Tensor | null)[],
  definition: (inputs: readonly (Tensor | null)[]) => Tensor[],
): (Tensor | null)[] {
  // Copies: inputs may be made from each other, and what they are made from is none of this pass.
  const copies = inputs.map((t, i) => (t !== null && node.needs(i) ? clone(t) : t))
  const wanted = copies.filter((t, i): t is Tensor => t !== null && node.needs(i))
  const results = definition(copies)
  const isUsed = (_: unknown, k: number) => gradients[k] !== null
  const found = grad(results.filter(isUsed), wanted, {
    gradOutputs: gradients.filter(isUsed),
    createGraph: true,
    allowUnused: true,
  })
  return copies.map((t) => (t !== null && wanted.includes(t) ? found[wanted.indexOf(t)] : null))
}
