// How products and convolutions end: a residual is added to the map of x by w, and an activation applied, while the
// results are in cache.
import { apply, type Input, type Node, type Op } from '../autograd'
import { checkFloat, type OptionNames } from '../check'
import { DTypeError, ShapeError } from '../errors'
import { sameShape, type Shape, type Tensor } from '../tensor'
import type { Activation, FusedActivation } from './activation'
import { add } from './arithmetic'

export interface EpilogueOptions {
  /** Applied to the sum of product, bias and residual. Default none. */
  activation?: Activation | null
  /** Added to the product, of the result's shape. Default none. */
  residual?: Tensor | null
}

export const epilogueOptions: OptionNames<EpilogueOptions> = { activation: true, residual: true }

/** A residual has x's dtype and the result's shape. */
export function checkResidual(op: string, residual: Tensor, x: Tensor, shape: Shape): void {
  const { dtype } = checkFloat(op, 'residual', residual)
  if (dtype !== x.dtype) throw new DTypeError(`${op}: expected residual to be ${x.dtype}, got ${dtype}`)
  if (!sameShape(residual.shape, shape)) {
    throw new ShapeError(`${op}: expected residual [${shape.join(', ')}], got [${residual.shape.join(', ')}]`)
  }
}

interface Ending {
  activation: FusedActivation | null
}

/** A map of x and w, whose further inputs are a bias and a residual (0 for none). */
interface EndedMap<A extends Ending> {
  name: string
  /** The result, and what went into the activation if that is kept. */
  compute(inputs: readonly Input[], attrs: A, keepsInput: boolean): [y: Tensor, z: Tensor | null]
  /** The gradients of all inputs from that of their sum. */
  gradients(node: Node<A>, x: Tensor, w: Tensor, dz: Tensor): (Tensor | null)[]
}

/** The differentiable op of such a map. */
export function ended<A extends Ending>({ name, compute, gradients }: EndedMap<A>) {
  const op: Op<A> = {
    name,
    forward: (node, inputs, attrs) => {
      const [x, w] = inputs as readonly Tensor[]
      const [y] = compute(inputs, attrs, false)
      node.save(node.records(1) ? x : null, node.records(0) ? w : null, attrs.activation === null ? null : y)
      return y
    },
    backward: (node, dy) => {
      const [x, w, y] = node.saved
      const { activation } = node.attrs
      return gradients(node, x, w, activation === null ? dy : activation.backward(dy, y))
    },
  }
  // With an activation whose gradient needs its input z, that is a second output, so that gradients of gradients find
  // their way through it.
  const keepingOp: Op<A, Tensor[]> = {
    name,
    forward: (node, inputs, attrs) => {
      const [x, w] = inputs as readonly Tensor[]
      const [y, z] = compute(inputs, attrs, node.edges.length > 0)
      node.save(node.records(1) ? x : null, node.records(0) ? w : null, z)
      return z === null ? [y] : [y, z]
    },
    backward: (node, dy: Tensor | null, dz: Tensor | null) => {
      const [x, w, z] = node.saved
      const through = dy && node.attrs.activation!.backward(dy, z)
      return gradients(node, x, w, (through && dz ? add(through, dz) : (through ?? dz))!)
    },
  }
  return (inputs: readonly Input[], attrs: A): Tensor =>
    attrs.activation?.saves === 'input' ? apply(keepingOp, inputs, attrs)[0] : apply(op, inputs, attrs)
}
