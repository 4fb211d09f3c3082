// Layers that are one in evaluation. A batch norm there only scales and shifts the channels of what comes before it:
// after a convolution it becomes part of its weight and bias (Jacob et al. 2018, section 3.2).
import { noGrad } from '../autograd'
import { ArgumentError, show, ShapeError } from '../errors'
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
 * that follows it, and an `Identity` has its place. State dicts of the model do not have those batch norms any more.
 * Returns the model.
 */
export function fuse<Model extends Module>(model: Model): Model {
  if (!(model instanceof Module)) throw new ArgumentError(`fuse: expected a module, got ${show(model)}`)
  if (model.training) throw new ArgumentError('fuse: expected a model in evaluation, got training; call eval()')
  for (const module of model.modules()) if (module instanceof Sequential) fuseLayers(module.layers as Module[])
  return model
}

function fuseLayers(layers: Module[]): void {
  for (const [i, next] of layers.entries()) {
    const layer = layers[i - 1]
    if (!(layer instanceof Convolution && next instanceof BatchNorm) || next.runningMean === null) continue
    layers[i - 1] = fuseConvBn(layer as AnyConvolution, next)
    layers[i] = new Identity().eval()
  }
}
