// Differentiable functions of one's own: what `customOp` makes is recorded like every other op.
import { apply, type Input, type Node, type Op } from './autograd'
import type { DType } from './dtype'
import { ArgumentError, AutogradError, ShapeError, show } from './errors'
import { detach } from './ops/view'
import { sameShape, type Shape, Tensor } from './tensor'

/** What connects the forward and the backward of one application. */
export type OpContext = Pick<Node, 'save' | 'saved' | 'records' | 'needs'>

export interface CustomOp<Args extends unknown[], R extends Tensor | Tensor[] = Tensor> {
  /** Shown as the gradient function of the results, and in errors. */
  name: string
  /** Computes the result (or several); `context.save(…)` keeps tensors for the backward. Nothing in it is recorded. */
  forward(context: OpContext, ...args: Args): R
  /**
   * Gets the gradient of each result (null for one of several that nobody used); returns one gradient per argument, in
   * order, null where none flows. Written in ops it can be differentiated again. `context.needs(i)` tells whether the
   * gradient of argument i is wanted (and `context.records(i)`, in `forward`, whether it ever will be).
   */
  backward(context: OpContext, ...gradients: Tensor[]): readonly (Tensor | null)[] | Tensor
}

/** Shape and dtype of each argument that is a tensor. */
type Expected = readonly ({ shape: Shape; dtype: DType } | null)[]

/**
 * Makes a function from a forward and a backward:
 *
 *     const cube = customOp({
 *       name: 'cube',
 *       forward: (context, x: Tensor) => (context.save(x), x.mul(x).mul(x)),
 *       backward: (context, dy) => dy.mul(context.saved[0].square()).mul(3),
 *     })
 *
 * Arguments that are no tensors are passed on as they are.
 *
 * @throws AutogradError or ShapeError at the backward pass, if a gradient is missing or has another shape or dtype than
 *   its argument.
 */
export function customOp<Args extends unknown[], R extends Tensor | Tensor[] = Tensor>(
  definition: CustomOp<Args, R>,
): (...args: Args) => R {
  const { name, forward, backward } = checkDefinition(definition)
  const op: Op<Expected, R> = {
    name,
    forward: (node, inputs) => {
      const result = forward(node as OpContext, ...(inputs as unknown as Args))
      return (Array.isArray(result) ? result.map((y) => fresh(name, y, inputs)) : fresh(name, result, inputs)) as R
    },
    backward: (node, ...gradients) => {
      const result = backward(node as OpContext, ...gradients)
      const list = result instanceof Tensor ? [result] : result
      return checkGradients(name, node as Node, node.attrs, list)
    },
  }
  return (...args) => {
    const expected = args.map((x) => (x instanceof Tensor ? { shape: x.shape, dtype: x.dtype } : null))
    return apply(op, args as Input[], expected)
  }
}

function checkDefinition<D extends CustomOp<never, Tensor | Tensor[]>>(definition: D): D {
  const { name, forward, backward } = (definition ?? {}) as Partial<D>
  if (typeof name === 'string' && typeof forward === 'function' && typeof backward === 'function') return definition
  throw new ArgumentError(`customOp: expected { name, forward, backward }, got ${show(definition)}`)
}

/** A result that is recorded as this op's must not be an input, nor belong to another op. */
function fresh(name: string, y: unknown, inputs: readonly unknown[]): Tensor {
  if (!(y instanceof Tensor)) throw new ArgumentError(`${name}: expected forward to return tensors, got ${show(y)}`)
  return inputs.includes(y) || y.requiresGrad ? detach(y) : y
}

function checkGradients(
  name: string,
  node: Node,
  expected: Expected,
  gradients: readonly (Tensor | null)[],
): readonly (Tensor | null)[] {
  if (!Array.isArray(gradients) || gradients.length !== expected.length) {
    const got = Array.isArray(gradients) ? `${gradients.length}` : show(gradients)
    throw new AutogradError(`${name}: expected backward to return ${expected.length} gradients, got ${got}`)
  }
  expected.forEach((input, i) => {
    const gradient: unknown = gradients[i]
    if (gradient === null || gradient === undefined || !node.needs(i) || input === null) return
    if (gradient instanceof Tensor && sameShape(gradient.shape, input.shape) && gradient.dtype === input.dtype) return
    throw new ShapeError(
      `${name}: expected a gradient [${input.shape.join(', ')}] ${input.dtype} for argument ${i}, ` +
        `got ${String(gradient)}`,
    )
  })
  return gradients
}
