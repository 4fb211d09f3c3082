// What the tests of convolutions share: their definition.
import type { ConvOptions } from '../../lib'
import { indices, NdArray } from './ndarray'

export interface Window {
  stride: number[]
  padding: number[]
  dilation: number[]
  groups: number
}

/** y[b, o, p] = bias[o] + Σ over c and the window k of x[b, c, p·stride + k·dilation − padding] · w[o, c, k]. */
export function convRef(window: Window, x: NdArray, w: NdArray, bias?: NdArray): NdArray {
  const { stride, padding, dilation, groups } = window
  const [outputs, channels, ...size] = w.shape
  const room = size.map((k, d) => x.shape[d + 2] + 2 * padding[d] - dilation[d] * (k - 1) - 1)
  const spatial = room.map((n, d) => Math.floor(n / stride[d]) + 1)
  return NdArray.make([x.shape[0], outputs, ...spatial], ([b, o, ...p]) => {
    const firstChannel = Math.floor(o / (outputs / groups)) * channels
    let total = bias ? bias.data[o] : 0
    for (const [c, ...k] of indices([channels, ...size])) {
      const at = p.map((i, d) => i * stride[d] + k[d] * dilation[d] - padding[d])
      if (at.some((i, d) => i < 0 || i >= x.shape[d + 2])) continue
      total += x.at([b, firstChannel + c, ...at]) * w.at([o, c, ...k])
    }
    return total
  })
}

const perDim = (n: number, value: number | readonly number[] | undefined, absent: number): number[] =>
  Array.isArray(value) ? (value as number[]) : new Array<number>(n).fill((value as number | undefined) ?? absent)

export function windowOf(n: number, options: ConvOptions): Window {
  return {
    stride: perDim(n, options.stride, 1),
    padding: perDim(n, options.padding as number, 0),
    dilation: perDim(n, options.dilation, 1),
    groups: options.groups ?? 1,
  }
}
