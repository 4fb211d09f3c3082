// Elman's recurrent network (1990), with PyTorch's parameters.
import { checkOptions, type OptionNames } from '../check'
import { ArgumentError, show } from '../errors'
import { add } from '../ops/arithmetic'
import { linear } from '../ops/linear'
import { type Nonlinearity, rnn } from '../ops/rnn'
import type { Tensor } from '../tensor'
import {
  layerOptions,
  Recurrent,
  type RecurrentKind,
  type RecurrentLayerOptions,
  type SequenceOptions,
} from './recurrent'
import { cellOptions, RecurrentCell, type RecurrentCellOptions } from './recurrentCell'

interface Activated {
  /** What is applied to the sums. Default tanh. */
  nonlinearity?: Nonlinearity
}

export interface RNNOptions extends RecurrentLayerOptions, Activated {}
export interface RNNCellOptions extends RecurrentCellOptions, Activated {}

const rnnOptions: OptionNames<RNNOptions> = { ...layerOptions, nonlinearity: true }
const rnnCellOptions: OptionNames<RNNCellOptions> = { ...cellOptions, nonlinearity: true }

const kindWith = (nonlinearity: Nonlinearity): RecurrentKind => ({
  gates: 1,
  states: ['h'],
  run: (x, { weightIh, weightHh, biasIh, biasHh }, [h], options) => {
    const bias = biasIh && biasHh ? add(biasIh, biasHh) : null
    return rnn(linear(x, weightIh, bias), weightHh, h, { nonlinearity, ...options })
  },
})

function checkNonlinearity(op: string, value: unknown): Nonlinearity {
  if (value === 'tanh' || value === 'relu') return value
  throw new ArgumentError(`${op}: expected nonlinearity 'tanh' or 'relu', got ${show(value)}`)
}

/** Stacked plain recurrent layers, in one direction or both. */
export class RNN extends Recurrent {
  readonly nonlinearity: Nonlinearity

  constructor(inputSize: number, hiddenSize: number, options?: RNNOptions) {
    const { nonlinearity = 'tanh', ...layer } = checkOptions('RNN', options, rnnOptions)
    super('RNN', kindWith(checkNonlinearity('RNN', nonlinearity)), inputSize, hiddenSize, layer)
    this.nonlinearity = nonlinearity
  }

  /**
   * x [T, B, in] (with batchFirst [B, T, in]; unbatched [T, in]) and the state to start from, h [layers · directions,
   * B, H] (unbatched without B; default zeros). Returns the last layer's output [T, B, H · directions] and the final
   * states.
   */
  override forward(x: Tensor, h: Tensor | null = null, options?: SequenceOptions): [Tensor, Tensor] {
    const [y, [last]] = this.runLayers(x, h && [h], options)
    return [y, last]
  }
}

/** One step of an RNN: x [B, in] or [in], state h [B, H] or [H]. Parameters `weight_ih`, `weight_hh` …. */
export class RNNCell extends RecurrentCell {
  readonly nonlinearity: Nonlinearity

  constructor(inputSize: number, hiddenSize: number, options?: RNNCellOptions) {
    const { nonlinearity = 'tanh', ...cell } = checkOptions('RNNCell', options, rnnCellOptions)
    super('RNNCell', kindWith(checkNonlinearity('RNNCell', nonlinearity)), inputSize, hiddenSize, cell)
    this.nonlinearity = nonlinearity
  }

  override forward(x: Tensor, h: Tensor | null = null): Tensor {
    return this.step(x, h && [h])[0]
  }
}
