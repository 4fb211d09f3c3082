// Optimizer steps over 10 million parameters in 1, 10 and 200 tensors.
const total = 10_000_000

function step(label, make, moments, tensors) {
  const state = 4 * total * moments
  return {
    bench: 'optimizer step',
    params: `${label} 10M${tensors === 10 ? '' : ` in ${tensors}`}`,
    args: { optimizer: label, tensors },
    // Parameters and state are read and written, gradients read.
    bytes: [8 * total + state, 4 * total + state],
    prepare(n) {
      const parameters = Array.from({ length: tensors }, () => n.nn.parameter(n.randn([total / tensors])))
      for (const p of parameters) p.grad = n.randn(p.shape)
      const optimizer = make(n, parameters)
      return () => optimizer.step()
    },
  }
}

export const optimizers = [10, 1, 200].flatMap((tensors) => [
  step('adam', (n, parameters) => new n.optim.Adam(parameters, { lr: 1e-3 }), 2, tensors),
  step('adamw', (n, parameters) => new n.optim.AdamW(parameters, { lr: 1e-3 }), 2, tensors),
  step('sgd-momentum', (n, parameters) => new n.optim.SGD(parameters, { lr: 1e-3, momentum: 0.9 }), 1, tensors),
])
