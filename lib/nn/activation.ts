// Activation functions as layers.
import { checkOptions } from '../check'
import { glu, type GluOptions, gluOptions } from '../ops/glu'
import { logSoftmax, softmax, type SoftmaxOptions, softmaxOptions } from '../ops/softmax'
import {
  elu,
  type EluOptions,
  eluOptions,
  gelu,
  type GeluOptions,
  geluOptions,
  leakyRelu,
  type LeakyReluOptions,
  leakyReluOptions,
  relu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from '../ops/unary'
import type { Tensor } from '../tensor'
import { Module } from './module'

/** max(x, 0). */
export class ReLU extends Module {
  override forward(x: Tensor): Tensor {
    return relu(x)
  }
}

/** x · Φ(x), or its tanh approximation. */
export class GELU extends Module {
  constructor(readonly options: GeluOptions = {}) {
    super()
    checkOptions('GELU', options, geluOptions)
  }

  override forward(x: Tensor): Tensor {
    return gelu(x, this.options)
  }

  protected override details(): string {
    return this.options.approximate === 'tanh' ? "approximate: 'tanh'" : ''
  }
}

/** x · sigmoid(x). */
export class SiLU extends Module {
  override forward(x: Tensor): Tensor {
    return silu(x)
  }
}

/** a · sigmoid(b), where a and b are the halves of x along a dim. */
export class GLU extends Module {
  constructor(readonly options: GluOptions = {}) {
    super()
    checkOptions('GLU', options, gluOptions)
  }

  override forward(x: Tensor): Tensor {
    return glu(x, this.options)
  }

  protected override details(): string {
    return `dim: ${this.options.dim ?? -1}`
  }
}

export class Tanh extends Module {
  override forward(x: Tensor): Tensor {
    return tanh(x)
  }
}

export class Sigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return sigmoid(x)
  }
}

/** log(1 + eˣ). */
export class Softplus extends Module {
  override forward(x: Tensor): Tensor {
    return softplus(x)
  }
}

/** x where positive, `negativeSlope`·x elsewhere (default 0.01). */
export class LeakyReLU extends Module {
  constructor(readonly options: LeakyReluOptions = {}) {
    super()
    checkOptions('LeakyReLU', options, leakyReluOptions)
  }

  override forward(x: Tensor): Tensor {
    return leakyRelu(x, this.options)
  }

  protected override details(): string {
    return `negativeSlope: ${this.options.negativeSlope ?? 0.01}`
  }
}

/** x where positive, `alpha`·(eˣ − 1) elsewhere (default 1). */
export class ELU extends Module {
  constructor(readonly options: EluOptions = {}) {
    super()
    checkOptions('ELU', options, eluOptions)
  }

  override forward(x: Tensor): Tensor {
    return elu(x, this.options)
  }

  protected override details(): string {
    return `alpha: ${this.options.alpha ?? 1}`
  }
}

/** Softmax along `dim` (default: the last). */
export class Softmax extends Module {
  constructor(readonly options: SoftmaxOptions = {}) {
    super()
    checkOptions('Softmax', options, softmaxOptions)
  }

  override forward(x: Tensor): Tensor {
    return softmax(x, this.options)
  }

  protected override details(): string {
    return `dim: ${this.options.dim ?? -1}`
  }
}

/** Logarithm of softmax along `dim` (default: the last). */
export class LogSoftmax extends Module {
  constructor(readonly options: SoftmaxOptions = {}) {
    super()
    checkOptions('LogSoftmax', options, softmaxOptions)
  }

  override forward(x: Tensor): Tensor {
    return logSoftmax(x, this.options)
  }

  protected override details(): string {
    return `dim: ${this.options.dim ?? -1}`
  }
}
