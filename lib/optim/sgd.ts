// Stochastic gradient descent with momentum (Sutskever et al. 2013, in PyTorch's form: the step size is not part of the
// momentum): g += weightDecay·p; v = momentum·v + (1 − dampening)·g (v = g at first); p −= lr·v, or with Nesterov
// p −= lr·(g + momentum·v).
import { ArgumentError } from '../errors'
import * as kernels from '../kernels'
import { checkNumber } from '../shape'
import type { Tensor } from '../tensor'
import type { Batch } from './batch'
import { type GroupOptions, Optimizer } from './optimizer'
import { checkCommon, checkFlag, type CommonOptions, withDefaults } from './options'

export interface SGDOptions extends CommonOptions {
  momentum: number
  /** Share of the gradient that momentum leaves out. */
  dampening: number
  /** Look ahead along the momentum. Needs momentum and no dampening. */
  nesterov: boolean
}

const defaults: SGDOptions = { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false }
const withMomentum = ['momentum_buffer'] as const
const without = [] as const

export class SGD extends Optimizer<SGDOptions> {
  constructor(params: Iterable<Tensor> | Iterable<GroupOptions<SGDOptions>>, options?: Partial<SGDOptions>) {
    super(params, withDefaults('SGD', defaults, options))
  }

  protected override checkOptions(options: SGDOptions): void {
    checkCommon('SGD', options)
    checkFlag('SGD', 'nesterov', options.nesterov)
    const { momentum, dampening, nesterov } = options
    checkNumber('SGD', 'momentum', momentum, 0)
    checkNumber('SGD', 'dampening', dampening)
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new ArgumentError(
        `SGD: expected momentum and no dampening with nesterov, got momentum ${momentum} and dampening ${dampening}`,
      )
    }
  }

  protected override stateNames({ momentum }: SGDOptions): readonly string[] {
    return momentum === 0 ? without : withMomentum
  }

  protected override launch(options: SGDOptions, { params, grads, states, step }: Batch): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = options
    const momentums = states[0] ?? without
    kernels.sgd(params, grads, momentums, lr, momentum, dampening, weightDecay, nesterov, maximize, step === 1)
  }
}
