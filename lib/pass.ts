// One backward pass: walks the graph from the outputs to the leaves, each node once all its consumers delivered.
// Gradients that only the engine can see are freed as soon as they are used.
import { type Node, gradientNode, runPass } from './autograd'
import { ShapeError } from './errors'
import { add, addInPlace } from './ops/arithmetic'
import { clone } from './ops/copy'
import { onesLike } from './ops/create'
import { collectMade, keep, remember } from './scope'
import { sameShape, Tensor } from './tensor'

interface Pending {
  /** Gradients of the node's outputs so far. */
  gradients: (Tensor | null)[]
  /** Consumers that have not delivered yet. */
  missing: number
}

/** One walk from the outputs to the leaves. */
export class Pass {
  private readonly pending = new Map<Node, Pending>()
  /** Gradients the engine made, with the number of places that hold them. */
  private readonly owned = new Map<Tensor, number>()
  private readonly ready: Node[] = []
  /** With `captures`: the nodes on the way to them. */
  private wanted: Set<Node> | null = null

  constructor(
    private readonly retainGraph: boolean,
    private readonly createGraph: boolean,
    /** Where gradients are asked for by `grad()`; leaves are left alone then. */
    private readonly captures: Map<Node, Map<number, Tensor | null>> | null,
  ) {}

  run(roots: readonly Tensor[], gradients: readonly (Tensor | null)[]): void {
    const nodes = roots.map((root) => gradientNode(root) as Node)
    if (this.captures !== null) this.wanted = leadingTo(this.captures, nodes)
    runPass(this.wanted, this.createGraph, () => this.walk(roots, nodes, gradients))
  }

  private walk(roots: readonly Tensor[], nodes: readonly Node[], gradients: readonly (Tensor | null)[]): void {
    this.countConsumers(nodes)
    roots.forEach((root, i) => {
      if (!this.isWanted(nodes[i])) return
      const given = gradients[i]
      const gradient = given ?? onesLike(root)
      if (given === null) this.own(gradient)
      this.deliver(nodes[i], root.outputIndex, gradient)
    })
    for (const node of new Set(nodes)) if (this.pending.get(node)?.missing === 0) this.ready.push(node)
    while (this.ready.length > 0) this.step(this.ready.pop() as Node)
  }

  private isWanted(node: Node | null): node is Node {
    return node !== null && (this.wanted === null || this.wanted.has(node))
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
    for (const root of roots) if (this.isWanted(root)) visit(root, 0)
    while (open.length > 0) {
      for (const next of (open.pop() as Node).edges) if (this.isWanted(next)) visit(next, 1)
    }
  }

  private step(node: Node): void {
    const { gradients } = this.pending.get(node) as Pending
    this.pending.delete(node)
    this.runHooks(node, gradients)
    this.capture(node, gradients)
    if (node.leaf !== null) {
      if (this.captures === null && gradients[0] !== null) this.accumulate(node.leaf, gradients[0])
    } else if (gradients.some((g) => g !== null) && node.edges.some((edge) => this.isWanted(edge))) {
      this.propagate(node, gradients)
    } else {
      this.finishEdges(node, [])
    }
    for (const g of gradients) if (g !== null) this.letGo(g)
    if (!this.retainGraph) node.release()
  }

  private propagate(node: Node, gradients: (Tensor | null)[]): void {
    const { result, tensors } = collectMade(() => node.op.backward(node, ...(gradients as Tensor[])))
    const outputs = this.createGraph ? null : new Set(result)
    for (const t of tensors) {
      if (outputs === null || t.isKept) remember(t)
      else if (outputs.has(t)) this.own(t)
      else t.dispose()
    }
    this.finishEdges(node, result)
  }

  private finishEdges(node: Node, results: readonly (Tensor | null)[]): void {
    node.edges.forEach((next, i) => {
      const gradient = results[i] ?? null
      if (!this.isWanted(next)) {
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

  /** Others may hold this gradient from now on: it is freed by their scope or by garbage collection. */
  private handOver(t: Tensor): void {
    if (this.owned.delete(t)) remember(t)
  }

  private runHooks(node: Node, gradients: (Tensor | null)[]): void {
    const watched = node.leaf !== null ? [node.leaf] : (node.watched ?? [])
    for (const t of watched) {
      let gradient = gradients[t.outputIndex]
      if (gradient === null) continue
      for (const hook of [...(t.hooks ?? [])]) {
        this.handOver(gradient)
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
      // A gradient that is somebody else's too is copied: its new owner may write to it or dispose it.
      const isMine = this.createGraph || this.owned.get(gradient) === 1
      this.handOver(gradient)
      wanted.set(output, isMine ? gradient : clone(gradient))
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

/** The nodes from which a captured one is reached, among those reached from the roots. */
function leadingTo(captures: ReadonlyMap<Node, unknown>, roots: readonly Node[]): Set<Node> {
  const reached = new Set<Node>(roots)
  for (const node of reached) for (const edge of node.edges) if (edge !== null) reached.add(edge)
  const found = new Set<Node>()
  // Oldest first: what a node's gradient goes to was recorded before it.
  for (const node of [...reached].sort((a, b) => a.sequence - b.sequence)) {
    if (captures.has(node) || node.edges.some((edge) => edge !== null && found.has(edge))) found.add(node)
  }
  return found
}

function checkHooked(t: Tensor, gradient: unknown): Tensor {
  if (gradient instanceof Tensor && sameShape(gradient.shape, t.shape) && gradient.dtype === t.dtype) return gradient
  throw new ShapeError(`hook: expected a gradient [${t.shape.join(', ')}] ${t.dtype}, got ${String(gradient)}`)
}
