// The definition of a recurrent layer: one sequence after another, one step after another.
import { NdArray } from './ndarray'

/** One step of one sequence: its input [G] and its states [H] to its next states, the output first. */
export type Step = (x: readonly number[], states: readonly (readonly number[])[]) => number[][]

const row = (t: NdArray, index: readonly number[], n: number): number[] =>
  Array.from({ length: n }, (_, i) => t.at([...index, i]))

/** y [T, B, H] and the last states [B, H] for x [T, B, G]; lengths [B] or null for all T. */
export function recurrentReference(
  x: NdArray,
  states: readonly NdArray[],
  lengths: NdArray | null,
  reverse: boolean,
  step: Step,
): NdArray[] {
  const [steps, batch, gates] = x.shape
  const size = states[0].shape[1]
  const y = NdArray.make([steps, batch, size], () => 0)
  const last = states.map((state) => state.copy())
  for (let b = 0; b < batch; b++) {
    const n = lengths === null ? steps : lengths.data[b]
    let now = states.map((state) => row(state, [b], size))
    for (let i = 0; i < n; i++) {
      const t = reverse ? n - 1 - i : i
      now = step(row(x, [t, b], gates), now)
      now[0].forEach((value, u) => y.set([t, b, u], value))
    }
    now.forEach((state, k) => state.forEach((value, u) => last[k].set([b, u], value)))
  }
  return [y, ...last]
}

/** w [G, H] times h [H]. */
export function product(w: NdArray, h: readonly number[]): number[] {
  return Array.from({ length: w.shape[0] }, (_, i) => h.reduce((sum, v, k) => sum + w.at([i, k]) * v, 0))
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** Shapes of x [T, B, G·H], w [G·H, H] and `rest`, which is made of B and H, for odd T, B and H. */
export function recurrentShapes(
  gates: number,
  sizes: readonly (readonly [steps: number, batch: number, size: number])[],
  rest: (batch: number, size: number) => readonly (readonly number[])[],
): number[][][] {
  return sizes.map(([t, b, h]) => [[t, b, gates * h], [gates * h, h], ...rest(b, h).map((shape) => [...shape])])
}
