// Long short-term memory (Hochreiter & Schmidhuber 1997): one direction of one layer. With the gates i, f, o = sigmoid
// and g = tanh of x + h·wᵀ, one below the other in this order i, f, g, o: c' = f·c + i·g and h' = o·tanh(c').
import { apply, isGradEnabled, type Op, optional } from '../autograd'
import * as kernels from '../kernels'
import { Tensor } from '../tensor'
import { add, mul } from './arithmetic'
import { matmul } from './matmul'
import {
  checkRecurrent,
  gradientFormula,
  keptDType,
  records,
  type RecurrentOptions,
  startingFrom,
  type Step,
  unroll,
  weightGradient,
} from './recurrent'
import { chunk } from './split'
import { sigmoid, tanh } from './unary'
import { transpose } from './view'

const step =
  (w: Tensor): Step =>
  (x, [h, c]) => {
    const [i, f, g, o] = chunk(add(x, matmul(h, transpose(w, 0, 1))), 4, 1)
    const next = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)))
    return [mul(sigmoid(o), tanh(next)), next]
  }

/** Inputs: x, w, h0, c0 and lengths (0 for none). Results: y, h and c. */
const lstmOp: Op<{ reverse: boolean }, Tensor[]> = {
  name: 'lstm',
  forward: (node, inputs, { reverse }) => {
    const [x, w] = inputs as readonly Tensor[]
    const [h0, c0, lengths] = inputs.slice(2).map(optional)
    const [steps, batch] = x.shape
    const size = w.shape[1]
    const make = (...shape: number[]) => new Tensor(shape, x.dtype, x.device)
    const kept = (width: number) => new Tensor([steps, batch, width], keptDType(x), x.device)
    const [y, h, c] = [make(steps, batch, size), make(batch, size), make(batch, size)]
    const isKept = records(node, inputs)
    const gates = isKept ? kept(4 * size) : null
    const cells = isKept ? kept(size) : null
    kernels.lstm(x, w, h0, c0, lengths, y, h, c, gates, cells, reverse)
    node.save(x, w, h0, c0, lengths, y, gates, cells)
    return [y, h, c]
  },
  backward: (node, dy: Tensor | null, dh: Tensor | null, dc: Tensor | null) => {
    const [x, w, h0, c0, lengths, y, gates, cells] = node.saved as readonly (Tensor | null)[] as Saved
    const { reverse } = node.attrs
    if (isGradEnabled()) {
      return gradientFormula(node, [x, w, h0, c0, lengths], [dy, dh, dc], ([x1, w1, h1, c1]) =>
        unroll(x1!, [startingFrom(x1!, w1!, h1), startingFrom(x1!, w1!, c1)], lengths, reverse, step(w1!)),
      )
    }
    const like = (t: Tensor | null, i: number) => t && node.needs(i) ? new Tensor(t.shape, t.dtype, t.device) : null
    const dx = new Tensor(x.shape, x.dtype, x.device)
    const [dh0, dc0] = [like(h0, 2), like(c0, 3)]
    kernels.lstmBackward(dy, dh, dc, w, c0, lengths, gates, cells, dx, dh0, dc0, reverse)
    return [dx, node.needs(1) ? weightGradient(dx, y, h0, lengths, reverse) : null, dh0, dc0, null]
  },
}

type Saved = readonly [Tensor, Tensor, Tensor | null, Tensor | null, Tensor | null, Tensor, Tensor, Tensor]

/**
 * The layer's states y [T, B, H] of all steps and the last ones, h and c [B, H]. x [T, B, 4·H] is what the inputs
 * contribute to the gates, bias included; w [4·H, H]; h0 and c0 [B, H] (default zeros). Beyond a sequence's length y is
 * zero. A length outside [1, T] surfaces at the next await, as INDEX_OUT_OF_RANGE.
 */
export function lstm(
  x: Tensor,
  w: Tensor,
  h0: Tensor | null,
  c0: Tensor | null,
  { lengths = null, reverse = false }: RecurrentOptions = {},
): [y: Tensor, h: Tensor, c: Tensor] {
  checkRecurrent('lstm', 4, x, w, { h0, c0 }, lengths)
  return apply(lstmOp, [x, w, h0 ?? 0, c0 ?? 0, lengths ?? 0], { reverse }) as [Tensor, Tensor, Tensor]
}
