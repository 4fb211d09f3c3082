// Pooling layers. Options are those of the functions in lib/ops/pool.ts.
import { checkOptions, type OptionNames } from '../check'
import { show } from '../errors'
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type AvgPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type MaxPoolOptions,
} from '../ops/pool'
import type { Tensor } from '../tensor'
import { Module } from './module'

type Window = number | readonly number[]
export type MaxPoolLayerOptions = Omit<MaxPoolOptions, 'kernelSize' | 'returnIndices'>
export type AvgPoolLayerOptions = Omit<AvgPoolOptions, 'kernelSize'>

const windowOptions = { stride: true, padding: true, ceilMode: true } as const
const maxPoolOptions: OptionNames<MaxPoolLayerOptions> = { ...windowOptions, dilation: true }
const avgPoolOptions: OptionNames<AvgPoolLayerOptions> = { ...windowOptions, countIncludePad: true }

/** One size for each spatial dim, or one for all; null keeps a size. */
export type OutputSize = number | readonly (number | null)[]

abstract class Pool<Options extends { kernelSize: Window }> extends Module {
  readonly options: Options

  constructor(
    private readonly pool: (x: Tensor, options: Options) => Tensor,
    kernelSize: Window,
    options: Omit<Options, 'kernelSize'>,
  ) {
    super()
    this.options = { ...options, kernelSize } as Options
  }

  override forward(x: Tensor): Tensor {
    return this.pool(x, this.options)
  }

  protected override details(): string {
    return Object.entries(this.options)
      .map(([name, value]) => `${name}: ${show(value)}`)
      .join(', ')
  }
}

type MaxPool = MaxPoolOptions & { returnIndices?: false }

/** Largest element of each window of x [B, C, W]. */
export class MaxPool1d extends Pool<MaxPool> {
  constructor(kernelSize: Window, options?: MaxPoolLayerOptions) {
    super(maxPool1d, kernelSize, checkOptions('MaxPool1d', options, maxPoolOptions))
  }
}

/** Largest element of each window of x [B, C, H, W]. */
export class MaxPool2d extends Pool<MaxPool> {
  constructor(kernelSize: Window, options?: MaxPoolLayerOptions) {
    super(maxPool2d, kernelSize, checkOptions('MaxPool2d', options, maxPoolOptions))
  }
}

/** Largest element of each window of x [B, C, D, H, W]. */
export class MaxPool3d extends Pool<MaxPool> {
  constructor(kernelSize: Window, options?: MaxPoolLayerOptions) {
    super(maxPool3d, kernelSize, checkOptions('MaxPool3d', options, maxPoolOptions))
  }
}

/** Mean of each window of x [B, C, W]. */
export class AvgPool1d extends Pool<AvgPoolOptions> {
  constructor(kernelSize: Window, options?: AvgPoolLayerOptions) {
    super(avgPool1d, kernelSize, checkOptions('AvgPool1d', options, avgPoolOptions))
  }
}

/** Mean of each window of x [B, C, H, W]. */
export class AvgPool2d extends Pool<AvgPoolOptions> {
  constructor(kernelSize: Window, options?: AvgPoolLayerOptions) {
    super(avgPool2d, kernelSize, checkOptions('AvgPool2d', options, avgPoolOptions))
  }
}

/** Mean of each window of x [B, C, D, H, W]. */
export class AvgPool3d extends Pool<AvgPoolOptions> {
  constructor(kernelSize: Window, options?: AvgPoolLayerOptions) {
    super(avgPool3d, kernelSize, checkOptions('AvgPool3d', options, avgPoolOptions))
  }
}

abstract class AdaptiveAvgPool extends Module {
  constructor(
    private readonly pool: (x: Tensor, outputSize: OutputSize) => Tensor,
    readonly outputSize: OutputSize,
  ) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return this.pool(x, this.outputSize)
  }

  protected override details(): string {
    return show(this.outputSize)
  }
}

/** Means over `outputSize` windows of x [B, C, W]. */
export class AdaptiveAvgPool1d extends AdaptiveAvgPool {
  constructor(outputSize: OutputSize) {
    super(adaptiveAvgPool1d, outputSize)
  }
}

/** Means over [h, w] = `outputSize` windows of x [B, C, H, W]. */
export class AdaptiveAvgPool2d extends AdaptiveAvgPool {
  constructor(outputSize: OutputSize) {
    super(adaptiveAvgPool2d, outputSize)
  }
}

/** Means over [d, h, w] = `outputSize` windows of x [B, C, D, H, W]. */
export class AdaptiveAvgPool3d extends AdaptiveAvgPool {
  constructor(outputSize: OutputSize) {
    super(adaptiveAvgPool3d, outputSize)
  }
}
