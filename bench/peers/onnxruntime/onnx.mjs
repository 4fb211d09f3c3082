// Writes ONNX models: the few protobuf messages they need (https://onnx.ai/onnx/repo-docs/IR.html), and a graph that is
// built node by node. Values of constants are random.

/** Numbers of the element types, and the arrays that hold them. */
const types = { float32: 1, int32: 6, int64: 7, float64: 11 }
const arrays = { Float32Array: 'float32', Int32Array: 'int32', BigInt64Array: 'int64', Float64Array: 'float64' }
const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 }

// A message is a list of byte arrays, joined only at the end: models are large.
const sizeOf = (parts) => parts.reduce((sum, part) => sum + part.length, 0)

function varint(value) {
  const bytes = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    const low = Number(rest & 127n)
    rest >>= 7n
    bytes.push(rest > 0n ? low | 128 : low)
  } while (rest > 0n)
  return Uint8Array.from(bytes)
}

const integer = (field, value) => [varint(field * 8), varint(value)]
const message = (field, parts) => [varint(field * 8 + 2), varint(sizeOf(parts)), ...parts]
const bytes = (field, data) => message(field, [data])
const text = (field, value) => bytes(field, Buffer.from(value))
const real = (field, value) => [varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer)]

/** An attribute: a string, a list of integers, an integer, or {float: value}. */
function attribute(name, value) {
  const typed = (type, fields) => message(5, [...text(1, name), ...fields, ...integer(20, attributeTypes[type])])
  if (typeof value === 'string') return typed('string', text(4, value))
  if (Array.isArray(value)) return typed('ints', value.flatMap((item) => integer(8, item)))
  if (typeof value === 'object') return typed('float', real(2, value.float))
  return typed('int', integer(3, value))
}

/** A name with its type; the shape may hold names for sizes that are known only later. */
function typedName(field, { name, type, shape }) {
  const dimension = (size) => message(1, typeof size === 'string' ? text(2, size) : integer(1, size))
  const dimensions = shape ? message(2, shape.flatMap(dimension)) : []
  return message(field, [...text(1, name), ...message(2, message(1, [...integer(1, types[type]), ...dimensions]))])
}

/** Numbers within ±`scale`. */
export function random(length, scale = 1) {
  const values = new Float32Array(length)
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    values[i] = (state / 2 ** 31) * scale
  }
  return values
}

export class Graph {
  inputs = []
  #outputs = []
  #nodes = []
  #constants = []
  #names = 0

  #name() {
    return `t${this.#names++}`
  }

  /** An input that `feeds` will fill. */
  input(shape, type = 'float32') {
    const value = { name: this.#name(), shape, type }
    this.inputs.push(value)
    return value.name
  }

  /** Random weights, or what `values` holds. */
  constant(shape, values = random(shape.reduce((a, b) => a * b, 1), 0.05)) {
    const name = this.#name()
    const type = arrays[values.constructor.name]
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    const dimensions = shape.flatMap((size) => integer(1, size))
    const fields = [...dimensions, ...integer(2, types[type]), ...text(8, name), ...bytes(9, data)]
    this.#constants.push(...message(5, fields))
    return name
  }

  integers(...values) {
    return this.constant([values.length], BigInt64Array.from(values, BigInt))
  }

  /** The name of a node's result, or those of its `count` results. An input '' is left out. */
  node(op, inputs, attributes = {}, { domain = '', count = 1 } = {}) {
    const outputs = Array.from({ length: count }, () => this.#name())
    const fields = [
      ...inputs.flatMap((name) => text(1, name)),
      ...outputs.flatMap((name) => text(2, name)),
      ...text(4, op),
      ...Object.entries(attributes).flatMap(([name, value]) => attribute(name, value)),
      ...text(7, domain),
    ]
    this.#nodes.push(...message(1, fields))
    return count === 1 ? outputs[0] : outputs
  }

  output(name, type = 'float32') {
    this.#outputs.push({ name, type })
    return this
  }

  encode() {
    const graph = [
      ...this.#nodes,
      ...text(2, 'graph'),
      ...this.#constants,
      ...this.inputs.flatMap((value) => typedName(11, value)),
      ...this.#outputs.flatMap((value) => typedName(12, value)),
    ]
    const opset = (domain, version) => message(8, [...text(1, domain), ...integer(2, version)])
    return Buffer.concat([...integer(1, 9), ...message(7, graph), ...opset('', 20), ...opset('com.microsoft', 1)])
  }
}
