// Recording: one node per op, saved tensors, and `apply`, the one door through which every op enters.
import { ArgumentError, AutogradError, checkFunction, show } from './errors'
import { Tensor } from './tensor'

/** What an op accepts: tensors, and numbers that stay numbers. */
export type Input = Tensor | number | bigint

/** An input that may be absent: 0 stands for none. */
export const optional = (input: Input): Tensor | null => (input instanceof Tensor ? input : null)

/**
 * One operation. `forward` computes the outputs and saves what the gradient needs; `backward` gets the gradients of the
 * outputs (null for an output of several that nobody used) and returns one gradient per input (null where none flows),
 * written in ops, so that it can be differentiated again. While gradients of gradients are wanted (`isGradEnabled()`
 * inside `backward`), fused kernels give way to formulas in differentiable ops. Tensors that `backward` makes and does
 * not return are freed after it, unless they went through `keep`. Ops of one's own are easier to write with `customOp`.
 */
export interface Op<A = undefined, R extends Tensor | Tensor[] = Tensor> {
  readonly name: string
  forward(node: Node<A>, inputs: readonly Input[], attrs: A): R
  backward(node: Node<A>, ...gradients: Tensor[]): readonly (Tensor | null)[]
}

/** The record of one applied op: a vertex of the graph that `backward` walks. */
export class Node<A = unknown> {
  /** Order of recording; inputs always have smaller numbers. */
  readonly sequence: number
  readonly op: Op<A, Tensor | Tensor[]>
  readonly attrs: A
  /** For each input the node its gradient goes to, or null. */
  readonly edges: (Node | null)[]
  /** For each input which output of that node it was. */
  readonly edgeOutputs: number[]
  outputCount = 1
  /** Outputs with hooks or retained gradients. */
  watched: Tensor[] | null = null
  /** The leaf, if this node accumulates a leaf's gradient. */
  leaf: Tensor | null = null
  private savedTensors: (Tensor | null)[] = []
  private savedVersions: number[] = []
  private released = false

  constructor(op: Op<A, Tensor | Tensor[]>, attrs: A, edges: (Node | null)[], edgeOutputs: number[]) {
    this.op = op
    this.attrs = attrs
    this.edges = edges
    this.edgeOutputs = edgeOutputs
    this.sequence = nextSequence++
  }

  /** Keeps tensors for the backward pass. */
  save(...tensors: (Tensor | null)[]): void {
    if ((this as Node) === discard) return
    for (const t of tensors) {
      this.savedTensors.push(t)
      this.savedVersions.push(t === null ? 0 : t.version)
    }
  }

  /** What `save` kept, in order. */
  get saved(): Tensor[] {
    if (this.released) {
      throw new AutogradError(
        `backward: expected the graph to be still there, got '${this.op.name}', whose saved tensors a first backward ` +
          'freed; pass { retainGraph: true } to that one',
      )
    }
    for (let i = 0; i < this.savedTensors.length; i++) {
      const t = this.savedTensors[i]
      if (t === null) continue
      if (t.isDisposed) {
        throw new AutogradError(`backward: expected the tensors saved by '${this.op.name}' alive, got a disposed one`)
      }
      if (t.version !== this.savedVersions[i]) {
        throw new AutogradError(
          `backward: expected the tensor [${t.shape.join(', ')}] saved by '${this.op.name}' unchanged, got one ` +
            `written in place since (version ${t.version}, saved at ${this.savedVersions[i]})`,
        )
      }
    }
    return this.savedTensors as Tensor[]
  }

  /** Whether input `i` takes a gradient at all: what `forward` asks to know what to save. */
  records(i: number): boolean {
    return (this.edges[i] ?? null) !== null
  }

  /** Whether the running backward pass wants a gradient for input `i`: what `backward` asks to skip work. */
  needs(i: number): boolean {
    const edge = this.edges[i] ?? null
    return edge !== null && (wanted === null || wanted.has(edge))
  }

  /** @internal Hooks and retained gradients of an output need the tensor itself. */
  watch(output: Tensor): void {
    this.watched ??= []
    if (!this.watched.includes(output)) this.watched.push(output)
  }

  /** @internal Lets go of the saved tensors. */
  release(): void {
    if (this.savedTensors.length > 0) this.released = true
    this.savedTensors = []
    this.savedVersions = []
  }
}

let nextSequence = 1
let recording = true
/** The nodes that the running backward pass is about; null: all. */
let wanted: ReadonlySet<Node> | null = null

const nowhere: Op = {
  name: 'discard',
  forward: () => {
    throw new AutogradError('discard: not an op')
  },
  backward: () => [],
}
/** Stands in for a node where nothing is recorded: what is saved in it is forgotten. */
const discard: Node = new Node<unknown>(nowhere as Op<unknown>, undefined, [], [])

const accumulate: Op<undefined> = {
  name: 'accumulateGrad',
  forward: nowhere.forward,
  backward: () => [],
}

/** The node that a gradient for `t` goes to, or null if `t` wants none. */
export function gradientNode(t: Tensor): Node | null {
  if (t.node !== null) return t.node
  if (!t.requiresGrad) return null
  if (t.accumulator === null) {
    t.accumulator = new Node<undefined>(accumulate, undefined, [], []) as Node
    t.accumulator.leaf = t
  }
  return t.accumulator
}

/** Observes or replaces every op; the profiler and others attach here. */
export type Interceptor = (name: string, run: () => Tensor | Tensor[], inputs: readonly Input[]) => Tensor | Tensor[]
let interceptor: Interceptor | null = null

/** Installs an interceptor around the current one; returns a function that takes it out. */
export function intercept(make: (next: Interceptor | null) => Interceptor): () => void {
  const outer = interceptor
  interceptor = make(outer)
  return () => {
    interceptor = outer
  }
}

/** Runs an op on its inputs and records it if gradients are on and an input wants one. */
export function apply<A, R extends Tensor | Tensor[]>(op: Op<A, R>, inputs: readonly Input[], attrs: A): R {
  checkApplied(op, inputs)
  if (interceptor !== null) return interceptor(op.name, () => applyNow(op, inputs, attrs), inputs) as R
  return applyNow(op, inputs, attrs)
}

function checkApplied(op: { forward?: unknown; backward?: unknown } | null | undefined, inputs: unknown): void {
  if (typeof op?.forward !== 'function' || typeof op.backward !== 'function') {
    throw new ArgumentError(`apply: expected an op { name, forward, backward }, got ${show(op)}`)
  }
  if (!Array.isArray(inputs)) throw new ArgumentError(`apply: expected a list of inputs, got ${show(inputs)}`)
}

function applyNow<A, R extends Tensor | Tensor[]>(op: Op<A, R>, inputs: readonly Input[], attrs: A): R {
  if (!recording || !anyRequiresGrad(inputs)) return op.forward(discard as Node<A>, inputs, attrs)
  const edges = new Array<Node | null>(inputs.length)
  const edgeOutputs = new Array<number>(inputs.length)
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i]
    edges[i] = input instanceof Tensor ? gradientNode(input) : null
    edgeOutputs[i] = input instanceof Tensor ? input.outputIndex : 0
  }
  const node = new Node<A>(op as unknown as Op<A, Tensor | Tensor[]>, attrs, edges, edgeOutputs)
  const wasRecording = recording
  recording = false // an op's inside is not recorded: its gradient is its backward
  let outputs: R
  try {
    outputs = op.forward(node, inputs, attrs)
  } finally {
    recording = wasRecording
  }
  if (Array.isArray(outputs)) {
    node.outputCount = outputs.length
    for (let i = 0; i < outputs.length; i++) attach(outputs[i], node as Node, i)
  } else {
    attach(outputs, node as Node, 0)
  }
  return outputs
}

function attach(t: Tensor, node: Node, index: number): void {
  if (!isDifferentiable(t)) return
  t.node = node
  t.outputIndex = index
}

function isDifferentiable(t: Tensor): boolean {
  return t.dtype === 'float32' || t.dtype === 'float64' || t.dtype === 'float16' || t.dtype === 'bfloat16'
}

function anyRequiresGrad(inputs: readonly Input[]): boolean {
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i]
    if (input instanceof Tensor && input.requiresGrad) return true
  }
  return false
}

/** Whether ops are being recorded. */
export function isGradEnabled(): boolean {
  return recording
}

/** Runs `work` with recording on or off. */
export function setGradEnabled<T>(enabled: boolean, work: () => T): T {
  const outer = recording
  recording = enabled
  try {
    return work()
  } finally {
    recording = outer
  }
}

/** @internal Runs a backward pass that only needs gradients of the given nodes (null: of all), recorded or not. */
export function runPass(nodes: ReadonlySet<Node> | null, recorded: boolean, work: () => void): void {
  const outer = wanted
  wanted = nodes
  try {
    setGradEnabled(recorded, work)
  } finally {
    wanted = outer
  }
}

/**
 * Runs `work` without recording: results require no gradient.
 *
 * @throws AutogradError for an async function: what follows its first `await` would run with recording on.
 */
export function noGrad<T>(work: () => T): T {
  checkFunction('noGrad', 'work', work)
  if (Object.prototype.toString.call(work) === '[object AsyncFunction]') {
    throw new AutogradError('noGrad: expected a synchronous function, got an async one; wrap the parts between awaits')
  }
  return setGradEnabled(false, work)
}

/** Runs `work` with recording, inside `noGrad`. */
export function enableGrad<T>(work: () => T): T {
  checkFunction('enableGrad', 'work', work)
  return setGradEnabled(true, work)
}
