// Layers that are one in evaluation. A batch norm there only scales and shifts the channels of what comes before it:
// after a convolution it becomes part of its weight and bias (Jacob et al. 2018, section 3.2). An activation is applied
// to the convolution's results while these are in cache.
import { noGrad } from '../autograd'
import { ArgumentError, show, ShapeError } from '../errors'
import type { Activation } from '../ops/activation'
import { GELU, ReLU, Sigmoid, SiLU, Tanh } from './activation'
import { Conv } from './conv'
import { Convolution } from './convolution'
import { Identity } from './linear'
import { Module } from './module'
import { BatchNorm } from './norm'
import { Sequential } from './sequential'

type AnyConvolution = Convolution<{ groups: number }>

/**
 * One convolution in place of `conv` and the batch norm `bn` after it, both in evaluation. Its weights are copies.
 *
 * @throws ArgumentError if `bn` has no running statistics or a layer is in training.
 */
export function fuseConvBn<Conv extends AnyConvolution>(conv: Conv, bn: BatchNorm): Conv {
  if (!(conv instanceof Convolution)) {
    throw new ArgumentError(`fuseConvBn: expected a convolution, got ${show(conv)}`)
  }
  if (!(bn instanceof BatchNorm)) throw new ArgumentError(`fuseConvBn: expected a batch norm, got ${show(bn)}`)
  if (conv.training || bn.training) throw new ArgumentError('fuseConvBn: expected layers in evaluation, got training')
  if (bn.numFeatures !== conv.outChannels) {
    throw new ShapeError(`fuseConvBn: expected a batch norm of ${conv.outChannels} channels, got ${bn.numFeatures}`)
  }
  return noGrad(() => {
    const map = bn.perChannel()
    if (map === null) throw new ArgumentError('fuseConvBn: expected a batch norm with running statistics, got none')
    return conv.scaled(map.scale, map.shift)
  })
}

/**
 * Fuses the layers of every `Sequential` in `model`, which is in evaluation: a convolution takes over the batch norm
 * and the activation (ReLU, GELU, SiLU, Tanh, Sigmoid) that follow it, and an `Identity` has the place of each. State
 * dicts of the model do not have those batch norms any more. Returns the model.
 *
 * A block that adds a residual before its last activation holds convolution, norm and activation in a `Sequential` too:
 * once that is fused, `conv.forward(x, residual)` of its first layer is all of it.
 */
export function fuse<Model extends Module>(model: Model): Model {
  if (!(model instanceof Module)) throw new ArgumentError(`fuse: expected a module, got ${show(model)}`)
  if (model.training) throw new ArgumentError('fuse: expected a model in evaluation, got training; call eval()')
  for (const module of model.modules()) if (module instanceof Sequential) fuseLayers(module.layers as Module[])
  return model
}

function fuseLayers(layers: Module[]): void {
  let at = -1 // of the convolution that takes over what follows
  for (const [i, layer] of layers.entries()) {
    const fused = at < 0 ? null : together(layers[at], layer)
    if (fused !== null) {
      layers[at] = fused
      layers[i] = new Identity().eval()
    } else if (layer instanceof Convolution) {
      at = i
    } else if (!(layer instanceof Identity)) {
      at = -1
    }
  }
}

/** One layer in place of a convolution and what follows it, null if there is none. */
function together(layer: Module, next: Module): Module | null {
  if (layer instanceof Conv && layer.activation !== null) return null
  if (next instanceof BatchNorm) {
    return next.runningMean === null ? null : fuseConvBn(layer as AnyConvolution, next)
  }
  const activation = activationOf(next)
  return layer instanceof Conv && activation !== null ? layer.activated(activation).eval() : null
}

/** The activation that a layer is, if convolutions have it. */
function activationOf(layer: Module): Activation | null {
  if (layer instanceof GELU) return layer.options.approximate === 'tanh' ? 'geluTanh' : 'gelu'
  const found = ([[ReLU, 'relu'], [SiLU, 'silu'], [Tanh, 'tanh'], [Sigmoid, 'sigmoid']] as const).find(
    ([type]) => layer instanceof type,
  )
  return found?.[1] ?? null
}
