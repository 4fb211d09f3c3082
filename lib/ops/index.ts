// The public ops, by file. What a file exports beside them serves other ops.
export { type Activation } from './activation'
export { add, div, mul, neg, sub } from './arithmetic'
export { type AttentionOptions, scaledDotProductAttention } from './attention'
export { batchNorm, type BatchNormOptions } from './batchNorm'
export { maximum, minimum, pow, remainder } from './binary'
export { expand, sum, type ReduceOptions } from './broadcast'
export { cat, repeat, stack } from './cat'
export { clamp, type ClampOptions } from './clamp'
export { eq, ge, gt, isnan, le, logicalAnd, logicalNot, logicalOr, logicalXor, lt, ne } from './compare'
export { conv1d, conv2d, conv3d, type ConvMapOptions, type ConvOptions } from './conv'
export { convTranspose1d, convTranspose2d, convTranspose3d, type ConvTransposeOptions } from './convTranspose'
export { clone, to } from './copy'
export {
  arange,
  full,
  linspace,
  type NestedArray,
  ones,
  onesLike,
  tensor,
  type TensorOptions,
  zeros,
  zerosLike,
} from './create'
export { type ClassLossOptions, crossEntropy, type CrossEntropyOptions, nllLoss } from './crossEntropy'
export { dropout, type DropoutOptions } from './dropout'
export { embedding, type EmbeddingOptions } from './embedding'
export { geglu, glu, type GluOptions, reglu, swiglu } from './glu'
export { gather, indexAdd, indexSelect, oneHot, scatter, scatterAdd } from './indexing'
export { addLayerNorm, layerNorm, type LayerNormOptions } from './layerNorm'
export { linear, type LinearMapOptions } from './linear'
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type BinaryLossOptions,
  huberLoss,
  type HuberLossOptions,
  l1Loss,
  type LogitsLossOptions,
  type LossOptions,
  type LossReduction,
  mseLoss,
  smoothL1Loss,
  type SmoothL1LossOptions,
} from './loss'
export { matmul } from './matmul'
export { contiguous, type ContiguousOptions, isChannelsLast, type MemoryFormat } from './memoryFormat'
export { packConv, type PackedConv } from './packedConv'
export { type PackedLinear, packLinear } from './packedLinear'
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type AvgPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type MaxPoolOptions,
} from './pool'
export {
  bernoulli,
  Generator,
  type GeneratorOption,
  type GeneratorState,
  getRngState,
  manualSeed,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  randperm,
  type RandomOptions,
  setRngState,
} from './random'
export {
  array,
  arraySync,
  data,
  type DataOptions,
  dataSync,
  item,
  itemSync,
  type NestedNumbers,
  type TextOptions,
  toText,
} from './read'
export {
  all,
  amax,
  amin,
  any,
  argmax,
  argmin,
  type ArgOptions,
  mean,
  prod,
  std,
  variance,
  type VarOptions,
} from './reduce'
export { addRmsNorm, rmsNorm, type RMSNormOptions } from './rmsNorm'
export { chunk, split, unbind } from './split'
export { narrow, select, slice, type SliceRange } from './slice'
export { logSoftmax, logsumexp, softmax, type SoftmaxOptions } from './softmax'
export {
  argsort,
  kthvalue,
  median,
  type Ordered,
  type SelectOptions,
  sort,
  type SortOptions,
  topk,
  type TopkOptions,
} from './sort'
export { tril, triu } from './triangle'
export {
  abs,
  ceil,
  cos,
  elu,
  type EluOptions,
  erf,
  exp,
  expm1,
  floor,
  gelu,
  type GeluOptions,
  leakyRelu,
  type LeakyReluOptions,
  log,
  log1p,
  reciprocal,
  relu,
  round,
  rsqrt,
  sigmoid,
  sign,
  silu,
  sin,
  softplus,
  sqrt,
  square,
  tanh,
  trunc,
} from './unary'
export { detach, flatten, permute, reshape, squeeze, transpose, unsqueeze } from './view'
export { maskedFill, where } from './where'
