// Gives tensors their methods: `addMethods({ exp })` makes `x.exp(...rest)` call `exp(x, ...rest)`. Each op file calls
// it for its own functions, next to the declaration of their types.
import { Tensor } from './tensor'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any function whose first argument is a tensor
type Method = (x: Tensor, ...rest: any[]) => unknown

export function addMethods(methods: Record<string, Method>): void {
  for (const [name, method] of Object.entries(methods)) {
    Object.defineProperty(Tensor.prototype, name, {
      value(this: Tensor, ...rest: unknown[]) {
        return method(this, ...rest)
      },
      writable: true,
      configurable: true,
    })
  }
}
