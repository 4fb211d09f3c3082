// Long short-term memory (Hochreiter & Schmidhuber 1997), composed of ops. Gates lie in PyTorch's order, one below the
// other: input i, forget f, candidate g, output o. c' = f·c + i·g and h' = o·tanh(c').
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { ArgumentError, ShapeError, show } from '../errors'
import { add, mul } from '../ops/arithmetic'
import { cat, stack } from '../ops/cat'
import { zeros } from '../ops/create'
import { dropout } from '../ops/dropout'
import { linear } from '../ops/matmul'
import { sigmoid, tanh } from '../ops/unary'
import { chunk, unbind } from '../ops/split'
import { squeeze, transpose, unsqueeze } from '../ops/view'
import { checkInteger, checkNumber } from '../shape'
import { sameShape, type Shape, type Tensor } from '../tensor'
import { type Factory, factoryOptions, learned, uniformWithin } from './factory'
import { Module } from './module'

/** What one direction of one layer learns: weightIh [4H, in], weightHh [4H, H], biases [4H]. */
interface Gates {
  weightIh: Tensor
  weightHh: Tensor
  biasIh: Tensor | null
  biasHh: Tensor | null
}

/** Hidden state and cell state. */
export type LSTMState = readonly [h: Tensor, c: Tensor]

/** What the inputs [..., in] contribute to the gates: [..., 4H]. All time steps at once are one product. */
function inputGates(x: Tensor, { weightIh, biasIh, biasHh }: Gates): Tensor {
  return linear(x, weightIh, biasIh && biasHh ? add(biasIh, biasHh) : null)
}

/** One step from state h, c [B, H]; `fromInput` [B, 4H] is what inputGates gave. */
function advance(fromInput: Tensor, [h, c]: LSTMState, { weightHh }: Gates): [Tensor, Tensor] {
  const [i, f, g, o] = chunk(add(fromInput, linear(h, weightHh)), 4, 1)
  const next = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)))
  return [mul(sigmoid(o), tanh(next)), next]
}

export interface LSTMOptions extends Factory {
  /** Layers stacked on one another. Default 1. */
  numLayers?: number
  bias?: boolean
  /** Input and output are [B, T, …] instead of [T, B, …]; states stay [layers, B, H]. */
  batchFirst?: boolean
  /** Dropout on the output of each layer but the last, in training. Default 0. */
  dropout?: number
  /** A second pass from the end; outputs of both are joined. */
  bidirectional?: boolean
}

const lstmOptions: OptionNames<LSTMOptions> = {
  ...factoryOptions,
  numLayers: true,
  bias: true,
  batchFirst: true,
  dropout: true,
  bidirectional: true,
}
const cellOptions: OptionNames<Factory & { bias?: boolean }> = { ...factoryOptions, bias: true }

/** Parameters are named as PyTorch names them: `weight_ih_l0`, `bias_hh_l1_reverse` …; as properties `weightIhL0` … */
export class LSTM extends Module {
  readonly numLayers: number
  readonly dropout: number
  readonly batchFirst: boolean
  readonly bidirectional: boolean
  private readonly hasBias: boolean

  constructor(
    readonly inputSize: number,
    readonly hiddenSize: number,
    options?: LSTMOptions,
  ) {
    super()
    const {
      numLayers = 1,
      bias = true,
      batchFirst = false,
      dropout: p = 0,
      bidirectional = false,
      ...factory
    } = checkOptions('LSTM', options, lstmOptions)
    checkInteger('LSTM', 'inputSize', inputSize, 1)
    checkInteger('LSTM', 'hiddenSize', hiddenSize, 1)
    this.numLayers = checkInteger('LSTM', 'numLayers', numLayers, 1)
    this.dropout = checkNumber('LSTM', 'dropout', p, 0, 1)
    if (this.dropout > 0 && numLayers === 1) {
      throw new ArgumentError('LSTM: expected dropout 0 with one layer (it acts between layers), got ' + this.dropout)
    }
    this.batchFirst = batchFirst
    this.bidirectional = bidirectional
    this.hasBias = bias
    const init = uniformWithin(hiddenSize)
    for (const [layer, suffix] of this.passes()) {
      const width = layer === 0 ? inputSize : hiddenSize * this.directions
      this.registerParameter(`weightIh${suffix}`, learned([4 * hiddenSize, width], init, factory))
      this.registerParameter(`weightHh${suffix}`, learned([4 * hiddenSize, hiddenSize], init, factory))
      if (!bias) continue
      this.registerParameter(`biasIh${suffix}`, learned([4 * hiddenSize], init, factory))
      this.registerParameter(`biasHh${suffix}`, learned([4 * hiddenSize], init, factory))
    }
  }

  private get directions(): number {
    return this.bidirectional ? 2 : 1
  }

  /** Layer, suffix of its parameters and whether it runs from the end, in the order of the states. */
  private passes(): [layer: number, suffix: string, reverse: boolean][] {
    const layers = Array.from({ length: this.numLayers }, (_, layer) => layer)
    return layers.flatMap((layer) => {
      const forth: [number, string, boolean] = [layer, `L${layer}`, false]
      return this.bidirectional ? [forth, [layer, `L${layer}Reverse`, true] as [number, string, boolean]] : [forth]
    })
  }

  private gates(suffix: string): Gates {
    const held = this as unknown as Record<string, Tensor>
    return {
      weightIh: held[`weightIh${suffix}`],
      weightHh: held[`weightHh${suffix}`],
      biasIh: this.hasBias ? held[`biasIh${suffix}`] : null,
      biasHh: this.hasBias ? held[`biasHh${suffix}`] : null,
    }
  }

  /**
   * x [T, B, in] (with batchFirst [B, T, in]; unbatched [T, in]) and the state to start from, h and c
   * [layers · directions, B, H] (unbatched without B; default zeros). Returns the last layer's output
   * [T, B, H · directions] and the final states.
   */
  override forward(x: Tensor, state: LSTMState | null = null): [Tensor, [Tensor, Tensor]] {
    const isBatched = this.checkInput(x) === 3
    const swap = isBatched && this.batchFirst
    let sequence = swap ? transpose(x, 0, 1) : isBatched ? x : unsqueeze(x, 1)
    const starts = this.startStates(sequence, state, isBatched)
    const passes = this.passes()
    const ends: [Tensor, Tensor][] = []
    for (let layer = 0; layer < this.numLayers; layer++) {
      const results = passes.flatMap(([at, suffix, reverse], i) =>
        at === layer ? [runPass(sequence, starts[i], this.gates(suffix), reverse)] : [],
      )
      ends.push(...results.map(([, end]) => end))
      sequence =
        results.length === 1
          ? results[0][0]
          : cat(
              results.map(([y]) => y),
              2,
            )
      if (layer < this.numLayers - 1) sequence = dropout(sequence, { p: this.dropout, training: this.training })
    }
    const leave = (t: Tensor) => (isBatched ? t : squeeze(t, 1))
    const [h, c] = [0, 1].map((part) => leave(stack(ends.map((end) => end[part]))))
    return [swap ? transpose(sequence, 0, 1) : leave(sequence), [h, c]]
  }

  private checkInput(x: Tensor): number {
    checkTensor('LSTM', 'x', x)
    if (
      (x.ndim === 2 || x.ndim === 3) &&
      x.shape[x.ndim - 1] === this.inputSize &&
      x.shape[this.batchFirst ? x.ndim - 2 : 0] > 0
    ) {
      return x.ndim
    }
    const form = this.batchFirst ? '[B, T, in] or [T, in]' : '[T, B, in] or [T, in]'
    throw new ShapeError(`LSTM: expected x ${form} with T > 0 and in=${this.inputSize}, got ${show(x.shape)}`)
  }

  /** h and c [B, H] for each pass. */
  private startStates(sequence: Tensor, state: LSTMState | null, isBatched: boolean): LSTMState[] {
    const passes = this.passes().length
    const batch = sequence.shape[1]
    if (state === null) {
      const zero = zeros([batch, this.hiddenSize], { dtype: sequence.dtype, device: sequence.device })
      return new Array<LSTMState>(passes).fill([zero, zero])
    }
    const shape = isBatched ? [passes, batch, this.hiddenSize] : [passes, this.hiddenSize]
    const [h, c] = checkState('LSTM', state, shape).map((t) => unbind(isBatched ? t : unsqueeze(t, 1)))
    return h.map((part, i) => [part, c[i]])
  }

  protected override details(): string {
    return `${this.inputSize}, ${this.hiddenSize}, numLayers: ${this.numLayers}, bidirectional: ${this.bidirectional}`
  }
}

/** One direction of one layer over x [T, B, in]: outputs [T, B, H] in the order of x, and the final state. */
function runPass(x: Tensor, start: LSTMState, gates: Gates, reverse: boolean): [Tensor, [Tensor, Tensor]] {
  const fromInput = unbind(inputGates(x, gates))
  const length = x.shape[0]
  const outputs = new Array<Tensor>(length)
  let state: LSTMState = start
  for (let step = 0; step < length; step++) {
    const t = reverse ? length - 1 - step : step
    state = advance(fromInput[t], state, gates)
    outputs[t] = state[0]
  }
  return [stack(outputs), [state[0], state[1]]]
}

function checkState(op: string, state: LSTMState, shape: Shape): LSTMState {
  const given = Array.isArray(state) ? state.map((t: Tensor) => checkTensor(op, 'the state', t).shape) : []
  if (given.length === 2 && given.every((each) => sameShape(each, shape))) return state
  const got = given.length > 0 ? given.map(show).join(' and ') : show(state)
  throw new ShapeError(`${op}: expected a state [h, c] of shape ${show(shape)} each, got ${got}`)
}

/** One step of an LSTM: x [B, in] or [in], state h and c [B, H] or [H]. Parameters `weight_ih`, `weight_hh` …. */
export class LSTMCell extends Module implements Gates {
  weightIh: Tensor
  weightHh: Tensor
  biasIh: Tensor | null
  biasHh: Tensor | null

  constructor(
    readonly inputSize: number,
    readonly hiddenSize: number,
    options?: Factory & { bias?: boolean },
  ) {
    super()
    const { bias = true, ...factory } = checkOptions('LSTMCell', options, cellOptions)
    checkInteger('LSTMCell', 'inputSize', inputSize, 1)
    checkInteger('LSTMCell', 'hiddenSize', hiddenSize, 1)
    const init = uniformWithin(hiddenSize)
    this.weightIh = learned([4 * hiddenSize, inputSize], init, factory)
    this.weightHh = learned([4 * hiddenSize, hiddenSize], init, factory)
    this.biasIh = bias ? learned([4 * hiddenSize], init, factory) : null
    this.biasHh = bias ? learned([4 * hiddenSize], init, factory) : null
  }

  override forward(x: Tensor, state: LSTMState | null = null): [Tensor, Tensor] {
    if ((checkTensor('LSTMCell', 'x', x).ndim !== 1 && x.ndim !== 2) || x.shape[x.ndim - 1] !== this.inputSize) {
      throw new ShapeError(`LSTMCell: expected x [B, in] or [in] with in=${this.inputSize}, got ${show(x.shape)}`)
    }
    const shape = [...x.shape.slice(0, -1), this.hiddenSize]
    const zero = () => zeros(shape, { dtype: x.dtype, device: x.device })
    const [h, c] = state === null ? [zero(), zero()] : checkState('LSTMCell', state, shape)
    if (x.ndim === 2) return advance(inputGates(x, this), [h, c], this)
    const [h1, c1] = advance(inputGates(unsqueeze(x, 0), this), [unsqueeze(h, 0), unsqueeze(c, 0)], this)
    return [squeeze(h1, 0), squeeze(c1, 0)]
  }

  protected override details(): string {
    return `${this.inputSize}, ${this.hiddenSize}`
  }
}
