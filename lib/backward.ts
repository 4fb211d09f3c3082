// backward() and grad(): what users call to get gradients. The walk itself is in pass.ts.
import { gradientNode, type Node } from './autograd'
import { checkOptions, checkTensor, isPlainObject, type OptionNames } from './check'
import { ArgumentError, AutogradError, DTypeError, ShapeError, show } from './errors'
import { addMethods } from './methods'
import { native } from './native'
import { Pass } from './pass'
import { sameShape, Tensor } from './tensor'

export interface BackwardOptions {
  /** Keep saved tensors for another backward pass. Default: the value of `createGraph`. */
  retainGraph?: boolean
  /** Record the backward pass itself, for gradients of gradients. */
  createGraph?: boolean
}

const backwardOptions: OptionNames<BackwardOptions> = { retainGraph: true, createGraph: true }

function checkRoot(op: string, root: Tensor, gradient: Tensor | null): void {
  checkTensor(op, 'the output', root)
  if (gradient !== null) checkTensor(op, 'the gradient', gradient)
  if (!root.requiresGrad) {
    throw new AutogradError(`${op}: expected a tensor that requires grad, got ${root.toString()}`)
  }
  if (gradient === null && root.numel !== 1) {
    throw new AutogradError(
      `${op}: expected a gradient for a tensor with more than one element, got none for [${root.shape.join(', ')}]`,
    )
  }
  if (gradient !== null && !sameShape(gradient.shape, root.shape)) {
    throw new ShapeError(`${op}: expected a gradient [${root.shape.join(', ')}], got [${gradient.shape.join(', ')}]`)
  }
  if (gradient !== null && gradient.dtype !== root.dtype) {
    throw new DTypeError(`${op}: expected a gradient of ${root.dtype}, got ${gradient.dtype}`)
  }
}

/**
 * Adds d root / d leaf, times `gradient` (default 1), to the `.grad` of every leaf that requires one. The options may
 * come first: `backward(loss, { retainGraph: true })`.
 *
 * @throws AutogradError if nothing requires a gradient, or the graph was freed by an earlier pass.
 */
export function backward(
  root: Tensor,
  gradient: Tensor | BackwardOptions | null = null,
  options?: BackwardOptions,
): void {
  const given = gradient instanceof Tensor ? gradient : null
  const meant = isOptions(gradient) ? gradient : options
  const { createGraph = false, retainGraph = createGraph } = checkOptions('backward', meant, backwardOptions)
  checkRoot('backward', root, given)
  new Pass(retainGraph, createGraph, null).run([root], [given])
  if (!retainGraph) native.reclaim()
}

function isOptions(value: Tensor | BackwardOptions | null): value is BackwardOptions {
  if (value === null || value instanceof Tensor) return false
  if (isPlainObject(value)) return true
  throw new ArgumentError(`backward: expected the gradient to be a tensor, got ${show(value)}`)
}

export interface GradOptions extends BackwardOptions {
  /** Gradients of the outputs; default ones for single elements. */
  gradOutputs?: readonly (Tensor | null)[]
  /** Return null for an input that the outputs do not depend on, instead of throwing. */
  allowUnused?: boolean
}

const gradOptions: OptionNames<GradOptions> = { ...backwardOptions, gradOutputs: true, allowUnused: true }

/**
 * The gradients of the outputs (summed, weighted by `gradOutputs`) with respect to `inputs`, which may be leaves or
 * intermediate tensors; `.grad` of leaves is not touched.
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options?: GradOptions,
): (Tensor | null)[] {
  const roots = outputs instanceof Tensor ? [outputs] : checkList('outputs', outputs)
  checkList('inputs', inputs)
  const {
    createGraph = false,
    retainGraph = createGraph,
    gradOutputs,
    allowUnused = false,
  } = checkOptions('grad', options, gradOptions)
  const given = roots.map((_, i) => gradOutputs?.[i] ?? null)
  roots.forEach((root, i) => checkRoot('grad', root, given[i]))
  const captures = new Map<Node, Map<number, Tensor | null>>()
  const nodes = inputs.map((input) => {
    const node = gradientNode(checkTensor('grad', 'every input', input))
    if (node === null) throw new AutogradError(`grad: expected inputs that require grad, got ${input.toString()}`)
    if (!captures.has(node)) captures.set(node, new Map())
    captures.get(node)!.set(input.outputIndex, null)
    return node
  })
  new Pass(retainGraph, createGraph, captures).run(roots, given)
  if (!retainGraph) native.reclaim()
  return inputs.map((input, i) => {
    const gradient = captures.get(nodes[i])!.get(input.outputIndex) ?? null
    if (gradient === null && !allowUnused) {
      throw new AutogradError(
        `grad: expected outputs that depend on every input, got none that depends on ${input.toString()}; ` +
          'pass { allowUnused: true } for null',
      )
    }
    return gradient
  })
}

function checkList(name: string, list: readonly Tensor[]): readonly Tensor[] {
  if (Array.isArray(list) && list.length > 0) return list
  throw new ArgumentError(`grad: expected ${name} to be a list of tensors, got ${show(list)}`)
}

declare module './tensor' {
  interface Tensor {
    /**
     * Adds the gradient of this tensor, times `gradient` (default 1), to the `.grad` of every leaf that requires one.
     */
    backward(gradient?: Tensor | null, options?: BackwardOptions): void
    backward(options: BackwardOptions): void
  }
}

addMethods({ backward })
