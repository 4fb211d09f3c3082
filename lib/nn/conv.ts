// Convolution layers over 1, 2 and 3 spatial dims.
import { checkOptions, type OptionNames } from '../check'
import { conv1d, conv2d, conv3d, type ConvOptions, convOptions } from '../ops/conv'
import { Convolution, type ConvolutionKind } from './convolution'
import { type Factory, factoryOptions } from './factory'

export interface ConvLayerOptions extends ConvOptions, Factory {
  /** Add a learned bias. Default true. */
  bias?: boolean
}

const layerOptions: OptionNames<ConvLayerOptions> = { ...convOptions, ...factoryOptions, bias: true }

/** weight [out, in / groups, kernel ...], bias [out]. */
abstract class Conv extends Convolution<Required<ConvOptions>> {
  protected constructor(
    name: string,
    spatial: number,
    run: ConvolutionKind<Required<ConvOptions>>['run'],
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvLayerOptions | undefined,
  ) {
    const {
      bias = true,
      stride = 1,
      padding = 0,
      dilation = 1,
      groups = 1,
      ...factory
    } = checkOptions(name, options, layerOptions)
    const kind = { name, spatial, transposed: false, run }
    super(kind, inChannels, outChannels, kernelSize, { stride, padding, dilation, groups }, bias, factory)
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
