// The functions behind the layers, under PyTorch's names: `nn.functional.crossEntropy(x, y)`.
export { scaledDotProductAttention } from '../ops/attention'
export { batchNorm } from '../ops/batchNorm'
export { conv1d, conv2d, conv3d } from '../ops/conv'
export { convTranspose1d, convTranspose2d, convTranspose3d } from '../ops/convTranspose'
export { crossEntropy, nllLoss } from '../ops/crossEntropy'
export { dropout } from '../ops/dropout'
export { embedding } from '../ops/embedding'
export { geglu, glu, reglu, swiglu } from '../ops/glu'
export { oneHot } from '../ops/indexing'
export { addLayerNorm, layerNorm } from '../ops/layerNorm'
export { linear } from '../ops/linear'
export { binaryCrossEntropy, binaryCrossEntropyWithLogits, huberLoss, l1Loss, mseLoss, smoothL1Loss } from '../ops/loss'
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from '../ops/pool'
export { addRmsNorm, rmsNorm } from '../ops/rmsNorm'
export { logSoftmax, softmax } from '../ops/softmax'
export { elu, gelu, leakyRelu, relu, sigmoid, silu, softplus, tanh } from '../ops/unary'
