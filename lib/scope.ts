// Which tensors were made since when: `scope` frees what a function made and did not return.
import { ArgumentError, checkFunction, show } from './errors'
import type { Tensor } from './tensor'

let made: Tensor[] | null = null

/** Called by every new tensor. */
export function remember(t: Tensor): void {
  if (made !== null) made.push(t)
}

/** Runs `work` and returns its result with every tensor made meanwhile; if it throws, they are freed. */
export function collectMade<T>(work: () => T): { result: T; tensors: Tensor[] } {
  const outer = made
  const tensors: Tensor[] = (made = [])
  try {
    return { result: work(), tensors }
  } catch (error) {
    for (const t of tensors) if (!t.isKept) t.dispose()
    throw error
  } finally {
    made = outer
  }
}

/** Takes a tensor out of every scope: it lives until it is disposed or garbage-collected. Returns the tensor. */
export function keep<T extends Tensor>(t: T): T {
  if (typeof (t as Tensor | null | undefined)?.isKept !== 'boolean') {
    throw new ArgumentError(`keep: expected a tensor, got ${show(t)}`)
  }
  t.isKept = true
  return t
}

/**
 * Every object reachable from `value` through arrays, maps, sets and properties: tensors, and the graphs behind them.
 */
function reachable(value: unknown): Set<unknown> {
  const found = new Set<unknown>()
  const open = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (next === null || typeof next !== 'object' || found.has(next)) continue
    found.add(next)
    if (ArrayBuffer.isView(next)) continue
    const parts =
      next instanceof Map ? [...next.keys(), ...next.values()] : next instanceof Set ? next : Object.values(next)
    for (const part of parts) open.push(part)
  }
  return found
}

/**
 * Runs `work`, then frees every tensor made in it, except those in its result (with the graph that leads to them),
 * gradients of leaves, parameters and optimizer state (whatever went through `keep`).
 *
 * @throws ArgumentError if `work` returns a promise: what comes after an `await` runs when the scope is already over.
 */
export function scope<T>(work: () => T): T {
  checkFunction('scope', 'work', work)
  const { result, tensors } = collectMade(work)
  const found = reachable(result)
  for (const t of tensors) {
    if (found.has(t) || t.isKept) remember(t)
    else t.dispose()
  }
  if (result instanceof Promise) {
    throw new ArgumentError('scope: expected a synchronous function, got one that returns a promise')
  }
  return result
}
