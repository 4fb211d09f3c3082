// Adam (Kingma & Ba 2015), AMSGrad (Reddi et al. 2018), and AdamW with weight decay apart from the gradient
// (Loshchilov & Hutter 2019): m = β₁m + (1 − β₁)g; v = β₂v + (1 − β₂)g²; p −= lr · m̂ / (√v̂ + eps), with m̂ and v̂
// corrected for their start at zero.
import { ArgumentError, show } from '../errors'
import * as kernels from '../kernels'
import { checkNumber } from '../shape'
import type { Tensor } from '../tensor'
import type { Batch } from './batch'
import { type GroupOptions, Optimizer } from './optimizer'
import { checkCommon, checkFlag, type CommonOptions, withDefaults } from './options'

export interface AdamOptions extends CommonOptions {
  /** Decay of the averages of the gradient and of its square, each in [0, 1). */
  betas: readonly [number, number]
  /** Added to the denominator. */
  eps: number
  /** Divide by the largest average of squares so far. */
  amsgrad: boolean
}

const defaults: AdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
}
const averages = ['exp_avg', 'exp_avg_sq'] as const
const withLargest = [...averages, 'max_exp_avg_sq'] as const
const none = [] as const

export class Adam extends Optimizer<AdamOptions> {
  /** Whether weight decay shrinks the parameters directly instead of joining the gradient. */
  protected readonly isDecoupled: boolean = false

  constructor(params: Iterable<Tensor> | Iterable<GroupOptions<AdamOptions>>, options?: Partial<AdamOptions>) {
    super(params, withDefaults('Adam', defaults, options))
  }

  protected override checkOptions(options: AdamOptions): void {
    checkCommon(this.name, options)
    checkFlag(this.name, 'amsgrad', options.amsgrad)
    const { betas, eps } = options
    if (!Array.isArray(betas) || betas.length !== 2 || !betas.every((beta) => beta >= 0 && beta < 1)) {
      throw new ArgumentError(`${this.name}: expected betas to be two numbers in [0, 1), got ${show(betas)}`)
    }
    checkNumber(this.name, 'eps', eps, 0)
  }

  protected override stateNames({ amsgrad }: AdamOptions): readonly string[] {
    return amsgrad ? withLargest : averages
  }

  protected override launch(options: AdamOptions, { params, grads, states, step }: Batch): void {
    const { lr, betas, eps, weightDecay, maximize } = options
    const [m, v, largest = none] = states
    kernels.adam(
      params,
      grads,
      m,
      v,
      largest,
      lr,
      betas[0],
      betas[1],
      eps,
      weightDecay,
      this.isDecoupled,
      maximize,
      step,
    )
  }
}

export class AdamW extends Adam {
  protected override readonly isDecoupled = true

  /** As Adam, with a weight decay of 0.01 by default. */
  constructor(params: Iterable<Tensor> | Iterable<GroupOptions<AdamOptions>>, options?: Partial<AdamOptions>) {
    super(params, withDefaults('AdamW', { ...defaults, weightDecay: 0.01 }, options))
  }
}
