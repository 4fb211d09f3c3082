// What LSTM, GRU and RNN share: parameters named by layer and direction, the stack of layers, both directions, layouts,
// first states and lengths.
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { ArgumentError, ShapeError, show } from '../errors'
import { cat, stack } from '../ops/cat'
import { tensor } from '../ops/create'
import { dropout } from '../ops/dropout'
import type { RecurrentOptions } from '../ops/recurrent'
import { unbind } from '../ops/split'
import { squeeze, transpose, unsqueeze } from '../ops/view'
import { checkInteger, checkNumber } from '../shape'
import { sameShape, type Tensor } from '../tensor'
import { type Factory, factoryOptions, learned, uniformWithin } from './factory'
import { Module } from './module'

/** What one direction of one layer learns: weightIh [G·H, in], weightHh [G·H, H], biases [G·H]. */
export interface RecurrentParameters {
  weightIh: Tensor
  weightHh: Tensor
  biasIh: Tensor | null
  biasHh: Tensor | null
}

/** What sets one kind of layer apart from another. */
export interface RecurrentKind {
  /** How many times H rows the weights have. */
  gates: number
  /** Names of the states; the first is also the output. */
  states: readonly string[]
  /** One direction of one layer over x [T, B, in] from states [B, H] (null: zeros): y [T, B, H] and the last states. */
  run: (
    x: Tensor,
    parameters: RecurrentParameters,
    states: readonly (Tensor | null)[],
    options?: RecurrentOptions,
  ) => Tensor[]
}

export interface RecurrentLayerOptions extends Factory {
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

export const layerOptions: OptionNames<RecurrentLayerOptions> = {
  ...factoryOptions,
  numLayers: true,
  bias: true,
  batchFirst: true,
  dropout: true,
  bidirectional: true,
}

export interface SequenceOptions {
  /**
   * How many steps each sequence of the batch has, in [1, T]; default all T. Outputs beyond are zero, final states are
   * those at each sequence's own end, where a reverse pass begins: what PyTorch computes for packed sequences.
   */
  lengths?: readonly number[] | Tensor | null
}

const sequenceOptions: OptionNames<SequenceOptions> = { lengths: true }

/** One run through the sequence: its layer, the suffix of its parameters and whether it starts at the end. */
interface Pass {
  layer: number
  suffix: string
  reverse: boolean
}

/** Parameters are named as PyTorch names them: `weight_ih_l0`, `bias_hh_l1_reverse` …; as properties `weightIhL0` … */
export abstract class Recurrent extends Module {
  readonly numLayers: number
  readonly dropout: number
  readonly batchFirst: boolean
  readonly bidirectional: boolean
  private readonly hasBias: boolean
  /** In the order of the states. */
  private readonly passes: readonly Pass[]

  protected constructor(
    private readonly op: string,
    private readonly kind: RecurrentKind,
    readonly inputSize: number,
    readonly hiddenSize: number,
    options: RecurrentLayerOptions,
  ) {
    super()
    const { numLayers = 1, bias = true, batchFirst = false, bidirectional = false, ...factory } = options
    checkInteger(op, 'inputSize', inputSize, 1)
    checkInteger(op, 'hiddenSize', hiddenSize, 1)
    this.numLayers = checkInteger(op, 'numLayers', numLayers, 1)
    this.dropout = checkNumber(op, 'dropout', options.dropout ?? 0, 0, 1)
    if (this.dropout > 0 && numLayers === 1) {
      throw new ArgumentError(`${op}: expected dropout 0 with one layer (it acts between layers), got ${this.dropout}`)
    }
    this.batchFirst = batchFirst
    this.bidirectional = bidirectional
    this.hasBias = bias
    this.passes = Array.from({ length: numLayers }, (_, layer) => layer).flatMap((layer) => {
      const forth = { layer, suffix: `L${layer}`, reverse: false }
      return bidirectional ? [forth, { layer, suffix: `L${layer}Reverse`, reverse: true }] : [forth]
    })
    const init = uniformWithin(hiddenSize)
    const rows = kind.gates * hiddenSize
    for (const { layer, suffix } of this.passes) {
      const width = layer === 0 ? inputSize : hiddenSize * (bidirectional ? 2 : 1)
      this.registerParameter(`weightIh${suffix}`, learned([rows, width], init, factory))
      this.registerParameter(`weightHh${suffix}`, learned([rows, hiddenSize], init, factory))
      if (!bias) continue
      this.registerParameter(`biasIh${suffix}`, learned([rows], init, factory))
      this.registerParameter(`biasHh${suffix}`, learned([rows], init, factory))
    }
  }

  private parametersOf({ suffix }: Pass): RecurrentParameters {
    const held = this as unknown as Record<string, Tensor>
    return {
      weightIh: held[`weightIh${suffix}`],
      weightHh: held[`weightHh${suffix}`],
      biasIh: this.hasBias ? held[`biasIh${suffix}`] : null,
      biasHh: this.hasBias ? held[`biasHh${suffix}`] : null,
    }
  }

  /**
   * The last layer's output [T, B, H · directions] and the final states [layers · directions, B, H] for x [T, B, in]
   * (with batchFirst [B, T, in]; unbatched [T, in], and no B anywhere).
   */
  protected runLayers(
    x: Tensor,
    states: readonly Tensor[] | null,
    options: SequenceOptions | undefined,
  ): [Tensor, Tensor[]] {
    const { lengths = null } = checkOptions(this.op, options, sequenceOptions)
    const isBatched = this.checkInput(x) === 3
    const swap = isBatched && this.batchFirst
    let sequence = swap ? transpose(x, 0, 1) : isBatched ? x : unsqueeze(x, 1)
    const starts = this.startStates(sequence.shape[1], states, isBatched)
    const ends = lengths === null ? null : this.checkLengths(lengths, sequence, isBatched)
    const finals: Tensor[][] = []
    for (let layer = 0; layer < this.numLayers; layer++) {
      const results = this.passes.flatMap((pass, i) =>
        pass.layer === layer
          ? [this.kind.run(sequence, this.parametersOf(pass), starts[i], { lengths: ends, reverse: pass.reverse })]
          : [],
      )
      finals.push(...results.map(([, ...last]) => last))
      const outputs = results.map(([y]) => y)
      sequence = outputs.length === 1 ? outputs[0] : cat(outputs, 2)
      if (layer < this.numLayers - 1) sequence = dropout(sequence, { p: this.dropout, training: this.training })
    }
    const leave = (t: Tensor) => (isBatched ? t : squeeze(t, 1))
    const y = swap ? transpose(sequence, 0, 1) : leave(sequence)
    return [y, this.kind.states.map((_, k) => leave(stack(finals.map((last) => last[k]))))]
  }

  private checkInput(x: Tensor): number {
    checkTensor(this.op, 'x', x)
    if (
      (x.ndim === 2 || x.ndim === 3) &&
      x.shape[x.ndim - 1] === this.inputSize &&
      x.shape[this.batchFirst ? x.ndim - 2 : 0] > 0
    ) {
      return x.ndim
    }
    const form = this.batchFirst ? '[B, T, in] or [T, in]' : '[T, B, in] or [T, in]'
    throw new ShapeError(`${this.op}: expected x ${form} with T > 0 and in=${this.inputSize}, got ${show(x.shape)}`)
  }

  /** The states [B, H] of each pass. */
  private startStates(batch: number, states: readonly Tensor[] | null, isBatched: boolean): (Tensor | null)[][] {
    if (states === null) return this.passes.map(() => this.kind.states.map(() => null))
    const count = this.passes.length
    const shape = isBatched ? [count, batch, this.hiddenSize] : [count, this.hiddenSize]
    const given = checkStates(this.op, this.kind.states, states, shape)
    const parts = given.map((t) => unbind(isBatched ? t : unsqueeze(t, 1)))
    return this.passes.map((_, i) => parts.map((part) => part[i]))
  }

  /** The lengths as int64 [B]; those in a list are checked here, those in a tensor by the kernels. */
  private checkLengths(lengths: readonly number[] | Tensor, sequence: Tensor, isBatched: boolean): Tensor {
    const [steps, batch] = sequence.shape
    const isList = Array.isArray(lengths)
    const shape = isList ? [lengths.length] : checkTensor(this.op, 'lengths', lengths).shape
    if (!isBatched || !sameShape(shape, [batch])) {
      const what = isBatched ? `${batch} lengths, one per sequence` : 'no lengths without a batch'
      throw new ShapeError(`${this.op}: expected ${what}, got ${isList ? show(lengths) : show(shape)}`)
    }
    if (!isList) return lengths as Tensor
    const checked = lengths.map((n, b) => checkInteger(this.op, `lengths[${b}]`, n, 1, steps))
    return tensor(BigInt64Array.from(checked, BigInt), { device: sequence.device })
  }

  protected override details(): string {
    return `${this.inputSize}, ${this.hiddenSize}, numLayers: ${this.numLayers}, bidirectional: ${this.bidirectional}`
  }
}

/** The states given, of one shape each. */
export function checkStates(
  op: string,
  names: readonly string[],
  states: readonly Tensor[],
  shape: readonly number[],
): readonly Tensor[] {
  const given = Array.isArray(states) ? states.map((t, k) => checkTensor(op, names[k] ?? 'the state', t).shape) : []
  if (given.length === names.length && given.every((each) => sameShape(each, shape))) return states
  const got = given.length > 0 ? given.map(show).join(' and ') : show(states)
  const [what, each] = names.length === 1 ? [names[0], ''] : [`[${names.join(', ')}]`, ' each']
  throw new ShapeError(`${op}: expected a state ${what} of shape ${show(shape)}${each}, got ${got}`)
}
