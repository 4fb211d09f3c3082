// Transposed convolution layers over 1, 2 and 3 spatial dims.
import { checkOptions, type OptionNames } from '../check'
import {
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type ConvTransposeOptions,
  convTransposeOptions,
} from '../ops/convTranspose'
import { Convolution, type ConvolutionKind } from './convolution'
import { type Factory, factoryOptions } from './factory'

export interface ConvTransposeLayerOptions extends ConvTransposeOptions, Factory {
  /** Add a learned bias. Default true. */
  bias?: boolean
}

const layerOptions: OptionNames<ConvTransposeLayerOptions> = { ...convTransposeOptions, ...factoryOptions, bias: true }

/** weight [in, out / groups, kernel ...], bias [out]. */
abstract class ConvTranspose extends Convolution<Required<ConvTransposeOptions>> {
  protected constructor(
    name: string,
    spatial: number,
    run: ConvolutionKind<Required<ConvTransposeOptions>>['run'],
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeLayerOptions | undefined,
  ) {
    const {
      bias = true,
      stride = 1,
      padding = 0,
      outputPadding = 0,
      dilation = 1,
      groups = 1,
      ...factory
    } = checkOptions(name, options, layerOptions)
    const kind = { name, spatial, transposed: true, run }
    const walk = { stride, padding, outputPadding, dilation, groups }
    super(kind, inChannels, outChannels, kernelSize, walk, bias, factory)
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
