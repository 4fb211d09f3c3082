// The backward pass: walks the graph from the outputs to the leaves, newest node first. Gradients that only the engine
// can see are freed as soon as they are used.
import { type Node, gradientNode, setGradEnabled } from './autograd'
import { AutogradError, ShapeError } from './errors'
import { addMethods } from './methods'
import { collectMade, keep } from './scope'
import { add, addInPlace } from './ops/arithmetic'
import { clone } from './ops/copy'
import { onesLike } from './ops/create'
import { sameShape, Tensor } from './tensor'

export interface BackwardOptions {
  /** Keep saved tensors for another backward pass. Default: the value of `createGraph`. */
  retainGraph?: boolean
  /** Record the backward pass itself, for gradients of gradients. */
  createGraph?: boolean
}

interface Pending {
  /** Gradients of the node's outputs so far. */
  gradients: (Tensor | null)[]
  /** Consumers that have not delivered yet. */
  missing: number
}

class Pass {
  private readonly pending = new Map<Node, Pending>()
  /** Gradients the engine made, with the number of places that hold them. */
  private readonly owned = new Map<Tensor, number>()
  private readonly ready: Node[] = []

  constructor(
    private readonly retainGraph: boolean,
    private readonly createGraph: boolean,
    /** Where gradients are asked for by `grad()`; leaves are left alone then. */
    private readonly captures: Map<Node, Map<number, Tensor | null>> | null,
  ) {}

  run(roots: readonly Tensor[], gradients: readonly (Tensor | null)[]): void {
    const nodes = roots.map((root) => gradientNode(root) as Node)
    this.countConsumers(nodes)
    roots.forEach((root, i) => {
      const given = gradients[i]
      const gradient = given ?? onesLike(root)
      if (given === null) this.own(gradient)
      this.deliver(nodes[i], root.outputIndex, gradient)
    })
    // Newest first: a node's consumers were all recorded after it.
    for (const node of new Set(nodes)) if (this.pending.get(node)!.missing === 0) this.ready.push(node)
    while (this.ready.length > 0) this.step(this.ready.pop() as Node)
  }

  private countConsumers(roots: readonly Node[]): void {
    const open: Node[] = []
    const visit = (node: Node, missing: number) => {
      const known = this.pending.get(node)
      if (known) {
        known.missing += missing
        return
      }
      this.pending.set(node, { gradients: new Array<Tensor | null>(node.outputCount).fill(null), missing })
      open.push(node)
    }
    for (const root of roots) visit(root, 0)
    while (open.length > 0) {
      for (const next of (open.pop() as Node).edges) if (next !== null) visit(next, 1)
    }
  }

  private step(node: Node): void {
    const { gradients } = this.pending.get(node) as Pending
    this.pending.delete(node)
    this.runHooks(node, gradients)
    this.capture(node, gradients)
    if (node.leaf !== null) {
      if (this.captures === null && gradients[0] !== null) this.accumulate(node.leaf, gradients[0])
    } else if (gradients.some((g) => g !== null) && node.edges.some((edge) => edge !== null)) {
      this.propagate(node, gradients)
    } else {
      this.finishEdges(node, [])
    }
    for (const g of gradients) if (g !== null) this.letGo(g)
    if (!this.retainGraph) node.release()
  }

  private propagate(node: Node, gradients: (Tensor | null)[]): void {
    const { result, tensors } = collectMade(() => node.op.backward(node, ...(gradients as Tensor[])))
    if (!this.createGraph) {
      const outputs = new Set(result)
      for (const t of tensors) {
        if (outputs.has(t)) this.own(t)
        else t.dispose()
      }
    }
    this.finishEdges(node, result)
  }

  private finishEdges(node: Node, results: readonly (Tensor | null)[]): void {
    node.edges.forEach((next, i) => {
      const gradient = results[i] ?? null
      if (next === null) {
        if (gradient !== null && this.owned.get(gradient) === 0) this.free(gradient)
        return
      }
      if (gradient !== null) this.deliver(next, node.edgeOutputs[i], gradient)
      const entry = this.pending.get(next) as Pending
      if (--entry.missing === 0) this.ready.push(next)
    })
  }

  private deliver(node: Node, output: number, gradient: Tensor): void {
    const { gradients } = this.pending.get(node) as Pending
    const sum = gradients[output]
    if (sum === null) {
      gradients[output] = this.hold(gradient)
    } else {
      gradients[output] = this.hold(this.sum(sum, gradient))
      this.letGo(sum)
      if (this.owned.get(gradient) === 0) this.free(gradient)
    }
  }

  private sum(a: Tensor, b: Tensor): Tensor {
    if (this.createGraph) return add(a, b)
    if (this.owned.get(a) === 1 && isUnshared(a)) {
      addInPlace(a, b)
      return a
    }
    return this.own(add(a, b))
  }

  private own(t: Tensor): Tensor {
    if (!this.createGraph && !this.owned.has(t)) this.owned.set(t, 0)
    return t
  }

  private hold(t: Tensor): Tensor {
    const holders = this.owned.get(t)
    if (holders !== undefined) this.owned.set(t, holders + 1)
    return t
  }

  private letGo(t: Tensor): void {
    const holders = this.owned.get(t)
    if (holders === undefined) return
    if (holders <= 1) this.free(t)
    else this.owned.set(t, holders - 1)
  }

  private free(t: Tensor): void {
    this.owned.delete(t)
    t.dispose()
  }

  private runHooks(node: Node, gradients: (Tensor | null)[]): void {
    const watched = node.leaf !== null ? [node.leaf] : (node.watched ?? [])
    for (const t of watched) {
      let gradient = gradients[t.outputIndex]
      if (gradient === null) continue
      for (const hook of t.hooks ?? []) {
        this.owned.delete(gradient) // the hook may keep it
        gradient = checkHooked(t, hook(gradient) ?? gradient)
      }
      gradients[t.outputIndex] = gradient
      if (t.keepsGrad && node.leaf === null) this.accumulate(t, gradient)
    }
  }

  private capture(node: Node, gradients: (Tensor | null)[]): void {
    const wanted = this.captures?.get(node)
    if (!wanted) return
    for (const output of wanted.keys()) {
      const gradient = gradients[output]
      if (gradient === null) continue
      this.owned.delete(gradient)
      wanted.set(output, gradient)
    }
  }

  private accumulate(t: Tensor, gradient: Tensor): void {
    if (t.grad === null) {
      // The engine's own buffer becomes the gradient; anything shared is copied.
      const mine = this.owned.get(gradient) === 1 && isUnshared(gradient)
      if (mine) this.owned.delete(gradient)
      t.grad = keep(mine || this.createGraph ? gradient : clone(gradient))
    } else if (this.createGraph) {
      t.grad = keep(add(t.grad, gradient))
    } else {
      addInPlace(t.grad, gradient)
    }
  }
}

/** True if no other tensor looks at this one's memory and every element has its own address. */
function isUnshared(t: Tensor): boolean {
  return t.base === null && !t.isViewed && t.isContiguous
}

function checkHooked(t: Tensor, gradient: Tensor): Tensor {
  if (!(gradient instanceof Tensor) || !sameShape(gradient.shape, t.shape)) {
    throw new ShapeError(`hook: expected a gradient [${t.shape.join(', ')}], got ${String(gradient)}`)
  }
  return gradient
}

function checkRoot(op: string, root: Tensor, gradient: Tensor | null): void {
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
}

/** Adds d root / d leaf, times `gradient` (default 1), to the `.grad` of every leaf that requires one. */
export function backward(root: Tensor, gradient: Tensor | null = null, options: BackwardOptions = {}): void {
  checkRoot('backward', root, gradient)
  const createGraph = options.createGraph ?? false
  const pass = new Pass(options.retainGraph ?? createGraph, createGraph, null)
  setGradEnabled(createGraph, () => pass.run([root], [gradient]))
}

export interface GradOptions extends BackwardOptions {
  /** Gradients of the outputs; default ones for single elements. */
  gradOutputs?: readonly (Tensor | null)[]
  /** Return null for an input that the outputs do not depend on, instead of throwing. */
  allowUnused?: boolean
}

/**
 * The gradients of the outputs (summed, weighted by `gradOutputs`) with respect to `inputs`, which may be leaves or
 * intermediate tensors; `.grad` of leaves is not touched.
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradOptions = {},
): (Tensor | null)[] {
  const roots = outputs instanceof Tensor ? [outputs] : outputs
  const given = roots.map((_, i) => options.gradOutputs?.[i] ?? null)
  roots.forEach((root, i) => checkRoot('grad', root, given[i]))
  const captures = new Map<Node, Map<number, Tensor | null>>()
  const nodes = inputs.map((input) => {
    const node = gradientNode(input)
    if (node === null) throw new AutogradError(`grad: expected inputs that require grad, got ${input.toString()}`)
    if (!captures.has(node)) captures.set(node, new Map())
    captures.get(node)!.set(input.outputIndex, null)
    return node
  })
  const createGraph = options.createGraph ?? false
  const pass = new Pass(options.retainGraph ?? createGraph, createGraph, captures)
  setGradEnabled(createGraph, () => pass.run(roots, given))
  return inputs.map((input, i) => {
    const gradient = captures.get(nodes[i])!.get(input.outputIndex) ?? null
    if (gradient === null && options.allowUnused !== true) {
      throw new AutogradError(
        `grad: expected outputs that depend on every input, got none that depends on ${input.toString()}; ` +
          'pass { allowUnused: true } for null',
      )
    }
    return gradient
  })
}

declare module './tensor' {
  interface Tensor {
    /** Adds the gradient of this tensor, times `gradient` (default 1), to the `.grad` of every leaf that requires one. */
    backward(gradient?: Tensor | null, options?: BackwardOptions): void
  }
}

addMethods({ backward })
