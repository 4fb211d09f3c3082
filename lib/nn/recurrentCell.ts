// What LSTMCell, GRUCell and RNNCell share: a walk of one step, and single rows made batches.
import { checkTensor, type OptionNames } from '../check'
import { ShapeError, show } from '../errors'
import { squeeze, unsqueeze } from '../ops/view'
import { checkInteger } from '../shape'
import type { Tensor } from '../tensor'
import { type Factory, factoryOptions, learned, uniformWithin } from './factory'
import { Module } from './module'
import { checkStates, type RecurrentKind, type RecurrentParameters } from './recurrent'

export interface RecurrentCellOptions extends Factory {
  /** Learned biases. Default true. */
  bias?: boolean
}

export const cellOptions: OptionNames<RecurrentCellOptions> = { ...factoryOptions, bias: true }

/** Parameters `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`. */
export abstract class RecurrentCell extends Module implements RecurrentParameters {
  weightIh: Tensor
  weightHh: Tensor
  biasIh: Tensor | null
  biasHh: Tensor | null

  protected constructor(
    private readonly op: string,
    private readonly kind: RecurrentKind,
    readonly inputSize: number,
    readonly hiddenSize: number,
    { bias = true, ...factory }: RecurrentCellOptions,
  ) {
    super()
    checkInteger(op, 'inputSize', inputSize, 1)
    checkInteger(op, 'hiddenSize', hiddenSize, 1)
    const init = uniformWithin(hiddenSize)
    const rows = kind.gates * hiddenSize
    this.weightIh = learned([rows, inputSize], init, factory)
    this.weightHh = learned([rows, hiddenSize], init, factory)
    this.biasIh = bias ? learned([rows], init, factory) : null
    this.biasHh = bias ? learned([rows], init, factory) : null
  }

  /** The next states for x [B, in] or [in]. */
  protected step(x: Tensor, states: readonly Tensor[] | null): Tensor[] {
    const { op, kind, inputSize, hiddenSize } = this
    checkTensor(op, 'x', x)
    if ((x.ndim !== 1 && x.ndim !== 2) || x.shape[x.ndim - 1] !== inputSize) {
      throw new ShapeError(`${op}: expected x [B, in] or [in] with in=${inputSize}, got ${show(x.shape)}`)
    }
    const given = states && checkStates(op, kind.states, states, [...x.shape.slice(0, -1), hiddenSize])
    const rows = (t: Tensor) => (x.ndim === 2 ? t : unsqueeze(t, 0))
    const start = given === null ? kind.states.map(() => null) : given.map(rows)
    const [, ...next] = kind.run(unsqueeze(rows(x), 0), this, start)
    return x.ndim === 2 ? next : next.map((t) => squeeze(t, 0))
  }

  protected override details(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh === null ? ', bias: false' : ''}`
  }
}
