// How the elements of images [B, C, ...] lie in memory: in row-major order, each channel a plane of its own, or
// channels-last, all channels of a position side by side, as decoders and cameras deliver them. The shape is the same.
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { ArgumentError, ShapeError, show } from '../errors'
import { addMethods } from '../methods'
import { contiguousStrides, type Tensor } from '../tensor'
import { rowMajor } from './copy'
import { permute } from './view'

export type MemoryFormat = 'contiguous' | 'channelsLast'

export interface ContiguousOptions {
  /** 'contiguous': row-major order; 'channelsLast': dim 1 is the innermost, for 3 to 5 dims. Default 'contiguous'. */
  memoryFormat?: MemoryFormat
}

const contiguousOptions: OptionNames<ContiguousOptions> = { memoryFormat: true }

/** The dims in the order in which channels-last memory walks them. */
const outermostFirst = (ndim: number): number[] => [0, ...Array.from({ length: ndim - 2 }, (_, d) => d + 2), 1]

/** True if x [B, C, ...] of 3 to 5 dims lies channels-last in memory, and not in row-major order as well. */
export function isChannelsLast(x: Tensor): boolean {
  checkTensor('isChannelsLast', 'x', x)
  if (x.ndim < 3 || x.ndim > 5 || x.isContiguous) return false
  const order = outermostFirst(x.ndim)
  const expected = contiguousStrides(order.map((d) => x.shape[d]))
  return order.every((d, i) => x.shape[d] === 1 || x.strides[d] === expected[i])
}

function channelsLast(x: Tensor): Tensor {
  if (x.ndim < 3 || x.ndim > 5) {
    throw new ShapeError(`contiguous: expected 3 to 5 dims for memoryFormat 'channelsLast', got ${show(x.shape)}`)
  }
  if (isChannelsLast(x)) return x
  return channelsFirst(rowMajor(channelsBehind(x)))
}

/** A view of x [B, C, ...] as [B, ..., C]. */
export const channelsBehind = (x: Tensor): Tensor => permute(x, outermostFirst(x.ndim))

/** A view of x [B, ..., C] as [B, C, ...]. */
export function channelsFirst(x: Tensor): Tensor {
  const order = outermostFirst(x.ndim)
  return permute(x, order.map((_, d) => order.indexOf(d)))
}

/** y, channels-last if x is: what an op on images returns. */
export function inFormatOf(x: Tensor, y: Tensor): Tensor {
  return isChannelsLast(x) ? channelsLast(y) : y
}

/**
 * `x` itself if its elements lie in this order, else a copy that does. The result may be the very same tensor:
 * disposing it disposes `x`.
 */
export function contiguous(x: Tensor, options?: ContiguousOptions): Tensor {
  checkTensor('contiguous', 'x', x)
  const { memoryFormat = 'contiguous' } = checkOptions('contiguous', options, contiguousOptions)
  if (memoryFormat === 'contiguous') return rowMajor(x)
  if (memoryFormat === 'channelsLast') return channelsLast(x)
  throw new ArgumentError(
    `contiguous: expected memoryFormat 'contiguous' or 'channelsLast', got ${show(memoryFormat)}`,
  )
}

declare module '../tensor' {
  interface Tensor {
    contiguous(options?: ContiguousOptions): Tensor
  }
}

addMethods({ contiguous })
