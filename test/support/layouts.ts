// Puts values into tensors of different memory layouts. What a layout needs changed in the values (a broadcast tensor
// repeats them) is in the values it returns.
import { type DType, dtypes } from '../../lib/dtype'
import { tensor } from '../../lib/ops/create'
import { dataSync } from '../../lib/ops/read'
import { noGrad } from '../../lib/autograd'
import type { Tensor } from '../../lib/tensor'
import { indices, NdArray } from './ndarray'

export const layouts = ['contiguous', 'transposed', 'sliced', 'broadcast'] as const
export type Layout = (typeof layouts)[number]

/** A contiguous tensor of the values, rounded to the dtype. */
export function dense(values: NdArray, dtype: DType): Tensor {
  const shape = values.shape
  if (dtype === 'int64') return tensor(BigInt64Array.from(values.data, BigInt), { shape })
  return tensor(values.data, { shape, dtype })
}

/** The elements of a tensor as float64. */
export function read(t: Tensor): NdArray {
  const values = dataSync(t)
  const numbers = values instanceof BigInt64Array ? Array.from(values, Number) : values
  return new NdArray([...t.shape], new Float64Array(numbers))
}

function transposed(values: NdArray, dtype: DType): Tensor {
  const order = values.shape.map((_, d) => d).reverse()
  return dense(values.permute(order), dtype).permute(order)
}

/** Every second element of the last dim, from the second index of every dim on; what lies between is junk. */
function sliced(values: NdArray, dtype: DType): Tensor {
  const last = values.shape.length - 1
  const junk = dtypes[dtype].kind === 'float' ? NaN : 1
  const steps = values.shape.map((_, d) => (d === last ? 2 : 1))
  const outer = NdArray.make(
    values.shape.map((n, d) => n * steps[d] + 1),
    () => junk,
  )
  for (const index of indices(values.shape)) outer.set(index.map((i, d) => i * steps[d] + 1), values.at(index))
  return dense(outer, dtype).slice(steps.map((step) => [1, null, step]))
}

/** One dim of stride 0. */
function broadcast(values: NdArray, dtype: DType): Tensor {
  const dim = values.shape.findIndex((n) => n > 1)
  const narrow = values.shape.map((n, d) => (d === dim ? 1 : n))
  return dense(NdArray.make(narrow, (index) => values.at(index)), dtype).expand(values.shape)
}

/** A tensor without history that holds `values` in the given layout, and the values it really holds. */
export function layOut(values: NdArray, dtype: DType, layout: Layout): { t: Tensor; held: NdArray } {
  const t = noGrad(() => {
    if (layout === 'contiguous' || values.shape.length === 0) return dense(values, dtype)
    if (layout === 'broadcast' && values.shape.some((n) => n > 1)) return broadcast(values, dtype)
    return layout === 'transposed' && values.shape.length > 1 ? transposed(values, dtype) : sliced(values, dtype)
  })
  return { t, held: read(t) }
}
