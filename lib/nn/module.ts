// The base of all layers and models. A module's members are its properties, in the order of their definition: tensors
// made by `parameter()` or `buffer()`, other modules, and arrays of either. There is nothing to register.
import { inspect } from 'node:util'
import { noGrad } from '../autograd'
import { checkOptions } from '../check'
import { checkDevice, type DeviceLike } from '../device'
import { type DType, isDType, isFloat } from '../dtype'
import { ArgumentError, checkFunction, DTypeError, show } from '../errors'
import { to } from '../ops/copy'
import { detach } from '../ops/view'
import { keep } from '../scope'
import { Tensor } from '../tensor'
import { buffer, mark, parameter, type Role, roleOf } from './parameter'
import { keyOf, type LoadReport, loadState, type StateDict } from './state'

/** Where a module holds a member: `holder[property]` is the value. */
export interface Slot {
  /** The member's name in state dicts. */
  readonly key: string
  readonly value: Tensor | Module
  readonly holder: object
  readonly property: string
}

interface Visit {
  /** What the names of the module's members begin with. */
  readonly prefix: string
  readonly module: Module
  readonly slots: readonly Slot[]
}

export abstract class Module {
  /** Whether the module behaves as in training; `train()` and `eval()` switch it. */
  training = true

  /** What the module computes. */
  abstract forward(...inputs: never[]): unknown

  /** The members: properties in the order of their definition. Containers that name their members override this. */
  protected slots(): Slot[] {
    const slots: Slot[] = []
    for (const [property, value] of Object.entries(this)) {
      if (isMember(value)) slots.push({ key: keyOf(property), value, holder: this, property })
      if (!Array.isArray(value)) continue
      for (const [i, item] of (value as unknown[]).entries()) {
        if (isMember(item)) slots.push({ key: `${keyOf(property)}.${i}`, value: item, holder: value, property: `${i}` })
      }
    }
    return slots
  }

  /** The modules that this one holds directly, with their names. */
  namedChildren(): [string, Module][] {
    return this.slots().flatMap(({ key, value }) =>
      value instanceof Module ? [[key, value] as [string, Module]] : [],
    )
  }

  children(): Module[] {
    return this.namedChildren().map(([, child]) => child)
  }

  /** This module (its name is '') and all below it, each once. */
  namedModules(): [string, Module][] {
    const seen = new Set<Module>()
    return this.visits()
      .filter(({ module }) => !seen.has(module) && seen.add(module))
      .map(({ prefix, module }) => [prefix.slice(0, -1), module])
  }

  modules(): Module[] {
    return this.namedModules().map(([, module]) => module)
  }

  /** All parameters, each once, with their names in the state dict. */
  namedParameters(): [string, Tensor][] {
    return this.namedTensors(['parameter'])
  }

  parameters(): Tensor[] {
    return this.namedParameters().map(([, t]) => t)
  }

  /** The parameter of this name in the state dict, such as `layers.0.weight`. */
  getParameter(key: string): Tensor {
    const found = this.namedTensors(['parameter'], false).find(([name]) => name === key)
    if (found === undefined) throw new ArgumentError(`getParameter: expected the name of a parameter, got ${show(key)}`)
    return found[1]
  }

  /** All buffers, those that are not saved included. */
  namedBuffers(): [string, Tensor][] {
    return this.namedTensors(['buffer', 'transient'])
  }

  buffers(): Tensor[] {
    return this.namedBuffers().map(([, t]) => t)
  }

  private namedTensors(wanted: readonly Role[], once = true): [string, Tensor][] {
    const seen = new Set<Tensor>()
    const found = this.visits().flatMap((visit) => tensorsOf(visit, wanted))
    return once ? found.filter(([, t]) => !seen.has(t) && seen.add(t)) : found
  }

  /** This module and all below it, parents first, as often as they are held. */
  private visits(prefix = '', above: readonly Module[] = [], visits: Visit[] = []): Visit[] {
    if (above.includes(this)) {
      throw new ArgumentError(`Module: expected a tree of modules, got '${prefix.slice(0, -1)}', which holds itself`)
    }
    const slots = this.slots()
    visits.push({ prefix, module: this, slots })
    const path = [...above, this]
    for (const { key, value } of slots) if (value instanceof Module) value.visits(`${prefix}${key}.`, path, visits)
    return visits
  }

  /**
   * Parameters and saved buffers by name, as PyTorch names them. The tensors share the module's memory: they follow its
   * training; `clone()` them to keep a moment.
   */
  stateDict(): StateDict {
    return Object.fromEntries(this.state().map(([key, t]) => [key, keep(detach(t))]))
  }

  private state(): [string, Tensor][] {
    return this.visits().flatMap((visit) => [...tensorsOf(visit, ['parameter']), ...tensorsOf(visit, ['buffer'])])
  }

  /**
   * Copies tensors into parameters and buffers by name, converting dtypes.
   *
   * @param options.strict Every name must be there, and no other (default true).
   * @throws StateDictError that lists what is missing, unexpected or of another shape; nothing is written then.
   */
  loadStateDict(state: StateDict, options?: { strict?: boolean }): LoadReport {
    const { strict = true } = checkOptions('loadStateDict', options, { strict: true })
    return loadState('loadStateDict', Object.fromEntries(this.state()), state, strict)
  }

  /**
   * Switches this module and all below it to training, or with false to evaluation. Training gives up the copies that
   * `optimizeForInference` made.
   */
  train(training = true): this {
    for (const module of this.modules()) {
      module.training = training
      if (training) module.unpack()
    }
    return this
  }

  /** Switches to evaluation: dropout does nothing, batch norm uses its running statistics. */
  eval(): this {
    return this.train(false)
  }

  /**
   * Readies this module and all below it for evaluation that is repeated: switches to it, switches gradients off, and
   * lays out weights as the kernels want them, in copies that take as much memory again. A copy serves while its
   * weights stay as they are: after `loadStateDict`, a step of an optimizer or `to`, layers go on with the weights
   * themselves until this is called once more. `train()` gives up the copies, `requiresGrad_()` brings gradients back.
   */
  optimizeForInference(): this {
    this.eval().requiresGrad_(false)
    for (const module of this.modules()) module.pack()
    return this
  }

  /** Makes copies of the module's own weights, as `optimizeForInference` says; layers that have such override both. */
  protected pack(): void {}
  /** Gives up those copies. */
  protected unpack(): void {}

  /** Calls `fn` with every module below this one, then with this one. */
  apply(fn: (module: Module) => void): this {
    checkFunction('Module.apply', 'fn', fn)
    for (const child of this.children()) child.apply(fn)
    fn(this)
    return this
  }

  /**
   * Moves parameters and buffers to a device, or converts the floating ones to a floating dtype. Those that change are
   * new tensors: make optimizers afterwards.
   */
  to(target: DType | DeviceLike): this {
    if (!isDType(target)) checkDevice('Module.to', target ?? null)
    else if (!isFloat(target)) {
      throw new DTypeError(`Module.to: expected a floating dtype or a device, got ${target}`)
    }
    const moved = new Map<Tensor, Tensor>() // a tensor held twice stays one
    for (const module of this.modules()) {
      for (const { value, holder, property } of module.slots()) {
        if (!(value instanceof Tensor)) continue
        if (!moved.has(value)) moved.set(value, moveTensor(value, target))
        Reflect.set(holder, property, moved.get(value))
      }
    }
    return this
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const { slots } of this.visits()) {
      for (const { value } of slots) if (value instanceof Tensor && roleOf(value) === 'parameter') value.grad = null
    }
  }

  /** Switches the gradients of all parameters on or off. */
  requiresGrad_(value = true): this {
    for (const p of this.parameters()) p.setRequiresGrad(value)
    return this
  }

  /** Sets property `name` to a parameter made of `t`; for names that are known only at run time. */
  registerParameter(name: string, t: Tensor): Tensor {
    return this.register('registerParameter', name, parameter(t))
  }

  /** Sets property `name` to a buffer made of `t`; for names that are known only at run time. */
  registerBuffer(name: string, t: Tensor, options?: { persistent?: boolean }): Tensor {
    return this.register('registerBuffer', name, buffer(t, options))
  }

  private register(op: string, name: unknown, t: Tensor): Tensor {
    const held = typeof name === 'string' ? (Reflect.get(this, name) as unknown) : undefined
    if (typeof name !== 'string' || !/^[^.]+$/.test(name) || !(held === undefined || held === null || isMember(held))) {
      throw new ArgumentError(`${op}: expected the name of a new property, without a dot, got ${show(name)}`)
    }
    Object.defineProperty(this, name, { value: t, writable: true, enumerable: true, configurable: true })
    return t
  }

  /** What to show in brackets after the class's name. */
  protected details(): string {
    return ''
  }

  toString(): string {
    const lines = this.namedChildren().map(
      ([key, child]) => `  (${key}): ${child.toString().replaceAll('\n', '\n  ')}\n`,
    )
    return `${this.constructor.name}(${lines.length > 0 ? `\n${lines.join('')}` : this.details()})`
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

function isMember(value: unknown): value is Tensor | Module {
  return value instanceof Module || (value instanceof Tensor && roleOf(value) !== undefined)
}

/** The tensors of these roles that a module holds itself. */
function tensorsOf({ prefix, slots }: Visit, wanted: readonly Role[]): [string, Tensor][] {
  return slots.flatMap(({ key, value }) =>
    value instanceof Tensor && wanted.includes(roleOf(value) as Role)
      ? [[prefix + key, value] as [string, Tensor]]
      : [],
  )
}

function moveTensor(t: Tensor, target: DType | DeviceLike): Tensor {
  if (isDType(target) && !isFloat(t.dtype)) return t
  const moved = noGrad(() => to(t, target))
  if (moved === t) return t
  const { grad } = t
  if (grad !== null) moved.grad = noGrad(() => keep(to(grad, target)))
  return mark(moved.setRequiresGrad(t.requiresGrad), roleOf(t) as Role)
}
