// The tensors that calls draw from: all dtypes, many layouts, some that require gradients, some disposed.
const floats = ['float32', 'float32', 'float64', 'float16', 'bfloat16']
const all = [...floats, 'int8', 'uint8', 'int32', 'int64', 'bool']

export class World {
  constructor(n, draw) {
    this.n = n
    this.draw = draw
    this.tensors = Array.from({ length: 48 }, () => this.make(draw.shape(), draw.pick(all)))
    this.corpses = Array.from({ length: 8 }, () => {
      const t = this.make([3], 'float32')
      t.dispose()
      return t
    })
  }

  /** A new tensor of random values in a random layout. */
  make(shape, dtype) {
    const { n, draw } = this
    const values = () => (floats.includes(dtype) ? n.randn(shape) : n.randint(0, dtype === 'bool' ? 2 : 5, shape))
    const t = values().to(dtype)
    if (draw.chance(0.5) || shape.length === 0) return t
    const d = draw.int(0, shape.length - 1)
    if (draw.chance(0.5)) return t.transpose(d, shape.length - 1).contiguous().transpose(d, shape.length - 1)
    const wide = [...shape]
    wide[d] = wide[d] * 2 + 1
    const ranges = shape.map((size, i) => (i === d ? [1, 1 + 2 * size, 2] : null))
    return n.zeros(wide, { dtype }).slice(ranges)
  }

  float(shape) {
    return this.make(shape, this.draw.pick(floats))
  }

  index(limit, shape) {
    return this.n.randint(0, Math.max(1, limit), shape, { dtype: this.draw.pick(['int64', 'int32']) })
  }

  tensor() {
    return this.draw.pick(this.tensors)
  }

  disposed() {
    return this.draw.pick(this.corpses)
  }

  /** Replaces one tensor, so that ids go stale and memory is reused. */
  age() {
    const at = this.draw.int(0, this.tensors.length - 1)
    if (this.draw.chance(0.5)) this.tensors[at].dispose()
    this.tensors[at] = this.make(this.draw.shape(), this.draw.pick(all))
  }
}
