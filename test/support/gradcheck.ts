// Gradients against central differences. The first gradient: of the float64 reference, weighted by a random dy. The
// second: of the first gradient computed in float64 tensors. The fused backward and the formula that `createGraph` puts
// in its place must agree too.
import { grad } from '../../lib/backward'
import { type DType, isFloat } from '../../lib/dtype'
import { add, mul } from '../../lib/ops/arithmetic'
import { sum } from '../../lib/ops/broadcast'
import type { Tensor } from '../../lib/tensor'
import { compare, compareNumber, countComparison, scaled } from './compare'
import { type Layout, layOut, read } from './layouts'
import { NdArray } from './ndarray'
import { makeInputs, type OpCase, type Shape, toleranceFactor } from './opCase'
import { integerIn } from './random'
import { gradientTolerances } from './tolerances'

export interface GradientFactors {
  isa: string
  dtype: keyof typeof gradientTolerances
  shapes: readonly Shape[]
  first: Layout
  second: Layout
}

const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value])
/** Elements of each input whose derivative is measured. */
const samples = 6

function describeRow(name: string, { isa, dtype, shapes, first, second }: GradientFactors): string {
  return `${name} of ${dtype} ${shapes.map((s) => `[${s.join(', ')}]`).join(' ')} ${first}/${second} on ${isa}`
}

/** The derivative of f at element `at` of `x`, which is put back. */
function centralDifference(f: () => number, x: NdArray, at: number): number {
  const value = x.data[at]
  const h = 1e-5 * Math.max(1, Math.abs(value))
  x.data[at] = value + h
  const above = f()
  x.data[at] = value - h
  const below = f()
  x.data[at] = value
  return (above - below) / (2 * h)
}

function sampled(numel: number, random: () => number): number[] {
  if (numel <= samples) return Array.from({ length: numel }, (_, i) => i)
  return Array.from({ length: samples }, () => integerIn(random, 0, numel - 1))
}

interface Setup {
  tensors: Tensor[]
  held: NdArray[]
  /** Which inputs take gradients. */
  wanted: number[]
  outputs: Tensor[]
  dys: Tensor[]
  heldDys: NdArray[]
}

/** The op applied to inputs that require gradients, and a random gradient for each of its outputs. */
function setUp(test: OpCase, row: GradientFactors, random: () => number): Setup {
  const { tensors, held } = makeInputs(test, row.shapes, row.dtype, [row.first, row.second], false, random)
  const wanted = tensors.flatMap((t, i) => (isFloat(t.dtype) && !test.inputs?.[i]?.dtype ? [i] : []))
  for (const i of wanted) tensors[i].setRequiresGrad()
  const outputs = list(test.op(...tensors))
  const dys = outputs.map((y) =>
    layOut(
      NdArray.make(y.shape, () => random() * 2 - 1),
      y.dtype,
      row.first,
    ),
  )
  return { tensors, held, wanted, outputs, dys: dys.map(({ t }) => t), heldDys: dys.map((dy) => dy.held) }
}

function gradients(
  { outputs, dys, tensors, wanted }: Setup,
  options: { createGraph?: boolean; retainGraph?: boolean },
): (Tensor | null)[] {
  return grad(
    outputs,
    wanted.map((i) => tensors[i]),
    { ...options, gradOutputs: dys, allowUnused: true },
  )
}

export function checkGradient(name: string, test: OpCase, row: GradientFactors, random: () => number): void {
  const what = describeRow(name, row)
  const setup = setUp(test, row, random)
  const { held, wanted, heldDys, tensors } = setup
  const fused = gradients(setup, { retainGraph: true })
  const formula = gradients(setup, { createGraph: true })
  const tolerance = scaled(gradientTolerances[row.dtype], toleranceFactor(test, row.dtype))
  const weighted = () => list(test.ref(...held)).reduce((total, y, k) => total + y.dot(heldDys[k]), 0)
  wanted.forEach((i, at) => {
    const dx = gradientOf(`${what}: input ${i}`, fused[at], tensors[i])
    const again = gradientOf(`${what}: input ${i} under createGraph`, formula[at], tensors[i])
    compare(`${what}: fused and formula gradient of input ${i}`, dx, again, row.dtype, tolerance)
    if (held[i].numel === 0) countComparison()
    for (const element of sampled(held[i].numel, random)) {
      const want = centralDifference(weighted, held[i], element)
      compareNumber(`${what}: gradient of input ${i} at ${element}`, dx.data[element], want, row.dtype, tolerance)
    }
  })
}

function gradientOf(what: string, gradient: Tensor | null, input: Tensor): NdArray {
  if (gradient === null) throw new Error(`${what}: expected a gradient, got none`)
  if (gradient.dtype !== input.dtype)
    throw new Error(`${what}: expected a gradient of ${input.dtype}, got ${gradient.dtype}`)
  return read(gradient)
}

/** Σ v · dx over the inputs, v random: a number whose derivatives are the second derivatives. */
function weightedSum(gradients: (Tensor | null)[], weights: Tensor[]): Tensor {
  return gradients.map((dx, k) => sum(mul(dx as Tensor, weights[k]))).reduce((a, b) => add(a, b))
}

export function checkSecondGradient(name: string, test: OpCase, row: GradientFactors, random: () => number): void {
  const what = describeRow(name, row)
  const setup = setUp(test, row, random)
  const { tensors, held, wanted, dys, heldDys } = setup
  for (const dy of dys) dy.setRequiresGrad()
  const dxs = gradients(setup, { createGraph: true })
  const weights = wanted.map(
    (i) =>
      layOut(
        NdArray.make(tensors[i].shape, () => random() * 2 - 1),
        row.dtype,
        'contiguous',
      ).t,
  )
  const total = weightedSum(dxs, weights)
  const variables = [...wanted.map((i) => tensors[i]), ...dys]
  const second = total.requiresGrad ? grad(total, variables, { allowUnused: true }) : variables.map(() => null)

  const firstGradient = (): number => firstGradientAt(test, setup, row.dtype, weights)
  const values = [...wanted.map((i) => held[i]), ...heldDys]
  values.forEach((x, k) => {
    const got = second[k] === null ? null : read(second[k])
    if (x.numel === 0) countComparison()
    for (const element of sampled(x.numel, random)) {
      const want = centralDifference(firstGradient, x, element)
      const label = k < wanted.length ? `input ${wanted[k]}` : 'dy'
      const tolerance = scaled(gradientTolerances.float64, 10 * toleranceFactor(test, row.dtype))
      compareNumber(
        `${what}: second gradient of ${label} at ${element}`,
        got?.data[element] ?? 0,
        want,
        row.dtype,
        tolerance,
      )
    }
  })
}

/** The weighted first gradient for the values now held, from fresh tensors and the fused backward. */
function firstGradientAt(test: OpCase, setup: Setup, dtype: DType, weights: Tensor[]): number {
  const tensors = setup.held.map((x, i) => layOut(x, setup.tensors[i].dtype, 'contiguous').t)
  for (const i of setup.wanted) tensors[i].setRequiresGrad()
  const outputs = list(test.op(...tensors))
  const dys = setup.heldDys.map((dy) => layOut(dy, dtype, 'contiguous').t)
  return read(weightedSum(gradients({ ...setup, tensors, outputs, dys }, {}), weights)).data[0]
}
