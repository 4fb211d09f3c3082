// Seeded random choices (mulberry32), ordinary and hostile.
export class Draw {
  constructor(seed) {
    this.state = seed >>> 0
  }

  /** In [0, 1). */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  int(low, high) {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  chance(p) {
    return this.next() < p
  }

  pick(list) {
    return list[Math.floor(this.next() * list.length)]
  }

  shape(maxDims = 4) {
    return Array.from({ length: this.int(0, maxDims) }, () => this.pick([0, 1, 1, 2, 3, 4, 5, 7]))
  }

  /** A number that no op expects. */
  hostileNumber() {
    return this.pick([
      -1,
      0,
      1,
      2,
      8,
      9,
      -9,
      0.5,
      -0.5,
      NaN,
      Infinity,
      -Infinity,
      255,
      65536,
      2 ** 31 - 1,
      2 ** 31,
      -(2 ** 31),
      2 ** 32,
      2 ** 53,
      2 ** 53 + 2,
      -(2 ** 53),
      2 ** 63,
      1e308,
      5e-324,
      this.int(-1000, 1000),
    ])
  }

  /** Anything at all. */
  hostileValue(world) {
    return this.pick([
      () => undefined,
      () => null,
      () => this.hostileNumber(),
      () => BigInt(Math.trunc(this.next() * 1e15)) * 1_000_000n,
      () => 'float32',
      () => 'cuda',
      () => '__proto__',
      () => true,
      () => Symbol('hostile'),
      () => () => this.hostileNumber(),
      () => [],
      () => Array.from({ length: this.int(0, 12) }, () => this.hostileNumber()),
      () => [[1], [2, 3], 'x'],
      () => ({}),
      () => this.hostileOptions(world),
      () => Object.create(null),
      () => new Float32Array(this.int(0, 20)),
      () => new BigInt64Array(3),
      () => new DataView(new ArrayBuffer(8)),
      () => new Proxy({}, { get: () => NaN }),
      () => ({ shape: [2, 2], dtype: 'float32', id: this.hostileNumber() }),
      () => world.tensor(),
      () => world.tensor(),
      () => world.tensor(),
      () => world.disposed(),
    ])()
  }

  hostileOptions(world) {
    const keys = [
      'dim',
      'keepdim',
      'dtype',
      'device',
      'shape',
      'stride',
      'padding',
      'dilation',
      'groups',
      'kernelSize',
      'p',
      'weight',
      'reduction',
      'ignoreIndex',
      'labelSmoothing',
      'training',
      'momentum',
      'eps',
      'min',
      'max',
      'isCausal',
      'attnMask',
      'requiresGrad',
      'ceilMode',
      'countIncludePad',
      'returnIndices',
      'correction',
      'bias',
      'generator',
      'createGraph',
    ]
    const options = {}
    for (let i = this.int(1, 4); i > 0; i--) {
      options[this.pick(keys)] = this.chance(0.5)
        ? this.hostileNumber()
        : this.pick([true, 'mean', [1, 2], null, world.tensor()])
    }
    return options
  }
}
