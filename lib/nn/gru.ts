// Gated recurrent unit (Cho et al. 2014), with PyTorch's parameters: gates lie one below the other in the order reset,
// update, candidate.
import { checkOptions } from '../check'
import { add } from '../ops/arithmetic'
import { cat } from '../ops/cat'
import { zerosLike } from '../ops/create'
import { gru } from '../ops/gru'
import { linear } from '../ops/linear'
import { narrow } from '../ops/slice'
import type { Tensor } from '../tensor'
import {
  layerOptions,
  Recurrent,
  type RecurrentKind,
  type RecurrentLayerOptions,
  type SequenceOptions,
} from './recurrent'
import { cellOptions, RecurrentCell, type RecurrentCellOptions } from './recurrentCell'

const kind: RecurrentKind = {
  gates: 3,
  states: ['h'],
  run: (x, { weightIh, weightHh, biasIh, biasHh }, [h], options) => {
    if (biasIh === null || biasHh === null) return gru(linear(x, weightIh), weightHh, null, h, options)
    // The state's bias joins the input's but for the candidate, whose reset gate is to scale it.
    const size = weightHh.shape[1]
    const candidate = narrow(biasHh, 0, 2 * size, size)
    const bias = add(biasIh, cat([narrow(biasHh, 0, 0, 2 * size), zerosLike(candidate)]))
    return gru(linear(x, weightIh, bias), weightHh, candidate, h, options)
  },
}

/** Stacked layers of gated recurrent units, in one direction or both. */
export class GRU extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options?: RecurrentLayerOptions) {
    super('GRU', kind, inputSize, hiddenSize, checkOptions('GRU', options, layerOptions))
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

/** One step of a GRU: x [B, in] or [in], state h [B, H] or [H]. Parameters `weight_ih`, `weight_hh` …. */
export class GRUCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options?: RecurrentCellOptions) {
    super('GRUCell', kind, inputSize, hiddenSize, checkOptions('GRUCell', options, cellOptions))
  }

  override forward(x: Tensor, h: Tensor | null = null): Tensor {
    return this.step(x, h && [h])[0]
  }
}
