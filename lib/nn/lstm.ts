// Long short-term memory (Hochreiter & Schmidhuber 1997), with PyTorch's parameters: gates lie one below the other in
// the order input, forget, candidate, output.
import { checkOptions } from '../check'
import { add } from '../ops/arithmetic'
import { lstm } from '../ops/lstm'
import { linear } from '../ops/linear'
import type { Tensor } from '../tensor'
import {
  layerOptions,
  Recurrent,
  type RecurrentKind,
  type RecurrentLayerOptions,
  type SequenceOptions,
} from './recurrent'
import { cellOptions, RecurrentCell, type RecurrentCellOptions } from './recurrentCell'

/** Hidden state and cell state. */
export type LSTMState = readonly [h: Tensor, c: Tensor]

const kind: RecurrentKind = {
  gates: 4,
  states: ['h', 'c'],
  run: (x, { weightIh, weightHh, biasIh, biasHh }, [h, c], options) => {
    const bias = biasIh && biasHh ? add(biasIh, biasHh) : null
    return lstm(linear(x, weightIh, bias), weightHh, h, c, options)
  },
}

/** Stacked layers of long short-term memory, in one direction or both. */
export class LSTM extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options?: RecurrentLayerOptions) {
    super('LSTM', kind, inputSize, hiddenSize, checkOptions('LSTM', options, layerOptions))
  }

  /**
   * x [T, B, in] (with batchFirst [B, T, in]; unbatched [T, in]) and the state to start from, h and c
   * [layers · directions, B, H] (unbatched without B; default zeros). Returns the last layer's output
   * [T, B, H · directions] and the final states.
   */
  override forward(
    x: Tensor,
    state: LSTMState | null = null,
    options?: SequenceOptions,
  ): [Tensor, [Tensor, Tensor]] {
    const [y, [h, c]] = this.runLayers(x, state, options)
    return [y, [h, c]]
  }
}

/** One step of an LSTM: x [B, in] or [in], state h and c [B, H] or [H]. Parameters `weight_ih`, `weight_hh` …. */
export class LSTMCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options?: RecurrentCellOptions) {
    super('LSTMCell', kind, inputSize, hiddenSize, checkOptions('LSTMCell', options, cellOptions))
  }

  override forward(x: Tensor, state: LSTMState | null = null): [Tensor, Tensor] {
    const [h, c] = this.step(x, state)
    return [h, c]
  }
}
