// testOp: proves one op against its definition, over the CPU variants of this machine or on another device (device.ts),
// over dtypes, layouts, sizes and special values, with the same bits for any number of threads, and with gradients
// (gradcheck.ts).
import type { DType } from '../../lib/dtype'
import { getNumThreads, setNumThreads } from '../../lib/runtime'
import { dataSync } from '../../lib/ops/read'
import type { Tensor } from '../../lib/tensor'
import { compare, mustCompare, scaled } from './compare'
import { cover, isFull } from './cover'
import { currentVariant, isSmallEnough, testOnCpu, useVariant, variants } from './device'
import { type GradientFactors, checkGradient, checkSecondGradient } from './gradcheck'
import { read } from './layouts'
import { floats, layoutFactors, makeInputs, type OpCase, type Shape, toleranceFactor } from './opCase'
import { randomFrom, seed } from './random'
import { tolerances } from './tolerances'

const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value])
const numel = (shape: Shape): number => shape.reduce((m, n) => m * n, 1)
const size = (shapes: readonly Shape[]): number => shapes.reduce((sum, shape) => sum + numel(shape), 0)

export function testOp(name: string, test: OpCase): void {
  const first = currentVariant()
  const random = randomFrom(name)
  const dtypes = test.dtypes ?? floats
  const values = cover(
    {
      isa: variants,
      dtype: dtypes,
      shapes: test.shapes.filter(isSmallEnough),
      special: test.special ? [false, true] : [false],
      ...layoutFactors(test),
    },
    random,
  )
  const hasGradient = (test.gradient ?? true) && dtypes.some((d) => (floats as readonly DType[]).includes(d))
  const gradients = hasGradient ? gradientCover(test, random) : []

  describe(`${name} (seed ${seed})`, () => {
    afterAll(() => useVariant(first))

    describe.each(variants)('%s', (isa) => {
      beforeAll(() => useVariant(isa))

      it('computes its definition', () => {
        mustCompare(() => {
          for (const { dtype, shapes, special, first, second } of values.filter((row) => row.isa === isa)) {
            checkValues(name, test, dtype, shapes, special, [first, second], random)
          }
        })
      })

      testOnCpu('is about threads', 'computes large tensors alike with any number of threads', () => {
        const some = isFull ? dtypes : [dtypes[variants.indexOf(isa) % dtypes.length]]
        mustCompare(() => some.forEach((dtype) => checkThreads(name, test, dtype, random)))
      })

      if (!hasGradient) return

      it('has the gradient of its definition', () => {
        mustCompare(() => {
          for (const row of gradients.filter((row) => row.isa === isa)) checkGradient(name, test, row, random)
        })
      })

      if (!(test.second ?? true)) return

      it('has the gradient of its gradient', () => {
        mustCompare(() => {
          for (const row of gradients.filter((row) => row.isa === isa && row.dtype === 'float64')) {
            checkSecondGradient(name, test, row, random)
          }
        })
      })
    })
  })
}

function gradientCover(test: OpCase, random: () => number): GradientFactors[] {
  const shapes = (test.gradientShapes ?? test.shapes.filter((list) => size(list) <= 400)).filter(isSmallEnough)
  const dtypes = floats.filter((d) => test.dtypes?.includes(d) ?? true)
  return cover(
    { isa: variants, dtype: dtypes, shapes, ...layoutFactors(test, test.gradientLayouts ?? test.layouts) },
    random,
  )
}

type Layouts = Parameters<typeof makeInputs>[3]

function checkValues(
  name: string,
  test: OpCase,
  dtype: DType,
  shapes: readonly Shape[],
  special: boolean,
  layout: Layouts,
  random: () => number,
): void {
  const sizes = shapes.map((s) => `[${s.join(', ')}]`).join(' ')
  const what = `${name} of ${dtype} ${sizes} ${layout.join('/')} on ${currentVariant()}`
  const { tensors, held } = makeInputs(test, shapes, dtype, layout, special, random)
  const got = list(test.op(...tensors))
  const want = list(test.ref(...held))
  const type = test.result?.(dtype) ?? dtype
  if (got.length !== want.length) throw new Error(`${what}: expected ${want.length} results, got ${got.length}`)
  got.forEach((t, i) => {
    if (t.dtype !== type) throw new Error(`${what}: expected a result of ${type}, got ${t.dtype}`)
    compare(what, read(t), want[i], type, scaled(tolerances[type], toleranceFactor(test, dtype)))
  })
  tensors.forEach((t, i) => compare(`${what}: input ${i} afterwards`, read(t), held[i], t.dtype, tolerances.bool))
}

/** Large inputs with one thread and with three: right, and equal bit by bit. */
function checkThreads(name: string, test: OpCase, dtype: DType, random: () => number): void {
  const what = `${name} of ${dtype}, large, on ${currentVariant()}`
  const shapes = test.large ?? test.shapes.reduce((a, b) => (size(b) > size(a) ? b : a))
  const { tensors, held } = makeInputs(test, shapes, dtype, ['contiguous', 'contiguous'], false, random)
  const before = getNumThreads()
  const run = (threads: number): Tensor[] => {
    setNumThreads(threads)
    return list<Tensor>(test.op(...tensors))
  }
  try {
    const [one, three] = [run(1), run(3)]
    const want = list(test.ref(...held))
    const tolerance = toleranceFactor(test, dtype)
    one.forEach((t, i) => {
      compare(what, read(t), want[i], t.dtype, scaled(tolerances[t.dtype], tolerance))
      if (!bits(t).equals(bits(three[i]))) throw new Error(`${what}: expected the same bits with 3 threads as with 1`)
    })
  } finally {
    setNumThreads(before)
  }
}

function bits(t: Tensor): Buffer {
  return Buffer.from(dataSync(t, { raw: true }).buffer)
}
