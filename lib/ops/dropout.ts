// Dropout (Srivastava et al. 2014). The mask is never stored: its place in the random stream draws it again.
import { apply, type Op } from '../autograd'
import type { Philox } from '../block'
import { checkFloat, checkOptions, type OptionNames } from '../check'
import * as kernels from '../kernels'
import { checkNumber } from '../shape'
import { Tensor } from '../tensor'
import { draw, type GeneratorOption, generatorOption } from './random'

interface Dropout {
  p: number
  philox: Philox
}

const dropoutOp: Op<Dropout> = {
  name: 'dropout',
  forward: (_node, [input], { p, philox }) => {
    const x = input as Tensor
    const y = new Tensor(x.shape, x.dtype, x.device)
    kernels.dropout(x, y, p, philox)
    return y
  },
  backward: (node, dy) => [apply(dropoutOp, [dy], node.attrs)],
}

/** x with the mask that lies at `philox` in the random stream. */
export function dropoutAt(x: Tensor, p: number, philox: Philox): Tensor {
  return p === 0 ? x : apply(dropoutOp, [x], { p, philox })
}

export interface DropoutOptions extends GeneratorOption {
  /** Probability that an element becomes zero. Default 0.5. */
  p?: number
  /** Without it, x is returned as it is. Default true. */
  training?: boolean
}

const dropoutOptions: OptionNames<DropoutOptions> = { ...generatorOption, p: true, training: true }

/** x with each element zero with probability `p`, the others scaled by 1 / (1 − p). */
export function dropout(x: Tensor, options?: DropoutOptions): Tensor {
  checkFloat('dropout', 'x', x)
  const given = checkOptions('dropout', options, dropoutOptions)
  const p = checkNumber('dropout', 'p', given.p ?? 0.5, 0, 1)
  if (p === 0 || given.training === false) return x
  return dropoutAt(x, p, draw('dropout', given, x.numel))
}
