// What optimizers share: parameter groups, state, the step. A step is one native command per group, however many
// parameters it has.
import { checkTensor } from '../check'
import { ArgumentError, show } from '../errors'
import { Tensor } from '../tensor'
import { type Batch, type ParameterState, stepInBatches } from './batch'
import { withDefaults } from './options'
import { type OptimizerState, readState, writeState } from './state'

/** Parameters and the options that hold for them, which may be changed between steps: `group.lr = 1e-4`. */
export type ParamGroup<O extends object> = O & { readonly params: readonly Tensor[] }

/** What users give for a group: options not named are the optimizer's. */
export type GroupOptions<O extends object> = Partial<O> & { params: Iterable<Tensor> }

export abstract class Optimizer<O extends object = object> {
  readonly paramGroups: ParamGroup<O>[] = []
  private readonly states: ParameterState[][] = []

  /**
   * @param params Tensors that require gradients, or groups `{ params, ...options }`.
   * @param options What holds where a group says nothing.
   * @throws ArgumentError for unknown or impossible options, no parameters, one given twice, or no leaf.
   */
  constructor(
    params: Iterable<Tensor> | Iterable<GroupOptions<O>>,
    private readonly options: O,
  ) {
    const given = [...this.checkIterable<Tensor | GroupOptions<O>>(params)]
    if (given.length === 0) throw new ArgumentError(`${this.name}: expected at least one parameter, got none`)
    this.checkOptions(options)
    if (given.every((item) => item instanceof Tensor))
      this.addParamGroup({ params: given } as unknown as GroupOptions<O>)
    else for (const group of given) this.addParamGroup(group as GroupOptions<O>)
  }

  protected get name(): string {
    return this.constructor.name
  }

  private checkIterable<T>(params: Iterable<T>): Iterable<T> {
    if (params !== null && typeof params === 'object' && Symbol.iterator in params) return params
    throw new ArgumentError(`${this.name}: expected a list of parameters or groups, got ${show(params)}`)
  }

  /** Throws for options that make no sense. */
  protected abstract checkOptions(options: O): void

  /** The names of the state tensors that these options call for. */
  protected abstract stateNames(options: O): readonly string[]

  /** Enqueues the step of a batch. */
  protected abstract launch(options: O, batch: Batch): void

  /** Adds parameters, for example of layers that were frozen so far. */
  addParamGroup(group: GroupOptions<O>): void {
    if (group === null || typeof group !== 'object' || group instanceof Tensor || group.params === undefined) {
      throw new ArgumentError(`${this.name}: expected a group { params, ...options }, got ${show(group)}`)
    }
    const { params, ...given } = group
    const options = withDefaults(this.name, this.options, given as unknown as Partial<O>)
    this.checkOptions(options)
    const taken = new Set(this.paramGroups.flatMap((other) => other.params))
    const list = params instanceof Tensor ? [params] : [...this.checkIterable(params)]
    for (const p of list) {
      checkParameter(this.name, p)
      if (taken.has(p)) throw new ArgumentError(`${this.name}: expected each parameter once, got ${p.toString()} twice`)
      taken.add(p)
    }
    this.paramGroups.push({ ...options, params: list })
    this.states.push(list.map(() => ({ step: 0, tensors: {} })))
  }

  /** Changes every parameter that has a gradient, in place. */
  step(): void {
    for (let g = 0; g < this.paramGroups.length; g++) {
      const group = this.paramGroups[g]
      stepInBatches(group.params, this.states[g], this.stateNames(group), (batch) => this.launch(group, batch))
    }
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const group of this.paramGroups) for (const p of group.params) p.grad = null
  }

  /** State and options in PyTorch's form; state tensors share the optimizer's memory. */
  stateDict(): OptimizerState {
    return writeState(this.paramGroups, this.states)
  }

  /**
   * Takes over state and options of an optimizer of the same kind on the same parameters in the same order.
   *
   * @throws StateDictError if groups, parameters or shapes differ; nothing has changed then.
   */
  loadStateDict(state: OptimizerState): void {
    const { options, states } = readState(this.name, state, this.paramGroups)
    const merged = options.map((given) => withDefaults(this.name, this.options, given as Partial<O>))
    for (const each of merged) this.checkOptions(each)
    this.paramGroups.forEach((group, g) => Object.assign(group, merged[g]))
    this.states.splice(0, this.states.length, ...states)
  }
}

/** Parameters must be leaves that kernels can write in place. */
function checkParameter(op: string, p: unknown): void {
  const t = checkTensor(op, 'every parameter', p)
  if (!t.isLeaf) throw new ArgumentError(`${op}: expected leaves, got the result of '${t.node?.op.name}'`)
  if ((t.dtype !== 'float32' && t.dtype !== 'float64') || !t.isContiguous) {
    throw new ArgumentError(`${op}: expected contiguous float32 or float64 parameters, got ${t.toString()}`)
  }
}
