// A dense float64 array with a shape: what references are written in. Clear before fast.

/** The numbers of `shape`'s elements in row-major order, as index tuples. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  const index = shape.map(() => 0)
  const count = shape.reduce((m, n) => m * n, 1)
  for (let i = 0; i < count; i++) {
    yield index
    for (let d = shape.length - 1; d >= 0 && ++index[d] === shape[d]; d--) index[d] = 0
  }
}

export function broadcastShape(shapes: readonly (readonly number[])[]): number[] {
  const ndim = Math.max(...shapes.map((s) => s.length))
  return Array.from({ length: ndim }, (_, d) => {
    const sizes = shapes.map((s) => s[d - ndim + s.length] ?? 1)
    return sizes.find((n) => n !== 1) ?? 1
  })
}

export class NdArray {
  readonly numel: number

  constructor(
    readonly shape: readonly number[],
    readonly data: Float64Array,
  ) {
    this.numel = shape.reduce((m, n) => m * n, 1)
    if (this.numel !== data.length) throw new Error(`NdArray: ${data.length} values for [${shape.join(', ')}]`)
  }

  /** The array whose element at `index` is `element(index)`. */
  static make(shape: readonly number[], element: (index: number[]) => number): NdArray {
    const data = new Float64Array(shape.reduce((m, n) => m * n, 1))
    let at = 0
    for (const index of indices(shape)) data[at++] = element(index)
    return new NdArray([...shape], data)
  }

  /** Elements of nested arrays, or one number. */
  static of(nested: unknown): NdArray {
    const shape: number[] = []
    for (let level = nested; Array.isArray(level); level = level[0]) shape.push(level.length)
    return new NdArray(shape, Float64Array.from([nested].flat(Infinity as 1) as number[]))
  }

  private offset(index: readonly number[]): number {
    let at = 0
    for (let d = 0; d < this.shape.length; d++) at = at * this.shape[d] + index[d]
    return at
  }

  at(index: readonly number[]): number {
    return this.data[this.offset(index)]
  }

  set(index: readonly number[], value: number): void {
    this.data[this.offset(index)] = value
  }

  /** The element that broadcasting puts at `index` of a larger shape. */
  broadcastAt(index: readonly number[]): number {
    const ahead = index.length - this.shape.length
    let at = 0
    for (let d = 0; d < this.shape.length; d++) at = at * this.shape[d] + (this.shape[d] === 1 ? 0 : index[ahead + d])
    return this.data[at]
  }

  map(f: (value: number) => number): NdArray {
    return new NdArray(this.shape, this.data.map(f))
  }

  copy(): NdArray {
    return new NdArray(this.shape, this.data.slice())
  }

  /** f of the elements of all arrays, broadcast together. */
  static zip(f: (...values: number[]) => number, ...arrays: NdArray[]): NdArray {
    const shape = broadcastShape(arrays.map((a) => a.shape))
    const values = new Array<number>(arrays.length)
    if (arrays.every((a) => a.shape.join() === shape.join())) {
      const data = arrays[0].data.map((_, i) => {
        for (let k = 0; k < arrays.length; k++) values[k] = arrays[k].data[i]
        return f(...values)
      })
      return new NdArray(shape, data)
    }
    return NdArray.make(shape, (index) => {
      for (let k = 0; k < arrays.length; k++) values[k] = arrays[k].broadcastAt(index)
      return f(...values)
    })
  }

  /** f of all elements along `dims`, in row-major order. */
  reduce(dims: readonly number[], keepdim: boolean, f: (values: number[]) => number): NdArray {
    const isReduced = this.shape.map((_, d) => dims.some((dim) => dim === d || dim + this.shape.length === d))
    const kept = this.shape.map((n, d) => (isReduced[d] ? 1 : n))
    const groups = Array.from({ length: kept.reduce((m, n) => m * n, 1) }, (): number[] => [])
    let at = 0
    for (const index of indices(this.shape)) {
      let group = 0
      for (let d = 0; d < kept.length; d++) group = isReduced[d] ? group : group * kept[d] + index[d]
      groups[group].push(this.data[at++])
    }
    const shape = keepdim ? kept : this.shape.filter((_, d) => !isReduced[d])
    return new NdArray(shape, Float64Array.from(groups, f))
  }

  reshape(shape: readonly number[]): NdArray {
    return new NdArray(shape, this.data)
  }

  /** Dim `i` of the result is dim `dims[i]` of this array. */
  permute(dims: readonly number[]): NdArray {
    return NdArray.make(
      dims.map((d) => this.shape[d]),
      (index) => this.at(this.shape.map((_, d) => index[dims.indexOf(d)])),
    )
  }

  /** Σ of the products of the elements of two arrays of one shape. */
  dot(other: NdArray): number {
    return this.data.reduce((sum, value, i) => sum + value * other.data[i], 0)
  }
}
