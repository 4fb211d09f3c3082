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
  ['to', () => n.to(x, 'float8' as never), /^to: expected .*got "float8"$/],
  ['zeros', () => n.zeros([2, -1]), /^zeros: expected a shape.*got \[2, -1\]$/],
])('%s', (_name, call, message) => {
  expect(call).toThrow(message)
  expect(call).toThrow(n.NeuriteError)
})
