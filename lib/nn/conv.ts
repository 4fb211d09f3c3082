// Convolution layers over 1, 2 and 3 spatial dims.
import { checkOptions, type OptionNames } from '../check'
import { ArgumentError, show } from '../errors'
import { conv1d, conv2d, conv3d, type ConvOptions, convOptions } from '../ops/conv'
import { checkInteger, checkPerDim } from '../shape'
import type { Tensor } from '../tensor'
import { type Factory, factoryOptions, learned, uniformWithin } from './factory'
import { Module } from './module'

export interface ConvLayerOptions extends ConvOptions, Factory {
  /** Add a learned bias. Default true. */
  bias?: boolean
}

const layerOptions: OptionNames<ConvLayerOptions> = { ...convOptions, ...factoryOptions, bias: true }

type Convolve = (x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions) => Tensor

/** weight [out, in / groups, kernel ...], bias [out]. */
abstract class Conv extends Module {
  weight: Tensor
  bias: Tensor | null
  readonly kernelSize: readonly number[]
  private readonly options: ConvOptions

  constructor(
    name: string,
    spatial: number,
    private readonly convolve: Convolve,
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvLayerOptions | undefined,
  ) {
    super()
    const {
      bias = true,
      stride = 1,
      padding = 0,
      dilation = 1,
      groups = 1,
      ...factory
    } = checkOptions(name, options, layerOptions)
    checkInteger(name, 'inChannels', inChannels, 1)
    checkInteger(name, 'outChannels', outChannels, 1)
    checkInteger(name, 'groups', groups, 1)
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new ArgumentError(
        `${name}: expected channels that are multiples of groups ${groups}, got ${inChannels} in, ${outChannels} out`,
      )
    }
    this.kernelSize = checkPerDim(name, 'kernelSize', kernelSize, spatial, 1)
    this.options = { stride, padding, dilation, groups }
    const window = this.kernelSize.reduce((a, b) => a * b, 1)
    const init = uniformWithin((inChannels / groups) * window)
    this.weight = learned([outChannels, inChannels / groups, ...this.kernelSize], init, factory)
    this.bias = bias ? learned([outChannels], init, factory) : null
  }

  override forward(x: Tensor): Tensor {
    return this.convolve(x, this.weight, this.bias, this.options)
  }

  protected override details(): string {
    const options = Object.entries(this.options).map(([name, value]) => `, ${name}: ${show(value)}`)
    const bias = this.bias === null ? ', bias: false' : ''
    return `${this.inChannels}, ${this.outChannels}, [${this.kernelSize.join(', ')}]${options.join('')}${bias}`
  }
}

/** Convolution of x [B, in, W] or [in, W]: y [B, out, W']. */
export class Conv1d extends Conv {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options?: ConvLayerOptions,
  ) {
    super('Conv1d', 1, conv1d, inChannels, outChannels, kernelSize, options)
  }
}

/** Convolution of x [B, in, H, W] or [in, H, W]: y [B, out, H', W']. */
export class Conv2d extends Conv {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options?: ConvLayerOptions,
  ) {
    super('Conv2d', 2, conv2d, inChannels, outChannels, kernelSize, options)
  }
}

/** Convolution of x [B, in, D, H, W] or [in, D, H, W]: y [B, out, D', H', W']. */
export class Conv3d extends Conv {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options?: ConvLayerOptions,
  ) {
    super('Conv3d', 3, conv3d, inChannels, outChannels, kernelSize, options)
  }
}
