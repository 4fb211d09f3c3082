// Arguments of the wrong kind, as callers without a type checker pass them: the error names the op and what came.
import * as n from '../lib'

const x = n.ones([2, 3])

test.each<[string, () => unknown, RegExp]>([
  ['noGrad', () => n.noGrad(7 as never), /^noGrad: expected work to be a function, got 7$/],
  ['enableGrad', () => n.enableGrad(null as never), /^enableGrad: expected work to be a function, got null$/],
  ['scope', () => n.scope('x' as never), /^scope: expected work to be a function, got "x"$/],
  ['keep', () => n.keep(undefined as never), /^keep: expected a tensor, got undefined$/],
  ['zerosLike', () => n.zerosLike([1] as never), /^zerosLike: expected x to be a tensor, got \[1\]$/],
  ['randnLike', () => n.randnLike(3n as never), /^randnLike: expected x to be a tensor, got 3n$/],
  ['matmul', () => n.matmul(n.ones([]), undefined as never), /^matmul: expected b to be a tensor, got undefined$/],
  ['add', () => n.add(x, 'one' as never), /^add: expected .*got "one"$/],
  ['reshape', () => n.reshape(x, 6 as never), /^reshape: expected .*got 6$/],
  ['sum', () => n.sum(x, { dim: 'last' as never }), /^sum: expected .*got "last"$/],
  ['std', () => n.std(x, { correction: 'none' as never }), /^std: expected correction to be a number, got "none"$/],
  ['to', () => n.to(x, 'float8' as never), /^to: expected .*got "float8"$/],
  ['zeros', () => n.zeros([2, -1]), /^zeros: expected a shape.*got \[2, -1\]$/],
  ['zeros of sizes', () => n.zeros(2 as never, 3 as never), /^zeros: expected a shape.*got 2$/],
  ['arange', () => n.arange('5' as never), /^arange: expected end to be a number or a bigint, got "5"$/],
  ['linspace', () => n.linspace(0, {} as never, 3), /^linspace: expected end to be a number, got Object$/],
  ['gelu', () => n.gelu(x, { approximate: 'erf' as never }), /^gelu: expected approximate .*got "erf"$/],
  ['elu', () => n.elu(x, { alpha: 'x' as never }), /^elu: expected alpha to be a number, got "x"$/],
  ['apply', () => n.apply(7 as never, [x], undefined), /^apply: expected an op .*got 7$/],
  ['apply to nothing', () => n.apply({ forward() {}, backward() {} } as never, 7 as never, 0), /^apply: .*got 7$/],
  ['customOp', () => n.customOp(null as never), /^customOp: expected \{ name, forward, backward \}, got null$/],
  ['registerHook', () => n.ones([1], { requiresGrad: true }).registerHook(7 as never), /^registerHook: .*got 7$/],
  ['collate', () => n.collate(null as never), /^collate: expected an array .*got null$/],
  ['clipGradNorm', () => n.nn.clipGradNorm(null as never, 1), /^clipGradNorm: expected parameters, got null$/],
  ['Module.apply', () => new n.nn.ReLU().apply(7 as never), /^Module.apply: expected fn to be a function, got 7$/],
  ['eye_', () => n.nn.init.eye_(7 as never), /^eye_: expected t to be a tensor, got 7$/],
  ['kaimingNormal_', () => n.nn.init.kaimingNormal_(null as never), /expected t to be a tensor, got null$/],
  ['LSTM', () => new n.nn.LSTM(1, 1).forward(null as never), /^LSTM: expected x to be a tensor, got null$/],
  ['LSTM state', () => new n.nn.LSTM(1, 1).forward(n.ones([1, 1]), [7, 7] as never), /^LSTM: .*got 7$/],
  ['LSTMCell', () => new n.nn.LSTMCell(1, 1).forward(7 as never), /^LSTMCell: expected x to be a tensor, got 7$/],
  ['BatchNorm1d', () => new n.nn.BatchNorm1d(1).forward(null as never), /^BatchNorm1d: expected x to be a tensor/],
  ['attention', () => new n.nn.MultiheadAttention(1, 1).forward(x, null as never, x), /expected key to be a tensor/],
  ['SGD', () => new n.optim.SGD([{ params: 7 as never }]), /^SGD: expected a list of parameters.*got 7$/],
])('%s', (_name, call, message) => {
  expect(call).toThrow(message)
  expect(call).toThrow(n.NeuriteError)
})

const scores = n.ones([2, 3])
const classes = n.tensor([0n, 1n])
const leaf = n.ones([1], { requiresGrad: true })
const image = n.ones([1, 1, 4, 4, 4])
const kernel = n.ones([1, 1, 1, 1, 1])
const without = (t: n.Tensor, dims: number) => t.reshape(t.shape.slice(dims))
const named = { x }

/** Every function that takes options, called with good arguments but for those. */
const calls: Record<string, (options: never) => unknown> = {
  backward: (o) => leaf.mul(2).backward(null, o),
  grad: (o) => n.grad(leaf.mul(2), [leaf], o),
  profile: (o) => n.profile(() => 0, o),
  'safetensors.save': (o) => n.safetensors.save('/no such folder/x', named, o),
  'safetensors.serialize': (o) => n.safetensors.serialize(named, o),
  'safetensors.parse': (o) => n.safetensors.parse(new Uint8Array(8), o),
  'safetensors.load': (o) => n.safetensors.load('/no such folder/x', o),
  readIdx: (o) => n.datasets.readIdx('/no such folder/x', o),
  digits: (o) => n.datasets.digits(o),
  DataLoader: (o) => new n.DataLoader(named, o),

  scaledDotProductAttention: (o) => n.scaledDotProductAttention(x, x, x, o),
  sum: (o) => x.sum(o),
  mean: (o) => x.mean(o),
  prod: (o) => x.prod(o),
  amax: (o) => x.amax(o),
  amin: (o) => x.amin(o),
  any: (o) => x.any(o),
  all: (o) => x.all(o),
  argmax: (o) => x.argmax(o),
  argmin: (o) => x.argmin(o),
  var: (o) => x.var(o),
  std: (o) => x.std(o),
  logsumexp: (o) => x.logsumexp(o),
  softmax: (o) => x.softmax(o),
  sort: (o) => x.sort(o),
  argsort: (o) => x.argsort(o),
  topk: (o) => x.topk(1, o),
  kthvalue: (o) => x.kthvalue(1, o),
  median: (o) => x.median(o),
  logSoftmax: (o) => x.logSoftmax(o),
  clamp: (o) => x.clamp(o),
  conv1d: (o) => n.conv1d(without(image, 2), without(kernel, 2), null, o),
  conv2d: (o) => n.conv2d(without(image, 1), without(kernel, 1), null, o),
  packConv: (o) => n.packConv(without(kernel, 1), o),
  conv3d: (o) => n.conv3d(image, kernel, null, o),
  convTranspose1d: (o) => n.convTranspose1d(without(image, 2), without(kernel, 2), null, o),
  convTranspose2d: (o) => n.convTranspose2d(without(image, 1), without(kernel, 1), null, o),
  convTranspose3d: (o) => n.convTranspose3d(image, kernel, null, o),
  maxPool1d: (o) => n.maxPool1d(without(image, 2), o),
  maxPool2d: (o) => n.maxPool2d(without(image, 1), o),
  maxPool3d: (o) => n.maxPool3d(image, o),
  avgPool1d: (o) => n.avgPool1d(without(image, 2), o),
  avgPool2d: (o) => n.avgPool2d(without(image, 1), o),
  avgPool3d: (o) => n.avgPool3d(image, o),
  tensor: (o) => n.tensor([1], o),
  full: (o) => n.full([1], 2, o),
  zeros: (o) => n.zeros([1], o),
  ones: (o) => n.ones([1], o),
  zerosLike: (o) => n.zerosLike(x, o),
  onesLike: (o) => n.onesLike(x, o),
  arange: (o) => n.arange(1, 2, 1, o),
  linspace: (o) => n.linspace(0, 1, 2, o),
  rand: (o) => n.rand([1], o),
  randn: (o) => n.randn([1], o),
  randint: (o) => n.randint(0, 2, [1], o),
  randLike: (o) => n.randLike(x, o),
  randnLike: (o) => n.randnLike(x, o),
  randintLike: (o) => n.randintLike(x, 0, 2, o),
  randperm: (o) => n.randperm(2, o),
  bernoulli: (o) => x.bernoulli(o),
  uniform_: (o) => n.ones([1]).uniform_(0, 1, o),
  normal_: (o) => n.ones([1]).normal_(0, 1, o),
  crossEntropy: (o) => n.crossEntropy(scores, classes, o),
  nllLoss: (o) => n.nllLoss(scores, classes, o),
  mseLoss: (o) => n.mseLoss(x, x, o),
  l1Loss: (o) => n.l1Loss(x, x, o),
  huberLoss: (o) => n.huberLoss(x, x, o),
  smoothL1Loss: (o) => n.smoothL1Loss(x, x, o),
  binaryCrossEntropy: (o) => n.binaryCrossEntropy(x, x, o),
  binaryCrossEntropyWithLogits: (o) => n.binaryCrossEntropyWithLogits(x, x, o),
  dropout: (o) => n.dropout(x, o),
  embedding: (o) => n.embedding(classes, x, o),
  oneHot: (o) => n.oneHot(classes, 2, o),
  layerNorm: (o) => n.layerNorm(x, 3, null, null, o),
  addLayerNorm: (o) => n.addLayerNorm(x, x, 3, null, null, o),
  rmsNorm: (o) => n.rmsNorm(x, 3, null, o),
  addRmsNorm: (o) => n.addRmsNorm(x, x, 3, null, o),
  batchNorm: (o) => n.batchNorm(x, null, null, null, null, o),
  data: (o) => x.data(o),
  dataSync: (o) => x.dataSync(o),
  toText: (o) => x.toText(o),
  gelu: (o) => n.gelu(x, o),
  geglu: (o) => n.geglu(x, x, o),
  glu: (o) => n.glu(x, o),
  linear: (o) => n.linear(x, x, null, o),
  contiguous: (o) => n.contiguous(x, o),
  leakyRelu: (o) => n.leakyRelu(x, o),
  elu: (o) => n.elu(x, o),

  clipGradNorm: (o) => n.nn.clipGradNorm([leaf], 1, o),
  parameter: (o) => n.nn.parameter(n.ones([1]), o),
  buffer: (o) => n.nn.buffer(n.ones([1]), o),
  loadStateDict: (o) => new n.nn.ReLU().loadStateDict({}, o),
  'nn.init.uniform_': (o) => n.nn.init.uniform_(n.ones([1]), 0, 1, o),
  'nn.init.normal_': (o) => n.nn.init.normal_(n.ones([1]), 0, 1, o),
  xavierUniform_: (o) => n.nn.init.xavierUniform_(n.ones([1, 1]), o),
  xavierNormal_: (o) => n.nn.init.xavierNormal_(n.ones([1, 1]), o),
  kaimingUniform_: (o) => n.nn.init.kaimingUniform_(n.ones([1, 1]), o),
  kaimingNormal_: (o) => n.nn.init.kaimingNormal_(n.ones([1, 1]), o),
  GELU: (o) => new n.nn.GELU(o),
  GLU: (o) => new n.nn.GLU(o),
  LeakyReLU: (o) => new n.nn.LeakyReLU(o),
  ELU: (o) => new n.nn.ELU(o),
  Softmax: (o) => new n.nn.Softmax(o),
  LogSoftmax: (o) => new n.nn.LogSoftmax(o),
  KeyValueCache: (o) => new n.nn.KeyValueCache(1, 1, 2, 2, o),
  MultiheadAttention: (o) => new n.nn.MultiheadAttention(2, 1, o),
  'MultiheadAttention.forward': (o) =>
    new n.nn.MultiheadAttention(3, 1).forward(x, x, x, o),
  Conv1d: (o) => new n.nn.Conv1d(1, 1, 1, o),
  Conv2d: (o) => new n.nn.Conv2d(1, 1, 1, o),
  Conv3d: (o) => new n.nn.Conv3d(1, 1, 1, o),
  ConvTranspose1d: (o) => new n.nn.ConvTranspose1d(1, 1, 1, o),
  ConvTranspose2d: (o) => new n.nn.ConvTranspose2d(1, 1, 1, o),
  ConvTranspose3d: (o) => new n.nn.ConvTranspose3d(1, 1, 1, o),
  Embedding: (o) => new n.nn.Embedding(2, 2, o),
  Linear: (o) => new n.nn.Linear(2, 2, o),
  LSTM: (o) => new n.nn.LSTM(2, 2, o),
  LSTMCell: (o) => new n.nn.LSTMCell(2, 2, o),
  'LSTM.forward': (o) => new n.nn.LSTM(3, 2).forward(x, null, o),
  GRU: (o) => new n.nn.GRU(2, 2, o),
  GRUCell: (o) => new n.nn.GRUCell(2, 2, o),
  'GRU.forward': (o) => new n.nn.GRU(3, 2).forward(x, null, o),
  RNN: (o) => new n.nn.RNN(2, 2, o),
  RNNCell: (o) => new n.nn.RNNCell(2, 2, o),
  'RNN.forward': (o) => new n.nn.RNN(3, 2).forward(x, null, o),
  BatchNorm1d: (o) => new n.nn.BatchNorm1d(2, o),
  BatchNorm2d: (o) => new n.nn.BatchNorm2d(2, o),
  BatchNorm3d: (o) => new n.nn.BatchNorm3d(2, o),
  RMSNorm: (o) => new n.nn.RMSNorm(2, o),
  LayerNorm: (o) => new n.nn.LayerNorm(2, o),
  MaxPool1d: (o) => new n.nn.MaxPool1d(2, o),
  MaxPool2d: (o) => new n.nn.MaxPool2d(2, o),
  MaxPool3d: (o) => new n.nn.MaxPool3d(2, o),
  AvgPool1d: (o) => new n.nn.AvgPool1d(2, o),
  AvgPool2d: (o) => new n.nn.AvgPool2d(2, o),
  AvgPool3d: (o) => new n.nn.AvgPool3d(2, o),
  CrossEntropyLoss: (o) => new n.nn.CrossEntropyLoss(o),
  NLLLoss: (o) => new n.nn.NLLLoss(o),
  MSELoss: (o) => new n.nn.MSELoss(o),
  L1Loss: (o) => new n.nn.L1Loss(o),
  SmoothL1Loss: (o) => new n.nn.SmoothL1Loss(o),
  HuberLoss: (o) => new n.nn.HuberLoss(o),
  BCELoss: (o) => new n.nn.BCELoss(o),
  BCEWithLogitsLoss: (o) => new n.nn.BCEWithLogitsLoss(o),
  SGD: (o) => new n.optim.SGD([leaf], o),
  Adam: (o) => new n.optim.Adam([leaf], o),
  AdamW: (o) => new n.optim.AdamW([leaf], o),
}

const notOptions: [unknown, string][] = [
  [1, '1'],
  ['a', '"a"'],
  [null, 'null'],
  [true, 'true'],
  [[0, 1], '[0, 1]'],
  [[], '[]'],
  [new Map(), 'Map'],
  [x, 'Tensor'],
  [{ axis: 1 }, '{ axis }'],
  [{ toString: 1 }, '{ toString }'],
]

test.each(Object.entries(calls))('%s takes only its options', async (name, call) => {
  const op = name.replace(/^nn\.init\.|\.forward$/g, '')
  for (const [given, shown] of notOptions) {
    const failure = await Promise.resolve()
      .then(() => call(given as never))
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(n.ArgumentError)
    const { message } = failure as Error
    expect(message).toMatch(new RegExp(`^${op.replace('.', '\\.')}: expected options \\{ [\\w, ]+ \\}, got `))
    expect(message.slice(message.indexOf('got ') + 4)).toBe(shown)
  }
})

test('every public function that takes options is among those', () => {
  const { nn, optim, datasets, safetensors, cuda } = n
  const homes: object[] = [n, nn, nn.functional, nn.init, optim, datasets, safetensors, cuda]
  // By their source: a parameter named so, or taken apart.
  const parameters = (text: string) => (/^class\b/.test(text) ? /\bconstructor\(([^)]*)/ : /\(([^)]*)/).exec(text)?.[1]
  const taking = homes.flatMap((home) =>
    Object.entries(home).flatMap(([name, value]) =>
      typeof value === 'function' && /\boptions\b|\{/.test(parameters(String(value)) ?? '') ? [name] : [],
    ),
  )
  const called = Object.keys(calls).map((name) => name.replace(/.*\./, ''))
  const others = ['variance', 'Optimizer', 'NeuriteError', 'FormatError'] // x.var, the base class, Error's own options
  expect(taking.filter((name) => !called.includes(name) && !others.includes(name))).toEqual([])
  expect(taking.length).toBeGreaterThan(90)
})

test('options come from any realm, and absent ones may be undefined', () => {
  const foreign = structuredClone({ dim: 1 })
  expect(x.sum(foreign).shape).toEqual([2])
  expect(x.sum(Object.assign(Object.create(null) as object, { dim: 1 })).shape).toEqual([2])
  expect(x.sum(undefined).shape).toEqual([])
  expect(x.sum({ dim: undefined, keepdim: undefined }).shape).toEqual([])
})

test('a signal is an AbortSignal', async () => {
  const signal = { aborted: false } as never
  const wanted = 'expected signal to be an AbortSignal, got Object'
  await expect(n.safetensors.serialize(named, { signal })).rejects.toThrow(wanted)
  await expect(n.profile(() => 0, { signal })).rejects.toThrow(wanted)
  await expect(n.datasets.readIdx('x', { signal })).rejects.toThrow(wanted)
  expect(() => new n.DataLoader(named, { signal })).toThrow(wanted)
})
