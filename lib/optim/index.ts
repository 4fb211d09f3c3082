// What `optim` gives.
export { Adam, AdamW, type AdamOptions } from './adam'
export { type GroupOptions, Optimizer, type ParamGroup } from './optimizer'
export type { OptimizerState } from './state'
export { SGD, type SGDOptions } from './sgd'
