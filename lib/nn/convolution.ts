// What convolution layers and transposed ones share: the weight, the bias and the options they hand to their op.
import { ArgumentError, show } from '../errors'
import { add, mul } from '../ops/arithmetic'
import { expand } from '../ops/broadcast'
import { clone } from '../ops/copy'
import { reshape } from '../ops/view'
import { checkInteger, checkPerDim } from '../shape'
import type { Tensor } from '../tensor'
import { type Factory, learned, uniformWithin } from './factory'
import { Module } from './module'
import { parameter } from './parameter'

/** What sets one kind of layer apart from another. */
export interface ConvolutionKind<Options> {
  name: string
  /** Number of spatial dims. */
  spatial: number
  /** The weight is [in, out / groups, kernel ...] instead of [out, in / groups, kernel ...]. */
  transposed: boolean
  run(x: Tensor, weight: Tensor, bias: Tensor | null, options: Options): Tensor
}

/** bias [out]. */
export abstract class Convolution<Options extends { groups: number }> extends Module {
  weight: Tensor
  bias: Tensor | null
  readonly kernelSize: readonly number[]

  protected constructor(
    private readonly kind: ConvolutionKind<Options>,
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: number | readonly number[],
    protected readonly options: Options,
    bias: boolean,
    factory: Factory,
  ) {
    super()
    const { name, spatial, transposed } = kind
    const { groups } = options
    checkInteger(name, 'inChannels', inChannels, 1)
    checkInteger(name, 'outChannels', outChannels, 1)
    checkInteger(name, 'groups', groups, 1)
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new ArgumentError(
        `${name}: expected channels that are multiples of groups ${groups}, got ${inChannels} in, ${outChannels} out`,
      )
    }
    this.kernelSize = checkPerDim(name, 'kernelSize', kernelSize, spatial, 1)
    const [rows, columns] = transposed ? [inChannels, outChannels] : [outChannels, inChannels]
    const shape = [rows, columns / groups, ...this.kernelSize]
    const init = uniformWithin(shape.slice(1).reduce((a, b) => a * b, 1))
    this.weight = learned(shape, init, factory)
    this.bias = bias ? learned([outChannels], init, factory) : null
  }

  /** A layer of its own whose results are this one's, times `scale` and plus `shift` per output channel. */
  scaled(scale: Tensor, shift: Tensor): this {
    const layer = this.copied()
    const { groups } = this.options
    const [rows, columns, ...window] = this.weight.shape
    const ones = window.map(() => 1)
    const perOutput = this.kind.transposed
      ? expand(reshape(scale, [groups, 1, columns, ...ones]), [groups, rows / groups, columns, ...ones])
      : scale
    layer.weight = parameter(mul(this.weight, reshape(perOutput, [rows, this.kind.transposed ? columns : 1, ...ones])))
    layer.bias = parameter(this.bias === null ? clone(shift) : add(mul(this.bias, scale), shift))
    return layer
  }

  /** A layer of its own that holds the same tensors. */
  protected copied(): this {
    return Object.assign(Object.create(Object.getPrototypeOf(this) as object) as this, this)
  }

  override forward(x: Tensor): Tensor {
    return this.kind.run(x, this.weight, this.bias, this.options)
  }

  protected override details(): string {
    const options = Object.entries(this.options).map(([name, value]) => `, ${name}: ${show(value)}`)
    const bias = this.bias === null ? ', bias: false' : ''
    return `${this.inChannels}, ${this.outChannels}, [${this.kernelSize.join(', ')}]${options.join('')}${bias}`
  }
}
