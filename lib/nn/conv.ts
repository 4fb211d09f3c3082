// Convolution layers over 1, 2 and 3 spatial dims.
import { checkOptions, type OptionNames } from '../check'
import type { Activation } from '../ops/activation'
import { conv1d, conv2d, conv3d, type ConvMapOptions, type ConvOptions, convOptions } from '../ops/conv'
import { packConv, type PackedConv } from '../ops/packedConv'
import type { Tensor } from '../tensor'
import { Convolution } from './convolution'
import { type Factory, factoryOptions } from './factory'
import { PackedCopy } from './packedCopy'

export interface ConvLayerOptions extends ConvOptions, Factory {
  /** Add a learned bias. Default true. */
  bias?: boolean
}

const layerOptions: OptionNames<ConvLayerOptions> = { ...convOptions, ...factoryOptions, bias: true }

type Op = (x: Tensor, weight: Tensor | PackedConv, bias: Tensor | null, options: ConvMapOptions) => Tensor

/** weight [out, in / groups, kernel ...], bias [out]. */
export abstract class Conv extends Convolution<Required<ConvOptions>> {
  /** What the layer applies to its results; `fuse` gives it the activation that follows. */
  activation: Activation | null = null
  private packed: PackedCopy<PackedConv>

  protected constructor(
    name: string,
    spatial: number,
    private readonly run: Op,
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
    this.packed = this.ownCopy()
  }

  private ownCopy(): PackedCopy<PackedConv> {
    return new PackedCopy((weight) => packConv(weight, { groups: this.options.groups }))
  }

  /** The convolution of x, to which a residual of the result's shape is added. */
  override forward(x: Tensor, residual?: Tensor): Tensor {
    const weight = this.packed.of(this.weight, x, this.bias, residual)
    return this.run(x, weight, this.bias, { ...this.options, activation: this.activation, residual })
  }

  protected override copied(): this {
    const layer = super.copied()
    layer.packed = layer.ownCopy()
    return layer
  }

  /** A layer of its own with the same weight whose results go through `activation`. */
  activated(activation: Activation): this {
    const layer = this.copied()
    layer.activation = activation
    return layer
  }

  protected override pack(): void {
    this.packed.pack(this.weight)
  }

  protected override unpack(): void {
    this.packed.unpack()
  }

  protected override details(): string {
    return super.details() + (this.activation === null ? '' : `, activation: '${this.activation}'`)
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
