// What the tests of ops are written with.
export { compare, compareNumber, countComparison, mustCompare } from './compare'
export { dense, read } from './layouts'
export { indices, NdArray } from './ndarray'
export { elementwise, everyDType, floats, integers, numbers, type OpCase, sizes } from './opCase'
export { randomFrom, seed } from './random'
export { testOp } from './testOp'
export { gradientTolerances, tolerances } from './tolerances'
export * as special from './special'
