// What a test says about an op, and the inputs that are made from it.
import { type DType, dtypes } from '../../lib/dtype'
import type { Tensor } from '../../lib/tensor'
import { type Layout, layOut, layouts } from './layouts'
import { NdArray } from './ndarray'
import { integerIn } from './random'

export type Shape = readonly number[]

/** How the values of one input are drawn. */
export interface InputRule {
  /** Values lie in [low, high]; default [-2, 2] (integers: [-9, 9], unsigned and bool: from 0). */
  range?: readonly [number, number]
  /** A dtype of its own, such as int64 for an index; then it takes no gradient. */
  dtype?: DType
  /** Draws one value instead of `range`. */
  draw?: (random: () => number) => number
}

export interface OpCase {
  /** The op, on tensors. */
  op: (...inputs: Tensor[]) => Tensor | Tensor[]
  /** Its definition, on float64 arrays. */
  ref: (...inputs: NdArray[]) => NdArray | NdArray[]
  /** Shapes of the inputs, one list per variant. */
  shapes: readonly (readonly Shape[])[]
  /** Element types of the inputs; default the floating ones. */
  dtypes?: readonly DType[]
  inputs?: readonly InputRule[]
  /** Shapes large enough for several threads; default the largest of `shapes`. */
  large?: readonly Shape[]
  /** The element type of the result; default the inputs'. */
  result?: (dtype: DType) => DType
  /** Also with NaN, ±Infinity and ±0 among floating values, where the reference does what IEEE does. */
  special?: boolean
  /** Factor on the tolerance table, or one per dtype. */
  tolerance?: number | ((dtype: DType) => number)
  /** Check gradients; default true. */
  gradient?: boolean
  /** Check gradients of gradients; default as `gradient`. */
  second?: boolean
  /** Shapes for the gradient checks; default those of `shapes` with at most 400 elements. */
  gradientShapes?: readonly (readonly Shape[])[]
  layouts?: readonly Layout[]
  /** Layouts for the gradient checks: an extremum of repeated values, say, has no derivative. */
  gradientLayouts?: readonly Layout[]
}

export const floats = ['float32', 'float64', 'float16', 'bfloat16'] as const satisfies DType[]
export const integers = ['int8', 'uint8', 'int32', 'int64'] as const satisfies DType[]
export const numbers = [...floats, ...integers] as const satisfies DType[]
export const everyDType = [...numbers, 'bool'] as const satisfies DType[]

/** None, one, those around the widest vector (16 lanes), and many. */
export const sizes: readonly number[] = [0, 1, 15, 16, 17, 5003]

/** Shapes for an elementwise op on `count` inputs: all of one shape, broadcast against each other, and a large one. */
export function elementwise(count: number): Pick<OpCase, 'shapes' | 'large'> {
  const alike = (shape: Shape) => new Array<Shape>(count).fill(shape)
  const same = [...sizes.map((n) => [n]), [], [3, 17], [4, 0, 2], [2, 3, 4, 5]].map(alike)
  const broadcasts = [
    [[3, 17], [17]],
    [[5, 1], [1, 18]],
    [[], [2, 3]],
    [[2, 1, 4], [3, 1]],
    [[0], [1]],
  ].map((pair) => Array.from({ length: count }, (_, i) => pair[i % 2]))
  return { shapes: count === 1 ? same : [...same, ...broadcasts], large: alike([40_001]) }
}

export interface Inputs {
  tensors: Tensor[]
  held: NdArray[]
}

const unsigned: readonly DType[] = ['uint8', 'bool']
const specials = [NaN, Infinity, -Infinity, 0, -0]

function draw(rule: InputRule, dtype: DType, special: boolean, random: () => number): number {
  if (rule.draw) return rule.draw(random)
  const isFloat = dtypes[dtype].kind === 'float'
  if (special && isFloat && random() < 0.2) return specials[integerIn(random, 0, specials.length - 1)]
  if (dtype === 'bool') return integerIn(random, 0, 1)
  const [low, high] = rule.range ?? (isFloat ? [-2, 2] : [-9, 9])
  if (isFloat) return low + (high - low) * random()
  return integerIn(random, Math.max(Math.ceil(low), unsigned.includes(dtype) ? 0 : -128), Math.floor(high))
}

export function makeInputs(
  test: OpCase,
  shapes: readonly Shape[],
  dtype: DType,
  layout: readonly [Layout, Layout],
  special: boolean,
  random: () => number,
): Inputs {
  const made = shapes.map((shape, i) => {
    const rule = test.inputs?.[i] ?? {}
    const type = rule.dtype ?? dtype
    const values = new Float64Array(shape.reduce((m, n) => m * n, 1))
    for (let k = 0; k < values.length; k++) values[k] = draw(rule, type, special, random)
    return layOut(new NdArray(shape, values), type, layout[Math.min(i, 1)])
  })
  return { tensors: made.map(({ t }) => t), held: made.map(({ held }) => held) }
}

/** The layouts of the first input and of the others, as factors. */
export function layoutFactors(
  test: OpCase,
  all: readonly Layout[] = test.layouts ?? layouts,
): { first: readonly Layout[]; second: readonly Layout[] } {
  return { first: all, second: test.shapes.some((list) => list.length > 1) ? all : [all[0]] }
}

export function toleranceFactor(test: OpCase, dtype: DType): number {
  const { tolerance = 1 } = test
  return typeof tolerance === 'number' ? tolerance : tolerance(dtype)
}
