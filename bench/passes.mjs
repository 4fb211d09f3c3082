// What rows time: the forward pass, forward and backward, or backward alone.

const firstOf = (result) => (Array.isArray(result) ? result[0] : result)

/** `run` without a graph; what it makes is freed. */
export function forward(n, run) {
  return () => n.noGrad(() => n.scope(() => void run()))
}

/** `run`, then backward from a random gradient into `leaves`, which start without one. */
export function forwardBackward(n, leaves, run) {
  const { shape, dtype } = firstOf(run())
  const dy = n.randn(shape, { dtype })
  return () => {
    for (const leaf of leaves) {
      leaf.grad?.dispose()
      leaf.grad = null
    }
    firstOf(run()).backward(dy)
  }
}

/** The gradients of `inputs` alone; the graph of `run` stays. */
export function backward(n, inputs, run) {
  const y = firstOf(run())
  const dy = n.randn(y.shape)
  return () => {
    for (const gradient of n.grad(y, inputs, { gradOutputs: [dy], retainGraph: true })) gradient.dispose()
  }
}

/** `work(n, args)` gives {leaves, run}; each pass makes a row of its own kind of it. */
export const passes = {
  fwd: (n, { run }) => forward(n, run),
  'fwd+bwd': (n, { leaves, run }) => forwardBackward(n, leaves.map((t) => t.setRequiresGrad()), run),
}

export const product = (sizes) => sizes.reduce((a, b) => a * b, 1)

/** Bytes of float32 tensors of these sizes. */
export const float32 = (...sizes) => 4 * sizes.reduce((sum, shape) => sum + product([].concat(shape)), 0)
