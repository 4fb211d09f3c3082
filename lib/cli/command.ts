// What a command of the command line is.
import type { ParseArgsConfig } from 'node:util'

export interface Command {
  /** Printed by --help. */
  help: string
  /** Its options besides --help, as node:util's parseArgs takes them. */
  options: NonNullable<ParseArgsConfig['options']>
  /** Runs it; the promise's rejection is the command's failure. */
  run(values: Readonly<Record<string, unknown>>): Promise<void>
}

/** The command line makes no sense: exit code 2 and a hint at --help. */
export class UsageError extends Error {}

/** The value of an integer option in [low, high], or its default. */
export function integerOption(name: string, value: unknown, low: number, high: number, otherwise: number): number {
  if (value === undefined) return otherwise
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : NaN
  if (number >= low && number <= high) return number
  throw new UsageError(`--${name}: expected an integer from ${low} to ${high}, got '${String(value)}'`)
}
