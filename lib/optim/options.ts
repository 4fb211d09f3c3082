// Checks of optimizer options, shared by all optimizers.
import { checkOptions, type OptionNames } from '../check'
import { ArgumentError, show } from '../errors'
import { checkNumber } from '../shape'

/** Options every optimizer has. */
export interface CommonOptions {
  /** Step size. */
  lr: number
  /** L2 penalty: adds weightDecay · p to the gradient (AdamW: shrinks p by lr · weightDecay). */
  weightDecay: number
  /** Climb instead of descend. */
  maximize: boolean
}

/** Defaults overlaid with what was given; a misspelt option is an error, not silence. */
export function withDefaults<O extends object>(op: string, defaults: O, options: Partial<O> | undefined): O {
  const known = Object.fromEntries(Object.keys(defaults).map((name) => [name, true])) as OptionNames<O>
  const given = Object.entries(checkOptions(op, options, known)).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(given) }
}

export function checkCommon(op: string, { lr, weightDecay, maximize }: CommonOptions): void {
  checkNumber(op, 'lr', lr, 0)
  checkNumber(op, 'weightDecay', weightDecay, 0)
  checkFlag(op, 'maximize', maximize)
}

export function checkFlag(op: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new ArgumentError(`${op}: expected ${name} to be a boolean, got ${show(value)}`)
}
