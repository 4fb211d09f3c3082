// Transposed convolution layers over 1, 2 and 3 spatial dims.
import { checkOptions, type OptionNames } from '../check'
import { ArgumentError, show } from '../errors'
import {
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type ConvTransposeOptions,
  convTransposeOptions,
} from '../ops/convTranspose'
import { checkInteger, checkPerDim } from '../shape'
import type { Tensor } from '../tensor'
import { type Factory, factoryOptions, learned, uniformWithin } from './factory'
import { Module } from './module'

export interface ConvTransposeLayerOptions extends ConvTransposeOptions, Factory {
  /** Add a learned bias. Default true. */
  bias?: boolean
}

const layerOptions: OptionNames<ConvTransposeLayerOptions> = { ...convTransposeOptions, ...factoryOptions, bias: true }

type Convolve = (x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvTransposeOptions) => Tensor

/** weight [in, out / groups, kernel ...], bias [out]. */
abstract class ConvTranspose extends Module {
  weight: Tensor
  bias: Tensor | null
  readonly kernelSize: readonly number[]
  private readonly options: ConvTransposeOptions

  constructor(
    name: string,
    spatial: number,
    private readonly convolve: Convolve,
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeLayerOptions | undefined,
  ) {
    super()
    const {
      bias = true,
      stride = 1,
      padding = 0,
      outputPadding = 0,
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
    this.options = { stride, padding, outputPadding, dilation, groups }
    const window = this.kernelSize.reduce((a, b) => a * b, 1)
    const init = uniformWithin((outChannels / groups) * window)
    this.weight = learned([inChannels, outChannels / groups, ...this.kernelSize], init, factory)
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

/** Transposed convolution of x [B, in, W] or [in, W]: y [B, out, W']. */
export class ConvTranspose1d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options?: ConvTransposeLayerOptions,
  ) {
    super('ConvTranspose1d', 1, convTranspose1d, inChannels, outChannels, kernelSize, options)
  }
}

/** Transposed convolution of x [B, in, H, W] or [in, H, W]: y [B, out, H', W']. */
export class ConvTranspose2d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options?: ConvTransposeLayerOptions,
  ) {
    super('ConvTranspose2d', 2, convTranspose2d, inChannels, outChannels, kernelSize, options)
  }
}

/** Transposed convolution of x [B, in, D, H, W] or [in, D, H, W]: y [B, out, D', H', W']. */
export class ConvTranspose3d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options?: ConvTransposeLayerOptions,
  ) {
    super('ConvTranspose3d', 3, convTranspose3d, inChannels, outChannels, kernelSize, options)
  }
}
