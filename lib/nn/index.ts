// What `nn` gives.
export * from './activation'
export { type AttendOptions, MultiheadAttention, type MultiheadAttentionOptions } from './attention'
export { clipGradNorm, clipGradValue } from './clip'
export { Conv1d, Conv2d, Conv3d, type ConvLayerOptions } from './conv'
export {
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeLayerOptions,
} from './convTranspose'
export { Dropout } from './dropout'
export { Embedding, type EmbeddingLayerOptions } from './embedding'
export { Flatten } from './flatten'
export * as functional from './functional'
export { fuse, fuseConvBn } from './fuse'
export { GRU, GRUCell } from './gru'
export * as init from './init'
export { KeyValueCache, type KeyValueCacheOptions } from './keyValueCache'
export { Identity, Linear, type LinearOptions } from './linear'
export * from './loss'
export { LSTM, LSTMCell, type LSTMState } from './lstm'
export { Module } from './module'
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  type BatchNormLayerOptions,
  LayerNorm,
  type LayerNormLayerOptions,
  RMSNorm,
  type RMSNormLayerOptions,
} from './norm'
export { buffer, parameter } from './parameter'
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  type AvgPoolLayerOptions,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  type MaxPoolLayerOptions,
} from './pool'
export { type RecurrentLayerOptions, type SequenceOptions } from './recurrent'
export { type RecurrentCellOptions } from './recurrentCell'
export { RNN, RNNCell, type RNNCellOptions, type RNNOptions } from './rnn'
export { type Layer, Sequential } from './sequential'
export type { LoadReport, StateDict } from './state'
