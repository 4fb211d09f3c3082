// Calls of the native functions themselves: valid argument blocks are recorded as they pass, then played again with
// entries replaced.
/** Small enough that absurd shapes are refused before they take time. */
export const memoryLimit = 128 * 2 ** 20

export class NativeCalls {
  constructor(native, block, draw) {
    this.native = native
    this.block = block
    this.draw = draw
    this.recorded = []
    /** Kernels that were enqueued. */
    this.reached = 0
    this.original = {}
    for (const name of Object.keys(native.kernels)) this.wrap(native.kernels, name)
    for (const name of ['view', 'upload', 'share', 'receive', 'move']) this.wrap(native, name)
  }

  wrap(holder, name) {
    const call = holder[name]
    this.original[name] = call
    holder[name] = (...args) => {
      const values = this.block.slice(0, 200)
      const problem = call(...args)
      if (problem === undefined) {
        this.reached++
        const entry = { name, values, count: args.length }
        if (this.recorded.length < 2000) this.recorded.push(entry)
        else this.recorded[this.draw.int(0, 1999)] = entry
      }
      return problem
    }
  }

  /** Plays a recorded call again, with some entries of its block replaced. */
  mutate(world) {
    const { draw } = this
    if (this.recorded.length === 0) return
    const { name, values, count } = draw.pick(this.recorded)
    this.block.set(values)
    const ids = world.tensors.map((t) => t.id)
    for (let i = draw.int(0, 3); i > 0; i--) {
      const at = draw.int(0, draw.chance(0.8) ? 24 : 199)
      this.block[at] = draw.pick([
        draw.hostileNumber(),
        draw.hostileNumber(),
        draw.pick(ids),
        world.disposed().id,
        0,
        1,
        2,
      ])
    }
    this.call(name, draw.chance(0.9) ? count : draw.int(0, 9), world)
  }

  /** Any native function on a block of noise. */
  noise(world) {
    const { draw } = this
    for (let i = 0; i < 40; i++) this.block[i] = draw.chance(0.3) ? world.tensor().id : draw.hostileNumber()
    this.call(draw.pick(Object.keys(this.original)), draw.int(0, 9), world)
  }

  /** Every other export, with arguments of any kind; settings are put back. */
  other(world) {
    const { draw, native } = this
    const known = new Set(['kernels', ...Object.keys(this.original)])
    const name = draw.pick(Object.keys(native).filter((key) => !known.has(key)))
    // Slow when they do what they are told: many threads, whole collections.
    if ((name === 'setThreads' || name === 'collect') && !draw.chance(0.05)) return
    this.block[0] = draw.chance(0.5) ? world.tensor().id : draw.hostileNumber()
    const argument = draw.hostileValue(world)
    if (name === 'setup') native.setup(argument, draw.hostileNumber(), undefined)
    else if (name === 'dispose') native.dispose(draw.pick([world.disposed().id, -1, 0, NaN, 'x', undefined]))
    else if (name === 'read' || name === 'synchronize') {
      native[name](draw.pick([undefined, 'x', -1, NaN, 0, 2 ** 60]), draw.pick([-1, 0, argument]))
    } else if (name === 'setMemoryLimit') native.setMemoryLimit(draw.pick([0, argument]), argument)
    else native[name](argument)
    if (name === 'setThreads') native.setThreads(2)
    if (name === 'setMemoryLimit') native.setMemoryLimit(0, memoryLimit)
  }

  call(name, count, world) {
    const owners = Array.from({ length: count }, () => (this.draw.chance(0.95) ? {} : this.draw.hostileValue(world)))
    if (name === 'upload') owners[1] = this.draw.chance(0.7) ? new Float32Array(this.draw.int(0, 30)) : owners[1]
    if (this.original[name](...owners) === undefined) this.reached++
  }
}
