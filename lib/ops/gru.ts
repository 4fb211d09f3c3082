// Gated recurrent unit (Cho et al. 2014): one direction of one layer. With the gates r, z = sigmoid(x + h·wᵀ), in this
// order r, z, n one below the other: n = tanh(xₙ + r·(h·wₙᵀ + b)) and h' = (1 − z)·n + z·h.
import { apply, isGradEnabled, type Op, optional } from '../autograd'
import { checkSameDType } from '../check'
import { ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { Tensor } from '../tensor'
import { add, mul, sub } from './arithmetic'
import { sum } from './broadcast'
import { cat } from './cat'
import { linear } from './linear'
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
import { narrow } from './slice'
import { chunk } from './split'
import { sigmoid, tanh } from './unary'
import { transpose } from './view'

const step =
  (w: Tensor, b: Tensor | null): Step =>
  (x, [h]) => {
    const [xr, xz, xn] = chunk(x, 3, 1)
    const [wr, wz, wn] = chunk(w, 3, 0)
    const r = sigmoid(add(xr, matmul(h, transpose(wr, 0, 1))))
    const z = sigmoid(add(xz, matmul(h, transpose(wz, 0, 1))))
    const n = tanh(add(xn, mul(r, linear(h, wn, b))))
    return [add(n, mul(z, sub(h, n)))]
  }

/** Inputs: x, w, b, h0 and lengths (0 for none). Results: y and h. */
const gruOp: Op<{ reverse: boolean }, Tensor[]> = {
  name: 'gru',
  forward: (node, inputs, { reverse }) => {
    const [x, w] = inputs as readonly Tensor[]
    const [b, h0, lengths] = inputs.slice(2).map(optional)
    const [steps, batch] = x.shape
    const size = w.shape[1]
    const y = new Tensor([steps, batch, size], x.dtype, x.device)
    const h = new Tensor([batch, size], x.dtype, x.device)
    const gates = records(node, inputs) ? new Tensor([steps, batch, 4 * size], keptDType(x), x.device) : null
    kernels.gru(x, w, b, h0, lengths, y, h, gates, reverse)
    node.save(x, w, b, h0, lengths, y, gates)
    return [y, h]
  },
  backward: (node, dy: Tensor | null, dh: Tensor | null) => {
    const [x, w, b, h0, lengths, y, gates] = node.saved as readonly (Tensor | null)[] as Saved
    const { reverse } = node.attrs
    if (isGradEnabled()) {
      return gradientFormula(node, [x, w, b, h0, lengths], [dy, dh], ([x1, w1, b1, h1]) =>
        unroll(x1!, [startingFrom(x1!, w1!, h1)], lengths, reverse, step(w1!, b1)),
      )
    }
    const dx = new Tensor(x.shape, x.dtype, x.device)
    const dq = new Tensor(y.shape, x.dtype, x.device)
    const dh0 = h0 && node.needs(3) ? new Tensor(h0.shape, x.dtype, x.device) : null
    kernels.gruBackward(dy, dh, w, h0, lengths, y, gates, dx, dq, dh0, reverse)
    const dw = () => {
      const ofGates = (dgates: Tensor) => weightGradient(dgates, y, h0, lengths, reverse)
      return cat([ofGates(narrow(dx, 2, 0, 2 * w.shape[1])), ofGates(dq)])
    }
    return [dx, node.needs(1) ? dw() : null, node.needs(2) ? sum(dq, { dim: [0, 1] }) : null, dh0, null]
  },
}

type Saved = readonly [Tensor, Tensor, Tensor | null, Tensor | null, Tensor | null, Tensor, Tensor]

/**
 * The layer's states y [T, B, H] of all steps and the last one, h [B, H]. x [T, B, 3·H] is what the inputs contribute
 * to the gates, with all biases but b [H], which is added to h·wₙᵀ; w [3·H, H]; h0 [B, H] (default zeros). Beyond a
 * sequence's length y is zero. A length outside [1, T] surfaces at the next await, as INDEX_OUT_OF_RANGE.
 */
export function gru(
  x: Tensor,
  w: Tensor,
  b: Tensor | null,
  h0: Tensor | null,
  { lengths = null, reverse = false }: RecurrentOptions = {},
): [y: Tensor, h: Tensor] {
  checkRecurrent('gru', 3, x, w, { h0 }, lengths)
  if (b !== null && (checkSameDType('gru', 'b', b, x.dtype).ndim !== 1 || b.shape[0] !== w.shape[1])) {
    throw new ShapeError(`gru: expected b [${w.shape[1]}], got ${show(b.shape)}`)
  }
  return apply(gruOp, [x, w, b ?? 0, h0 ?? 0, lengths ?? 0], { reverse }) as [Tensor, Tensor]
}
