// Data for training: datasets, and batches of them.
export { collate, type Collated } from './collate'
export { type Dataset, TensorDataset } from './dataset'
export { DataLoader, type DataLoaderOptions } from './loader'
export type { Digits, DigitTensors } from './digits'
export * as datasets from './datasets'
