// Generated from native/kernels.def by scripts/generate-kernels.mjs; do not edit.
// One function per kernel: it writes the arguments into the block and enqueues. A target tensor without an id is a new
// output and gets its memory here; one with an id is written in place.
import { adopt, adoptOptional, call, finish, writeInts, writeList, writeNumber, writeOperand, writeOptional, writeOptionalTarget, writePhilox, writeScalar, writeTarget, writeTensor, type Operand, type Philox } from './block'
import { kernels } from './native'
import type { Tensor } from './tensor'

export const kernelNames = [
  'neg',
  'abs',
  'sign',
  'square',
  'sqrt',
  'rsqrt',
  'reciprocal',
  'exp',
  'expm1',
  'log',
  'log1p',
  'sin',
  'cos',
  'tanh',
  'erf',
  'sigmoid',
  'relu',
  'gelu',
  'gelu_tanh',
  'silu',
  'softplus',
  'floor',
  'ceil',
  'round',
  'trunc',
  'logical_not',
  'isnan',
  'relu_backward',
  'tanh_backward',
  'sigmoid_backward',
  'gelu_backward',
  'gelu_tanh_backward',
  'silu_backward',
  'softplus_backward',
  'leaky_relu',
  'leaky_relu_backward',
  'elu',
  'elu_backward',
  'clamp',
  'gated',
  'gated_backward',
  'gated_halves_backward',
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'maximum',
  'minimum',
  'remainder',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'logical_and',
  'logical_or',
  'logical_xor',
  'where',
  'copy',
  'fill',
  'arange',
  'cat',
  'triangle',
  'index_select',
  'index_add',
  'gather',
  'scatter',
  'scatter_add',
  'embedding',
  'embedding_backward',
  'sort',
  'topk',
  'sum',
  'mean',
  'prod',
  'amax',
  'amin',
  'any',
  'all',
  'argmax',
  'argmin',
  'matmul',
  'matmul_pack',
  'matmul_packed',
  'conv',
  'conv_pack',
  'conv_packed',
  'conv_backward_input',
  'conv_backward_weight',
  'max_pool',
  'max_pool_backward',
  'avg_pool',
  'avg_pool_backward',
  'softmax',
  'softmax_backward',
  'log_softmax',
  'log_softmax_backward',
  'cross_entropy',
  'cross_entropy_backward',
  'attention',
  'attention_backward',
  'layer_norm',
  'layer_norm_backward',
  'rms_norm',
  'rms_norm_backward',
  'channel_affine',
  'batch_norm',
  'batch_norm_backward',
  'lstm',
  'lstm_backward',
  'gru',
  'gru_backward',
  'rnn',
  'rnn_backward',
  'dropout',
  'uniform',
  'normal',
  'randint',
  'bernoulli',
  'randperm',
  'sgd',
  'adam',
] as const

export function neg(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.neg(y))
  adopt(y, yAt)
}

export function abs(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.abs(y))
  adopt(y, yAt)
}

export function sign(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.sign(y))
  adopt(y, yAt)
}

export function square(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.square(y))
  adopt(y, yAt)
}

export function sqrt(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.sqrt(y))
  adopt(y, yAt)
}

export function rsqrt(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.rsqrt(y))
  adopt(y, yAt)
}

export function reciprocal(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.reciprocal(y))
  adopt(y, yAt)
}

export function exp(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.exp(y))
  adopt(y, yAt)
}

export function expm1(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.expm1(y))
  adopt(y, yAt)
}

export function log(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.log(y))
  adopt(y, yAt)
}

export function log1p(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.log1p(y))
  adopt(y, yAt)
}

export function sin(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.sin(y))
  adopt(y, yAt)
}

export function cos(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.cos(y))
  adopt(y, yAt)
}

export function tanh(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.tanh(y))
  adopt(y, yAt)
}

export function erf(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.erf(y))
  adopt(y, yAt)
}

export function sigmoid(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.sigmoid(y))
  adopt(y, yAt)
}

export function relu(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.relu(y))
  adopt(y, yAt)
}

export function gelu(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.gelu(y))
  adopt(y, yAt)
}

export function geluTanh(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.gelu_tanh(y))
  adopt(y, yAt)
}

export function silu(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.silu(y))
  adopt(y, yAt)
}

export function softplus(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.softplus(y))
  adopt(y, yAt)
}

export function floor(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.floor(y))
  adopt(y, yAt)
}

export function ceil(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.ceil(y))
  adopt(y, yAt)
}

export function round(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.round(y))
  adopt(y, yAt)
}

export function trunc(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.trunc(y))
  adopt(y, yAt)
}

export function logicalNot(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.logical_not(y))
  adopt(y, yAt)
}

export function isnan(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.isnan(y))
  adopt(y, yAt)
}

export function reluBackward(dy: Tensor, z: Tensor, dx: Tensor): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(z, at)
  const dxAt = at
  at = writeTarget(dx, at)
  finish(kernels.relu_backward(dx))
  adopt(dx, dxAt)
}

export function tanhBackward(dy: Tensor, z: Tensor, dx: Tensor): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(z, at)
  const dxAt = at
  at = writeTarget(dx, at)
  finish(kernels.tanh_backward(dx))
  adopt(dx, dxAt)
}

export function sigmoidBackward(dy: Tensor, z: Tensor, dx: Tensor): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(z, at)
  const dxAt = at
  at = writeTarget(dx, at)
  finish(kernels.sigmoid_backward(dx))
  adopt(dx, dxAt)
}

export function geluBackward(dy: Tensor, z: Tensor, dx: Tensor): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(z, at)
  const dxAt = at
  at = writeTarget(dx, at)
  finish(kernels.gelu_backward(dx))
  adopt(dx, dxAt)
}

export function geluTanhBackward(dy: Tensor, z: Tensor, dx: Tensor): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(z, at)
  const dxAt = at
  at = writeTarget(dx, at)
  finish(kernels.gelu_tanh_backward(dx))
  adopt(dx, dxAt)
}

export function siluBackward(dy: Tensor, z: Tensor, dx: Tensor): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(z, at)
  const dxAt = at
  at = writeTarget(dx, at)
  finish(kernels.silu_backward(dx))
  adopt(dx, dxAt)
}

export function softplusBackward(dy: Tensor, z: Tensor, dx: Tensor): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(z, at)
  const dxAt = at
  at = writeTarget(dx, at)
  finish(kernels.softplus_backward(dx))
  adopt(dx, dxAt)
}

export function leakyRelu(x: Tensor, y: Tensor, negativeSlope: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(negativeSlope, at)
  finish(kernels.leaky_relu(y))
  adopt(y, yAt)
}

export function leakyReluBackward(dy: Tensor, x: Tensor, dx: Tensor, negativeSlope: number): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(x, at)
  const dxAt = at
  at = writeTarget(dx, at)
  at = writeNumber(negativeSlope, at)
  finish(kernels.leaky_relu_backward(dx))
  adopt(dx, dxAt)
}

export function elu(x: Tensor, y: Tensor, alpha: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(alpha, at)
  finish(kernels.elu(y))
  adopt(y, yAt)
}

export function eluBackward(dy: Tensor, x: Tensor, dx: Tensor, alpha: number): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(x, at)
  const dxAt = at
  at = writeTarget(dx, at)
  at = writeNumber(alpha, at)
  finish(kernels.elu_backward(dx))
  adopt(dx, dxAt)
}

export function clamp(x: Tensor, y: Tensor, low: number | bigint, high: number | bigint): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeScalar(low, at)
  at = writeScalar(high, at)
  finish(kernels.clamp(y))
  adopt(y, yAt)
}

export function gated(gate: Tensor, up: Tensor, y: Tensor, activation: number): void {
  let at = 0
  at = writeTensor(gate, at)
  at = writeTensor(up, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(activation, at)
  finish(kernels.gated(y))
  adopt(y, yAt)
}

export function gatedBackward(dy: Tensor, gate: Tensor, up: Tensor, dgate: Tensor, dup: Tensor, activation: number): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(gate, at)
  at = writeTensor(up, at)
  const dgateAt = at
  at = writeTarget(dgate, at)
  const dupAt = at
  at = writeTarget(dup, at)
  at = writeNumber(activation, at)
  finish(call(kernels.gated_backward, [dgate, dup]))
  adopt(dgate, dgateAt)
  adopt(dup, dupAt)
}

export function gatedHalvesBackward(dy: Tensor, x: Tensor, dx: Tensor, dim: number, upFirst: boolean, activation: number): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(x, at)
  const dxAt = at
  at = writeTarget(dx, at)
  at = writeNumber(dim, at)
  at = writeNumber(upFirst ? 1 : 0, at)
  at = writeNumber(activation, at)
  finish(kernels.gated_halves_backward(dx))
  adopt(dx, dxAt)
}

export function add(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.add(y))
  adopt(y, yAt)
}

export function sub(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.sub(y))
  adopt(y, yAt)
}

export function mul(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.mul(y))
  adopt(y, yAt)
}

export function div(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.div(y))
  adopt(y, yAt)
}

export function pow(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.pow(y))
  adopt(y, yAt)
}

export function maximum(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.maximum(y))
  adopt(y, yAt)
}

export function minimum(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.minimum(y))
  adopt(y, yAt)
}

export function remainder(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.remainder(y))
  adopt(y, yAt)
}

export function eq(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.eq(y))
  adopt(y, yAt)
}

export function ne(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.ne(y))
  adopt(y, yAt)
}

export function lt(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.lt(y))
  adopt(y, yAt)
}

export function le(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.le(y))
  adopt(y, yAt)
}

export function gt(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.gt(y))
  adopt(y, yAt)
}

export function ge(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.ge(y))
  adopt(y, yAt)
}

export function logicalAnd(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.logical_and(y))
  adopt(y, yAt)
}

export function logicalOr(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.logical_or(y))
  adopt(y, yAt)
}

export function logicalXor(a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.logical_xor(y))
  adopt(y, yAt)
}

export function where(condition: Tensor, a: Operand, b: Operand, y: Tensor): void {
  let at = 0
  at = writeTensor(condition, at)
  at = writeOperand(a, at)
  at = writeOperand(b, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.where(y))
  adopt(y, yAt)
}

export function copy(x: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.copy(y))
  adopt(y, yAt)
}

export function fill(y: Tensor, value: number | bigint): void {
  let at = 0
  const yAt = at
  at = writeTarget(y, at)
  at = writeScalar(value, at)
  finish(kernels.fill(y))
  adopt(y, yAt)
}

export function arange(y: Tensor, start: number | bigint, step: number | bigint): void {
  let at = 0
  const yAt = at
  at = writeTarget(y, at)
  at = writeScalar(start, at)
  at = writeScalar(step, at)
  finish(kernels.arange(y))
  adopt(y, yAt)
}

export function cat(xs: readonly Tensor[], y: Tensor, dim: number): void {
  let at = 0
  at = writeList(xs, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dim, at)
  finish(kernels.cat(y))
  adopt(y, yAt)
}

export function triangle(x: Tensor, y: Tensor, diagonal: number, upper: boolean): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(diagonal, at)
  at = writeNumber(upper ? 1 : 0, at)
  finish(kernels.triangle(y))
  adopt(y, yAt)
}

export function indexSelect(x: Tensor, index: Tensor, y: Tensor, dim: number): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeTensor(index, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dim, at)
  finish(kernels.index_select(y))
  adopt(y, yAt)
}

export function indexAdd(y: Tensor, index: Tensor, source: Tensor, dim: number): void {
  let at = 0
  const yAt = at
  at = writeTarget(y, at)
  at = writeTensor(index, at)
  at = writeTensor(source, at)
  at = writeNumber(dim, at)
  finish(kernels.index_add(y))
  adopt(y, yAt)
}

export function gather(x: Tensor, index: Tensor, y: Tensor, dim: number): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeTensor(index, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dim, at)
  finish(kernels.gather(y))
  adopt(y, yAt)
}

export function scatter(y: Tensor, index: Tensor, source: Operand, dim: number): void {
  let at = 0
  const yAt = at
  at = writeTarget(y, at)
  at = writeTensor(index, at)
  at = writeOperand(source, at)
  at = writeNumber(dim, at)
  finish(kernels.scatter(y))
  adopt(y, yAt)
}

export function scatterAdd(y: Tensor, index: Tensor, source: Tensor, dim: number): void {
  let at = 0
  const yAt = at
  at = writeTarget(y, at)
  at = writeTensor(index, at)
  at = writeTensor(source, at)
  at = writeNumber(dim, at)
  finish(kernels.scatter_add(y))
  adopt(y, yAt)
}

export function embedding(w: Tensor, index: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(w, at)
  at = writeTensor(index, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.embedding(y))
  adopt(y, yAt)
}

export function embeddingBackward(dy: Tensor, index: Tensor, dw: Tensor, paddingIndex: number): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(index, at)
  const dwAt = at
  at = writeTarget(dw, at)
  at = writeNumber(paddingIndex, at)
  finish(kernels.embedding_backward(dw))
  adopt(dw, dwAt)
}

export function sort(x: Tensor, values: Tensor, index: Tensor, dim: number, descending: boolean): void {
  let at = 0
  at = writeTensor(x, at)
  const valuesAt = at
  at = writeTarget(values, at)
  const indexAt = at
  at = writeTarget(index, at)
  at = writeNumber(dim, at)
  at = writeNumber(descending ? 1 : 0, at)
  finish(call(kernels.sort, [values, index]))
  adopt(values, valuesAt)
  adopt(index, indexAt)
}

export function topk(x: Tensor, values: Tensor, index: Tensor, dim: number, largest: boolean): void {
  let at = 0
  at = writeTensor(x, at)
  const valuesAt = at
  at = writeTarget(values, at)
  const indexAt = at
  at = writeTarget(index, at)
  at = writeNumber(dim, at)
  at = writeNumber(largest ? 1 : 0, at)
  finish(call(kernels.topk, [values, index]))
  adopt(values, valuesAt)
  adopt(index, indexAt)
}

export function sum(x: Tensor, y: Tensor, dims: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dims, at)
  finish(kernels.sum(y))
  adopt(y, yAt)
}

export function mean(x: Tensor, y: Tensor, dims: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dims, at)
  finish(kernels.mean(y))
  adopt(y, yAt)
}

export function prod(x: Tensor, y: Tensor, dims: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dims, at)
  finish(kernels.prod(y))
  adopt(y, yAt)
}

export function amax(x: Tensor, y: Tensor, dims: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dims, at)
  finish(kernels.amax(y))
  adopt(y, yAt)
}

export function amin(x: Tensor, y: Tensor, dims: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dims, at)
  finish(kernels.amin(y))
  adopt(y, yAt)
}

export function any(x: Tensor, y: Tensor, dims: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dims, at)
  finish(kernels.any(y))
  adopt(y, yAt)
}

export function all(x: Tensor, y: Tensor, dims: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dims, at)
  finish(kernels.all(y))
  adopt(y, yAt)
}

export function argmax(x: Tensor, y: Tensor, dims: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dims, at)
  finish(kernels.argmax(y))
  adopt(y, yAt)
}

export function argmin(x: Tensor, y: Tensor, dims: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dims, at)
  finish(kernels.argmin(y))
  adopt(y, yAt)
}

export function matmul(a: Tensor, b: Tensor, bias: Tensor | null, residual: Tensor | null, y: Tensor, preactivation: Tensor | null, transposeA: boolean, transposeB: boolean, activation: number): void {
  let at = 0
  at = writeTensor(a, at)
  at = writeTensor(b, at)
  at = writeOptional(bias, at)
  at = writeOptional(residual, at)
  const yAt = at
  at = writeTarget(y, at)
  const preactivationAt = at + 1
  at = writeOptionalTarget(preactivation, at)
  at = writeNumber(transposeA ? 1 : 0, at)
  at = writeNumber(transposeB ? 1 : 0, at)
  at = writeNumber(activation, at)
  finish(preactivation === null ? kernels.matmul(y) : call(kernels.matmul, [y, preactivation]))
  adopt(y, yAt)
  adoptOptional(preactivation, preactivationAt)
}

export function matmulPack(w: Tensor, packed: Tensor, transpose: boolean): void {
  let at = 0
  at = writeTensor(w, at)
  const packedAt = at
  at = writeTarget(packed, at)
  at = writeNumber(transpose ? 1 : 0, at)
  finish(kernels.matmul_pack(packed))
  adopt(packed, packedAt)
}

export function matmulPacked(a: Tensor, packed: Tensor, bias: Tensor | null, residual: Tensor | null, y: Tensor, activation: number): void {
  let at = 0
  at = writeTensor(a, at)
  at = writeTensor(packed, at)
  at = writeOptional(bias, at)
  at = writeOptional(residual, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(activation, at)
  finish(kernels.matmul_packed(y))
  adopt(y, yAt)
}

export function conv(x: Tensor, w: Tensor, bias: Tensor | null, residual: Tensor | null, y: Tensor, preactivation: Tensor | null, stride: readonly number[], padding: readonly number[], dilation: readonly number[], groups: number, activation: number, channelsLast: boolean): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeTensor(w, at)
  at = writeOptional(bias, at)
  at = writeOptional(residual, at)
  const yAt = at
  at = writeTarget(y, at)
  const preactivationAt = at + 1
  at = writeOptionalTarget(preactivation, at)
  at = writeInts(stride, at)
  at = writeInts(padding, at)
  at = writeInts(dilation, at)
  at = writeNumber(groups, at)
  at = writeNumber(activation, at)
  at = writeNumber(channelsLast ? 1 : 0, at)
  finish(preactivation === null ? kernels.conv(y) : call(kernels.conv, [y, preactivation]))
  adopt(y, yAt)
  adoptOptional(preactivation, preactivationAt)
}

export function convPack(w: Tensor, packed: Tensor, groups: number): void {
  let at = 0
  at = writeTensor(w, at)
  const packedAt = at
  at = writeTarget(packed, at)
  at = writeNumber(groups, at)
  finish(kernels.conv_pack(packed))
  adopt(packed, packedAt)
}

export function convPacked(x: Tensor, packed: Tensor, bias: Tensor | null, residual: Tensor | null, y: Tensor, kernel: readonly number[], stride: readonly number[], padding: readonly number[], dilation: readonly number[], activation: number, channelsLast: boolean): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeTensor(packed, at)
  at = writeOptional(bias, at)
  at = writeOptional(residual, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeInts(kernel, at)
  at = writeInts(stride, at)
  at = writeInts(padding, at)
  at = writeInts(dilation, at)
  at = writeNumber(activation, at)
  at = writeNumber(channelsLast ? 1 : 0, at)
  finish(kernels.conv_packed(y))
  adopt(y, yAt)
}

export function convBackwardInput(dy: Tensor, w: Tensor, dx: Tensor, stride: readonly number[], padding: readonly number[], dilation: readonly number[], groups: number): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(w, at)
  const dxAt = at
  at = writeTarget(dx, at)
  at = writeInts(stride, at)
  at = writeInts(padding, at)
  at = writeInts(dilation, at)
  at = writeNumber(groups, at)
  finish(kernels.conv_backward_input(dx))
  adopt(dx, dxAt)
}

export function convBackwardWeight(x: Tensor, dy: Tensor, dw: Tensor, stride: readonly number[], padding: readonly number[], dilation: readonly number[], groups: number): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeTensor(dy, at)
  const dwAt = at
  at = writeTarget(dw, at)
  at = writeInts(stride, at)
  at = writeInts(padding, at)
  at = writeInts(dilation, at)
  at = writeNumber(groups, at)
  finish(kernels.conv_backward_weight(dw))
  adopt(dw, dwAt)
}

export function maxPool(x: Tensor, y: Tensor, index: Tensor | null, size: readonly number[], stride: readonly number[], padding: readonly number[], dilation: readonly number[]): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  const indexAt = at + 1
  at = writeOptionalTarget(index, at)
  at = writeInts(size, at)
  at = writeInts(stride, at)
  at = writeInts(padding, at)
  at = writeInts(dilation, at)
  finish(index === null ? kernels.max_pool(y) : call(kernels.max_pool, [y, index]))
  adopt(y, yAt)
  adoptOptional(index, indexAt)
}

export function maxPoolBackward(dy: Tensor, index: Tensor, dx: Tensor, size: readonly number[], stride: readonly number[], padding: readonly number[], dilation: readonly number[]): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(index, at)
  const dxAt = at
  at = writeTarget(dx, at)
  at = writeInts(size, at)
  at = writeInts(stride, at)
  at = writeInts(padding, at)
  at = writeInts(dilation, at)
  finish(kernels.max_pool_backward(dx))
  adopt(dx, dxAt)
}

export function avgPool(x: Tensor, y: Tensor, size: readonly number[], stride: readonly number[], padding: readonly number[], countIncludePad: boolean): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeInts(size, at)
  at = writeInts(stride, at)
  at = writeInts(padding, at)
  at = writeNumber(countIncludePad ? 1 : 0, at)
  finish(kernels.avg_pool(y))
  adopt(y, yAt)
}

export function avgPoolBackward(dy: Tensor, dx: Tensor, size: readonly number[], stride: readonly number[], padding: readonly number[], countIncludePad: boolean): void {
  let at = 0
  at = writeTensor(dy, at)
  const dxAt = at
  at = writeTarget(dx, at)
  at = writeInts(size, at)
  at = writeInts(stride, at)
  at = writeInts(padding, at)
  at = writeNumber(countIncludePad ? 1 : 0, at)
  finish(kernels.avg_pool_backward(dx))
  adopt(dx, dxAt)
}

export function softmax(x: Tensor, y: Tensor, dim: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dim, at)
  finish(kernels.softmax(y))
  adopt(y, yAt)
}

export function softmaxBackward(dy: Tensor, y: Tensor, dx: Tensor, dim: number): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(y, at)
  const dxAt = at
  at = writeTarget(dx, at)
  at = writeNumber(dim, at)
  finish(kernels.softmax_backward(dx))
  adopt(dx, dxAt)
}

export function logSoftmax(x: Tensor, y: Tensor, dim: number): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(dim, at)
  finish(kernels.log_softmax(y))
  adopt(y, yAt)
}

export function logSoftmaxBackward(dy: Tensor, y: Tensor, dx: Tensor, dim: number): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(y, at)
  const dxAt = at
  at = writeTarget(dx, at)
  at = writeNumber(dim, at)
  finish(kernels.log_softmax_backward(dx))
  adopt(dx, dxAt)
}

export function crossEntropy(x: Tensor, target: Tensor, weight: Tensor | null, loss: Tensor, totalWeight: Tensor, lse: Tensor, ignoreIndex: number, labelSmoothing: number): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeTensor(target, at)
  at = writeOptional(weight, at)
  const lossAt = at
  at = writeTarget(loss, at)
  const totalWeightAt = at
  at = writeTarget(totalWeight, at)
  const lseAt = at
  at = writeTarget(lse, at)
  at = writeNumber(ignoreIndex, at)
  at = writeNumber(labelSmoothing, at)
  finish(call(kernels.cross_entropy, [loss, totalWeight, lse]))
  adopt(loss, lossAt)
  adopt(totalWeight, totalWeightAt)
  adopt(lse, lseAt)
}

export function crossEntropyBackward(dloss: Tensor, x: Tensor, target: Tensor, weight: Tensor | null, lse: Tensor, dx: Tensor, ignoreIndex: number, labelSmoothing: number): void {
  let at = 0
  at = writeTensor(dloss, at)
  at = writeTensor(x, at)
  at = writeTensor(target, at)
  at = writeOptional(weight, at)
  at = writeTensor(lse, at)
  const dxAt = at
  at = writeTarget(dx, at)
  at = writeNumber(ignoreIndex, at)
  at = writeNumber(labelSmoothing, at)
  finish(kernels.cross_entropy_backward(dx))
  adopt(dx, dxAt)
}

export function attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null, lengths: Tensor | null, y: Tensor, lse: Tensor, scale: number, diagonal: number, p: number, philox: Philox): void {
  let at = 0
  at = writeTensor(q, at)
  at = writeTensor(k, at)
  at = writeTensor(v, at)
  at = writeOptional(mask, at)
  at = writeOptional(lengths, at)
  const yAt = at
  at = writeTarget(y, at)
  const lseAt = at
  at = writeTarget(lse, at)
  at = writeNumber(scale, at)
  at = writeNumber(diagonal, at)
  at = writeNumber(p, at)
  at = writePhilox(philox, at)
  finish(call(kernels.attention, [y, lse]))
  adopt(y, yAt)
  adopt(lse, lseAt)
}

export function attentionBackward(dy: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null, lengths: Tensor | null, y: Tensor, lse: Tensor, dq: Tensor, dk: Tensor, dv: Tensor, scale: number, diagonal: number, p: number, philox: Philox): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(q, at)
  at = writeTensor(k, at)
  at = writeTensor(v, at)
  at = writeOptional(mask, at)
  at = writeOptional(lengths, at)
  at = writeTensor(y, at)
  at = writeTensor(lse, at)
  const dqAt = at
  at = writeTarget(dq, at)
  const dkAt = at
  at = writeTarget(dk, at)
  const dvAt = at
  at = writeTarget(dv, at)
  at = writeNumber(scale, at)
  at = writeNumber(diagonal, at)
  at = writeNumber(p, at)
  at = writePhilox(philox, at)
  finish(call(kernels.attention_backward, [dq, dk, dv]))
  adopt(dq, dqAt)
  adopt(dk, dkAt)
  adopt(dv, dvAt)
}

export function layerNorm(x: Tensor, residual: Tensor | null, w: Tensor | null, b: Tensor | null, y: Tensor, sum: Tensor | null, mean: Tensor, rstd: Tensor, eps: number): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeOptional(residual, at)
  at = writeOptional(w, at)
  at = writeOptional(b, at)
  const yAt = at
  at = writeTarget(y, at)
  const sumAt = at + 1
  at = writeOptionalTarget(sum, at)
  const meanAt = at
  at = writeTarget(mean, at)
  const rstdAt = at
  at = writeTarget(rstd, at)
  at = writeNumber(eps, at)
  finish(call(kernels.layer_norm, [y, sum, mean, rstd]))
  adopt(y, yAt)
  adoptOptional(sum, sumAt)
  adopt(mean, meanAt)
  adopt(rstd, rstdAt)
}

export function layerNormBackward(dy: Tensor, dsum: Tensor | null, x: Tensor, w: Tensor | null, mean: Tensor, rstd: Tensor, dx: Tensor, dw: Tensor | null, db: Tensor | null): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeOptional(dsum, at)
  at = writeTensor(x, at)
  at = writeOptional(w, at)
  at = writeTensor(mean, at)
  at = writeTensor(rstd, at)
  const dxAt = at
  at = writeTarget(dx, at)
  const dwAt = at + 1
  at = writeOptionalTarget(dw, at)
  const dbAt = at + 1
  at = writeOptionalTarget(db, at)
  finish(dw === null && db === null ? kernels.layer_norm_backward(dx) : call(kernels.layer_norm_backward, [dx, dw, db]))
  adopt(dx, dxAt)
  adoptOptional(dw, dwAt)
  adoptOptional(db, dbAt)
}

export function rmsNorm(x: Tensor, residual: Tensor | null, w: Tensor | null, y: Tensor, sum: Tensor | null, rstd: Tensor, eps: number): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeOptional(residual, at)
  at = writeOptional(w, at)
  const yAt = at
  at = writeTarget(y, at)
  const sumAt = at + 1
  at = writeOptionalTarget(sum, at)
  const rstdAt = at
  at = writeTarget(rstd, at)
  at = writeNumber(eps, at)
  finish(call(kernels.rms_norm, [y, sum, rstd]))
  adopt(y, yAt)
  adoptOptional(sum, sumAt)
  adopt(rstd, rstdAt)
}

export function rmsNormBackward(dy: Tensor, dsum: Tensor | null, x: Tensor, w: Tensor | null, rstd: Tensor, dx: Tensor, dw: Tensor | null): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeOptional(dsum, at)
  at = writeTensor(x, at)
  at = writeOptional(w, at)
  at = writeTensor(rstd, at)
  const dxAt = at
  at = writeTarget(dx, at)
  const dwAt = at + 1
  at = writeOptionalTarget(dw, at)
  finish(dw === null ? kernels.rms_norm_backward(dx) : call(kernels.rms_norm_backward, [dx, dw]))
  adopt(dx, dxAt)
  adoptOptional(dw, dwAt)
}

export function channelAffine(x: Tensor, scale: Tensor, shift: Tensor, y: Tensor): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeTensor(scale, at)
  at = writeTensor(shift, at)
  const yAt = at
  at = writeTarget(y, at)
  finish(kernels.channel_affine(y))
  adopt(y, yAt)
}

export function batchNorm(x: Tensor, w: Tensor | null, b: Tensor | null, runningMean: Tensor | null, runningVar: Tensor | null, y: Tensor, mean: Tensor, rstd: Tensor, momentum: number, eps: number): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeOptional(w, at)
  at = writeOptional(b, at)
  const runningMeanAt = at + 1
  at = writeOptionalTarget(runningMean, at)
  const runningVarAt = at + 1
  at = writeOptionalTarget(runningVar, at)
  const yAt = at
  at = writeTarget(y, at)
  const meanAt = at
  at = writeTarget(mean, at)
  const rstdAt = at
  at = writeTarget(rstd, at)
  at = writeNumber(momentum, at)
  at = writeNumber(eps, at)
  finish(call(kernels.batch_norm, [runningMean, runningVar, y, mean, rstd]))
  adoptOptional(runningMean, runningMeanAt)
  adoptOptional(runningVar, runningVarAt)
  adopt(y, yAt)
  adopt(mean, meanAt)
  adopt(rstd, rstdAt)
}

export function batchNormBackward(dy: Tensor, x: Tensor, w: Tensor | null, mean: Tensor, rstd: Tensor, dx: Tensor, dw: Tensor | null, db: Tensor | null): void {
  let at = 0
  at = writeTensor(dy, at)
  at = writeTensor(x, at)
  at = writeOptional(w, at)
  at = writeTensor(mean, at)
  at = writeTensor(rstd, at)
  const dxAt = at
  at = writeTarget(dx, at)
  const dwAt = at + 1
  at = writeOptionalTarget(dw, at)
  const dbAt = at + 1
  at = writeOptionalTarget(db, at)
  finish(dw === null && db === null ? kernels.batch_norm_backward(dx) : call(kernels.batch_norm_backward, [dx, dw, db]))
  adopt(dx, dxAt)
  adoptOptional(dw, dwAt)
  adoptOptional(db, dbAt)
}

export function lstm(x: Tensor, w: Tensor, h0: Tensor | null, c0: Tensor | null, lengths: Tensor | null, y: Tensor, h: Tensor, c: Tensor, gates: Tensor | null, cells: Tensor | null, reverse: boolean): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeTensor(w, at)
  at = writeOptional(h0, at)
  at = writeOptional(c0, at)
  at = writeOptional(lengths, at)
  const yAt = at
  at = writeTarget(y, at)
  const hAt = at
  at = writeTarget(h, at)
  const cAt = at
  at = writeTarget(c, at)
  const gatesAt = at + 1
  at = writeOptionalTarget(gates, at)
  const cellsAt = at + 1
  at = writeOptionalTarget(cells, at)
  at = writeNumber(reverse ? 1 : 0, at)
  finish(call(kernels.lstm, [y, h, c, gates, cells]))
  adopt(y, yAt)
  adopt(h, hAt)
  adopt(c, cAt)
  adoptOptional(gates, gatesAt)
  adoptOptional(cells, cellsAt)
}

export function lstmBackward(dy: Tensor | null, dh: Tensor | null, dc: Tensor | null, w: Tensor, c0: Tensor | null, lengths: Tensor | null, gates: Tensor, cells: Tensor, dx: Tensor, dh0: Tensor | null, dc0: Tensor | null, reverse: boolean): void {
  let at = 0
  at = writeOptional(dy, at)
  at = writeOptional(dh, at)
  at = writeOptional(dc, at)
  at = writeTensor(w, at)
  at = writeOptional(c0, at)
  at = writeOptional(lengths, at)
  at = writeTensor(gates, at)
  at = writeTensor(cells, at)
  const dxAt = at
  at = writeTarget(dx, at)
  const dh0At = at + 1
  at = writeOptionalTarget(dh0, at)
  const dc0At = at + 1
  at = writeOptionalTarget(dc0, at)
  at = writeNumber(reverse ? 1 : 0, at)
  finish(dh0 === null && dc0 === null ? kernels.lstm_backward(dx) : call(kernels.lstm_backward, [dx, dh0, dc0]))
  adopt(dx, dxAt)
  adoptOptional(dh0, dh0At)
  adoptOptional(dc0, dc0At)
}

export function gru(x: Tensor, w: Tensor, b: Tensor | null, h0: Tensor | null, lengths: Tensor | null, y: Tensor, h: Tensor, gates: Tensor | null, reverse: boolean): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeTensor(w, at)
  at = writeOptional(b, at)
  at = writeOptional(h0, at)
  at = writeOptional(lengths, at)
  const yAt = at
  at = writeTarget(y, at)
  const hAt = at
  at = writeTarget(h, at)
  const gatesAt = at + 1
  at = writeOptionalTarget(gates, at)
  at = writeNumber(reverse ? 1 : 0, at)
  finish(call(kernels.gru, [y, h, gates]))
  adopt(y, yAt)
  adopt(h, hAt)
  adoptOptional(gates, gatesAt)
}

export function gruBackward(dy: Tensor | null, dh: Tensor | null, w: Tensor, h0: Tensor | null, lengths: Tensor | null, y: Tensor, gates: Tensor, dx: Tensor, dq: Tensor, dh0: Tensor | null, reverse: boolean): void {
  let at = 0
  at = writeOptional(dy, at)
  at = writeOptional(dh, at)
  at = writeTensor(w, at)
  at = writeOptional(h0, at)
  at = writeOptional(lengths, at)
  at = writeTensor(y, at)
  at = writeTensor(gates, at)
  const dxAt = at
  at = writeTarget(dx, at)
  const dqAt = at
  at = writeTarget(dq, at)
  const dh0At = at + 1
  at = writeOptionalTarget(dh0, at)
  at = writeNumber(reverse ? 1 : 0, at)
  finish(call(kernels.gru_backward, [dx, dq, dh0]))
  adopt(dx, dxAt)
  adopt(dq, dqAt)
  adoptOptional(dh0, dh0At)
}

export function rnn(x: Tensor, w: Tensor, h0: Tensor | null, lengths: Tensor | null, y: Tensor, h: Tensor, relu: boolean, reverse: boolean): void {
  let at = 0
  at = writeTensor(x, at)
  at = writeTensor(w, at)
  at = writeOptional(h0, at)
  at = writeOptional(lengths, at)
  const yAt = at
  at = writeTarget(y, at)
  const hAt = at
  at = writeTarget(h, at)
  at = writeNumber(relu ? 1 : 0, at)
  at = writeNumber(reverse ? 1 : 0, at)
  finish(call(kernels.rnn, [y, h]))
  adopt(y, yAt)
  adopt(h, hAt)
}

export function rnnBackward(dy: Tensor | null, dh: Tensor | null, w: Tensor, lengths: Tensor | null, y: Tensor, dx: Tensor, dh0: Tensor | null, relu: boolean, reverse: boolean): void {
  let at = 0
  at = writeOptional(dy, at)
  at = writeOptional(dh, at)
  at = writeTensor(w, at)
  at = writeOptional(lengths, at)
  at = writeTensor(y, at)
  const dxAt = at
  at = writeTarget(dx, at)
  const dh0At = at + 1
  at = writeOptionalTarget(dh0, at)
  at = writeNumber(relu ? 1 : 0, at)
  at = writeNumber(reverse ? 1 : 0, at)
  finish(dh0 === null ? kernels.rnn_backward(dx) : call(kernels.rnn_backward, [dx, dh0]))
  adopt(dx, dxAt)
  adoptOptional(dh0, dh0At)
}

export function dropout(x: Tensor, y: Tensor, p: number, philox: Philox): void {
  let at = 0
  at = writeTensor(x, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(p, at)
  at = writePhilox(philox, at)
  finish(kernels.dropout(y))
  adopt(y, yAt)
}

export function uniform(y: Tensor, low: number, high: number, philox: Philox): void {
  let at = 0
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(low, at)
  at = writeNumber(high, at)
  at = writePhilox(philox, at)
  finish(kernels.uniform(y))
  adopt(y, yAt)
}

export function normal(y: Tensor, mean: number, std: number, philox: Philox): void {
  let at = 0
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(mean, at)
  at = writeNumber(std, at)
  at = writePhilox(philox, at)
  finish(kernels.normal(y))
  adopt(y, yAt)
}

export function randint(y: Tensor, low: number, high: number, philox: Philox): void {
  let at = 0
  const yAt = at
  at = writeTarget(y, at)
  at = writeNumber(low, at)
  at = writeNumber(high, at)
  at = writePhilox(philox, at)
  finish(kernels.randint(y))
  adopt(y, yAt)
}

export function bernoulli(p: Tensor, y: Tensor, philox: Philox): void {
  let at = 0
  at = writeTensor(p, at)
  const yAt = at
  at = writeTarget(y, at)
  at = writePhilox(philox, at)
  finish(kernels.bernoulli(y))
  adopt(y, yAt)
}

export function randperm(y: Tensor, philox: Philox): void {
  let at = 0
  const yAt = at
  at = writeTarget(y, at)
  at = writePhilox(philox, at)
  finish(kernels.randperm(y))
  adopt(y, yAt)
}

export function sgd(params: readonly Tensor[], grads: readonly Tensor[], momentums: readonly Tensor[], lr: number, momentum: number, dampening: number, weightDecay: number, nesterov: boolean, maximize: boolean, firstStep: boolean): void {
  let at = 0
  at = writeList(params, at)
  at = writeList(grads, at)
  at = writeList(momentums, at)
  at = writeNumber(lr, at)
  at = writeNumber(momentum, at)
  at = writeNumber(dampening, at)
  at = writeNumber(weightDecay, at)
  at = writeNumber(nesterov ? 1 : 0, at)
  at = writeNumber(maximize ? 1 : 0, at)
  at = writeNumber(firstStep ? 1 : 0, at)
  finish(kernels.sgd())
}

export function adam(params: readonly Tensor[], grads: readonly Tensor[], expAvgs: readonly Tensor[], expAvgSqs: readonly Tensor[], maxExpAvgSqs: readonly Tensor[], lr: number, beta1: number, beta2: number, eps: number, weightDecay: number, decoupled: boolean, maximize: boolean, step: number): void {
  let at = 0
  at = writeList(params, at)
  at = writeList(grads, at)
  at = writeList(expAvgs, at)
  at = writeList(expAvgSqs, at)
  at = writeList(maxExpAvgSqs, at)
  at = writeNumber(lr, at)
  at = writeNumber(beta1, at)
  at = writeNumber(beta2, at)
  at = writeNumber(eps, at)
  at = writeNumber(weightDecay, at)
  at = writeNumber(decoupled ? 1 : 0, at)
  at = writeNumber(maximize ? 1 : 0, at)
  at = writeNumber(step, at)
  finish(kernels.adam())
}
