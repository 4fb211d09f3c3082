// What `import … from 'neurite'` gives.
export { apply, enableGrad, type Input, isGradEnabled, noGrad, type Node, type Op } from './autograd'
export { backward, grad, type BackwardOptions, type GradOptions } from './backward'
export { type CustomOp, customOp, type OpContext } from './custom'
export * from './data'
export * as cuda from './cuda'
export { type Device, type DeviceLike, getDefaultDevice, setDefaultDevice } from './device'
export type { DType, TypedArray } from './dtype'
export {
  ArgumentError,
  AutogradError,
  DeviceError,
  DTypeError,
  FormatError,
  NeuriteError,
  ShapeError,
  StateDictError,
} from './errors'
export * as nn from './nn'
export * from './ops'
export * as optim from './optim'
export {
  getConvPrecision,
  getMatmulPrecision,
  type Precision,
  setConvPrecision,
  setMatmulPrecision,
} from './precision'
export { profile, type ProfileOptions, type Trace, type TraceEvent } from './profile'
export * from './runtime'
export * as safetensors from './io/safetensors'
export { keep, scope } from './scope'
export { receiveTensor, type SharedTensor, shareTensor } from './share'
export { type Shape, Tensor } from './tensor'
