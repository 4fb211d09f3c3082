// Compares a module with what PyTorch computed for it: outputs, gradients of inputs and parameters, buffers afterwards.
import { add, mul, type nn, type Tensor } from '../../lib'
import { type Case, expectClose } from './fixtures'

type Inputs = Record<string, Tensor>

/**
 * Loads the case's state into `module`, runs `call` on its inputs (by default module.forward(input)), and compares all
 * that the case holds.
 */
export function checkParity(given: Case, module: nn.Module, call?: (inputs: Inputs) => readonly Tensor[]): void {
  module.loadStateDict(given.of('state'))
  const inputs = given.of('in')
  for (const x of Object.values(inputs)) if (x.dtype === 'float32') x.setRequiresGrad()
  const run = call ?? (({ input }) => [(module as nn.Layer).forward(input)])
  const outputs = run(inputs)
  const wanted = given.of('out')
  expect(outputs).toHaveLength(Object.keys(wanted).length)
  outputs.forEach((y, i) => expectClose(`${given.name}: output ${i}`, y, wanted[i]))
  const dys = given.of('dy')
  const total = outputs.map((y, i) => mul(y, dys[i]).sum()).reduce((a, b) => add(a, b))
  if (total.requiresGrad) total.backward()
  for (const [name, dx] of Object.entries(given.of('dx')))
    expectClose(`${given.name}: dx of ${name}`, inputs[name].grad, dx, 2)
  const parameters = module.namedParameters()
  expect(parameters.map(([name]) => name)).toEqual(given.parameters)
  const gradients = given.of('grad')
  for (const [name, p] of parameters) {
    if (gradients[name] !== undefined) expectClose(`${given.name}: gradient of ${name}`, p.grad, gradients[name], 2)
    else expect(p.grad).toBeNull()
  }
  const buffers = new Map(module.namedBuffers())
  const after = given.of('after')
  expect([...buffers.keys()].sort()).toEqual(Object.keys(after).sort())
  for (const [name, t] of Object.entries(after))
    expectClose(`${given.name}: ${name} afterwards`, buffers.get(name) ?? null, t)
}
