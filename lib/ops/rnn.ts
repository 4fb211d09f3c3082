// Elman's recurrent network (1990): one direction of one layer, h' = tanh(x + h·wᵀ) or relu of it.
import { apply, isGradEnabled, type Op, optional } from '../autograd'
import * as kernels from '../kernels'
import { Tensor } from '../tensor'
import { add } from './arithmetic'
import { matmul } from './matmul'
import {
  checkRecurrent,
  gradientFormula,
  type RecurrentOptions,
  startingFrom,
  type Step,
  unroll,
  weightGradient,
} from './recurrent'
import { relu, tanh } from './unary'
import { transpose } from './view'

const activations = { tanh, relu }

/** What a plain recurrent layer applies to its sums. */
export type Nonlinearity = keyof typeof activations

interface Rnn {
  nonlinearity: Nonlinearity
  reverse: boolean
}

const step =
  (w: Tensor, nonlinearity: Nonlinearity): Step =>
  (x, [h]) => [activations[nonlinearity](add(x, matmul(h, transpose(w, 0, 1))))]

/** Inputs: x, w, h0 and lengths (0 for none). Results: y and h. */
const rnnOp: Op<Rnn, Tensor[]> = {
  name: 'rnn',
  forward: (node, inputs, { nonlinearity, reverse }) => {
    const [x, w] = inputs as readonly Tensor[]
    const [h0, lengths] = inputs.slice(2).map(optional)
    const y = new Tensor(x.shape, x.dtype, x.device)
    const h = new Tensor(x.shape.slice(1), x.dtype, x.device)
    kernels.rnn(x, w, h0, lengths, y, h, nonlinearity === 'relu', reverse)
    node.save(x, w, h0, lengths, y)
    return [y, h]
  },
  backward: (node, dy: Tensor | null, dh: Tensor | null) => {
    const [x, w, h0, lengths, y] = node.saved as readonly (Tensor | null)[] as Saved
    const { nonlinearity, reverse } = node.attrs
    if (isGradEnabled()) {
      return gradientFormula(node, [x, w, h0, lengths], [dy, dh], ([x1, w1, h1]) =>
        unroll(x1!, [startingFrom(x1!, w1!, h1)], lengths, reverse, step(w1!, nonlinearity)),
      )
    }
    const dx = new Tensor(x.shape, x.dtype, x.device)
    const dh0 = h0 && node.needs(2) ? new Tensor(h0.shape, x.dtype, x.device) : null
    kernels.rnnBackward(dy, dh, w, lengths, y, dx, dh0, nonlinearity === 'relu', reverse)
    return [dx, node.needs(1) ? weightGradient(dx, y, h0, lengths, reverse) : null, dh0, null]
  },
}

type Saved = readonly [Tensor, Tensor, Tensor | null, Tensor | null, Tensor]

export interface RnnOptions extends RecurrentOptions {
  /** Default tanh. */
  nonlinearity?: Nonlinearity
}

/**
 * The layer's states y [T, B, H] of all steps and the last one, h [B, H]. x [T, B, H] is what the inputs contribute to
 * the sums, bias included; w [H, H]; h0 [B, H] (default zeros). Beyond a sequence's length y is zero. A length outside
 * [1, T] surfaces at the next await, as INDEX_OUT_OF_RANGE.
 */
export function rnn(
  x: Tensor,
  w: Tensor,
  h0: Tensor | null,
  { nonlinearity = 'tanh', lengths = null, reverse = false }: RnnOptions = {},
): [y: Tensor, h: Tensor] {
  checkRecurrent('rnn', 1, x, w, { h0 }, lengths)
  return apply(rnnOp, [x, w, h0 ?? 0, lengths ?? 0], { nonlinearity, reverse }) as [Tensor, Tensor]
}
