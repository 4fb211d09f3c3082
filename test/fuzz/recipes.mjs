// Calls that are valid: each takes neurite, the world and the draw, and makes one call of some op, sometimes with its
// gradient. They keep the share of calls that reach a kernel high.
const shape2 = (d) => [d.int(1, 6), d.int(1, 6)]

const binary = [
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
  'minimum',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'logicalAnd',
  'logicalOr',
]
const unary = [
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
  'silu',
  'softplus',
  'floor',
  'ceil',
  'round',
  'trunc',
  'neg',
  'logicalNot',
  'isnan',
  'elu',
  'leakyRelu',
]
const reductions = ['sum', 'mean', 'prod', 'amax', 'amin', 'any', 'all', 'argmax', 'argmin', 'std', 'logsumexp']

export const recipes = [
  (n, w, d) => n[d.pick(unary)](w.float(d.shape())),
  (n, w, d) => n[d.pick(unary)](w.float(d.shape())),
  (n, w, d) => {
    const shape = d.shape()
    return n[d.pick(binary)](
      w.float(shape),
      w.float(d.chance(0.5) ? shape : shape.map((size) => (d.chance(0.3) ? 1 : size))),
    )
  },
  (n, w, d) =>
    n[d.pick(binary)](w.make(d.shape(), d.pick(['int32', 'int64', 'uint8', 'int8', 'float32'])), d.int(1, 9)),
  (n, w, d) => n.pow(w.float(d.shape()), d.pick([2, 3, 0.5, -1])),
  (n, w, d) => n.remainder(w.make(d.shape(), d.pick(['int32', 'int64', 'float32'])), d.pick([-3, 2, 7])),
  (n, w, d) => n.clamp(w.float(d.shape()), { min: -1, max: 1 }),
  (n, w, d) =>
    n[d.pick(reductions)](w.float([d.int(1, 5), d.int(1, 5), d.int(1, 40)]), {
      dim: d.int(-3, 2),
      keepdim: d.chance(0.5),
    }),
  (n, w, d) => {
    const [m, k] = shape2(d)
    return n.matmul(w.make([d.int(0, 3), m, k], 'float32'), w.make([k, d.int(0, 9)], 'float32'))
  },
  (n, w, d) => n.linear(w.make([d.int(1, 5), 4], 'float32'), w.make([3, 4], 'float32'), w.make([3], 'float32')),
  (n, w, d) => {
    const groups = d.int(1, 2)
    const x = w.make([d.int(0, 2), 4, d.int(5, 9), d.int(5, 9)], 'float32')
    const weight = w.make([2 * groups, 4 / groups, d.int(1, 3), d.int(1, 3)], 'float32')
    const activation = d.pick([null, 'relu', 'gelu'])
    const options = { stride: d.int(1, 2), padding: d.int(0, 2), dilation: d.int(1, 2), groups, activation }
    return n.conv2d(x, weight, null, options)
  },
  (n, w, d) =>
    n.conv1d(w.make([1, 2, d.int(3, 20)], 'float32'), w.make([3, 2, d.int(1, 3)], 'float32'), w.make([3], 'float32')),
  (n, w, d) => {
    const groups = d.int(1, 2)
    const weight = w.make([4, 2, d.int(1, 3)], 'float32')
    const options = { stride: d.int(1, 3), padding: d.int(0, 1), outputPadding: d.int(0, 1), dilation: 2, groups }
    return n.convTranspose1d(w.make([d.int(0, 2), 4, d.int(1, 9)], 'float32'), weight, null, options)
  },
  (n, w, d) => n.sort(w.tensor(), { dim: d.int(-2, 1), descending: d.chance(0.5) }),
  (n, w, d) => n.topk(w.tensor(), d.int(0, 4), { dim: -1, largest: d.chance(0.5) }),
  (n, w, d) => n.kthvalue(w.float([d.int(1, 4), d.int(2, 9)]), d.int(1, 2), { dim: d.int(-2, 1) }),
  (n, w, d) =>
    n.maxPool2d(w.float([1, 2, d.int(4, 9), d.int(4, 9)]), {
      kernelSize: d.int(2, 3),
      stride: d.int(1, 3),
      padding: d.int(0, 1),
      ceilMode: d.chance(0.5),
    }),
  (n, w, d) =>
    n.avgPool2d(w.float([1, 2, d.int(4, 9), d.int(4, 9)]), {
      kernelSize: d.int(2, 3),
      stride: d.int(1, 3),
      padding: d.int(0, 1),
    }),
  (n, w, d) => n[d.pick(['softmax', 'logSoftmax'])](w.float([d.int(1, 4), d.int(1, 30)]), { dim: d.int(-2, 1) }),
  (n, w, d) => n.layerNorm(w.make([d.int(0, 4), 8], 'float32'), [8], w.make([8], 'float32'), w.make([8], 'float32')),
  (n, w, d) => n.rmsNorm(w.make([d.int(0, 4), 8], 'float32'), [8], w.make([8], 'float32')),
  (n, w, d) =>
    n.batchNorm(w.make([d.int(2, 4), 3, 4], 'float32'), n.zeros([3]), n.ones([3]), null, null, {
      training: d.chance(0.7),
    }),
  (n, w, d) => {
    const [rows, classes] = [d.int(1, 6), d.int(1, 9)]
    return n.crossEntropy(w.make([rows, classes], 'float32'), n.randint(0, classes, [rows]), {
      labelSmoothing: d.pick([0, 0.1]),
    })
  },
  (n, w, d) => n.embedding(w.index(7, d.shape(2)), w.make([7, d.int(1, 9)], 'float32')),
  (n, w, d) => n.embedding(n.tensor([BigInt(d.int(-3, 12))]), w.make([7, 3], 'float32')), // sometimes a fault
  (n, w, d) =>
    n.indexSelect(w.make([5, 3], d.pick(['float32', 'int8', 'int64', 'bool'])), d.int(0, 1), w.index(3, [d.int(0, 6)])),
  (n, w, d) => n.gather(w.make([4, 5], 'float32'), 1, w.index(5, [4, d.int(0, 5)])),
  (n, w, d) => n.scatterAdd(w.make([4, 5], 'float32'), 0, w.index(4, [3, 5]), w.make([3, 5], 'float32')),
  (n, w, d) => n.cat([w.make([2, 3], 'float32'), w.make([d.int(0, 4), 3], 'float32')], 0),
  (n, w, d) => n.stack([w.make([2, 3], 'int32'), w.make([2, 3], 'int32')], d.int(-3, 2)),
  (n, w, d) => n.where(w.make([3, 4], 'bool'), w.float([4]), d.int(0, 3)),
  (n, w, d) => n[d.pick(['tril', 'triu'])](w.float([2, d.int(0, 5), d.int(0, 5)]), d.int(-6, 6)),
  (n, w, d) => n.dropout(w.float(d.shape()), { p: d.pick([0, 0.3, 1]), training: true }),
  (n, w, d) =>
    n[d.pick(['rand', 'randn', 'zeros', 'ones'])](d.shape(), { dtype: d.pick(['float32', 'float64', 'float16']) }),
  (n, w, d) => n.randperm(d.int(0, 40)),
  (n, w, d) => n.arange(d.int(0, 50)),
  (n, w, d) => n.tensor(new Float32Array(d.int(0, 50))),
  (n, w, d) =>
    w.tensor().to(d.pick(['float32', 'float64', 'float16', 'bfloat16', 'int8', 'uint8', 'int32', 'int64', 'bool'])),
  (n, w, d) => w.float(d.shape()).clone().add_(1),
  (n, w, d) => n.zeros([3, 4]).copy_(w.float([d.pick([1, 3]), 4])),
  (n, w, d) => {
    const [rows, keys, depth] = [d.int(0, 40), d.int(0, 40), d.int(1, 20)]
    const dtype = d.pick(['float32', 'float64', 'bfloat16'])
    const q = w.make([2, 4, rows, depth], dtype).clone().setRequiresGrad()
    const k = w.make([2, 2, keys, depth], dtype)
    const y = n.scaledDotProductAttention(q, k, w.make([2, 2, keys, d.int(1, 20)], dtype), {
      enableGqa: true,
      isCausal: d.chance(0.5),
      causalDiagonal: d.int(-40, 40),
      attnMask: d.chance(0.3) ? w.make([rows, keys], 'bool') : null,
      keyLengths: d.chance(0.3) ? n.randint(0, keys + d.int(1, 2), [2]) : null, // sometimes a fault
      dropoutP: d.pick([0, 0.3]),
    })
    y.sum().backward()
    return q.grad
  },
  (n, w, d) => {
    const x = w
      .make([d.int(1, 4), d.int(1, 4)], 'float32')
      .clone()
      .setRequiresGrad()
    n[d.pick(unary.slice(0, 19))](x).mul(x).sum().backward()
    return x.grad
  },
  (n, w, d) => {
    const x = w.make([3, 4], 'float32').clone().setRequiresGrad()
    const y = n.tanh(x.matmul(x.T)).sum()
    const [g] = n.grad(y, [x], { createGraph: true })
    g.square().sum().backward()
    return x.grad
  },
]
