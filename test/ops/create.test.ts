import {
  arange,
  ArgumentError,
  DeviceError,
  DTypeError,
  full,
  linspace,
  ones,
  onesLike,
  ShapeError,
  tensor,
  zeros,
  zerosLike,
} from '../../lib'
import { everyDType, floats } from '../support'

describe('tensor', () => {
  test('takes its dtype from the values', () => {
    expect(tensor([1, 2])).toMatchObject({ dtype: 'float32', shape: [2], requiresGrad: false })
    expect(tensor([1n, 2n]).dtype).toBe('int64')
    expect(tensor([true]).dtype).toBe('bool')
    expect(tensor(3)).toMatchObject({ dtype: 'float32', shape: [] })
    expect(tensor(3n).itemSync()).toBe(3)
    expect(
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    ).toMatchObject({ shape: [2, 3] })
    expect(tensor([]).shape).toEqual([0])
    expect(tensor([[], []]).shape).toEqual([2, 0])
  })
  test.each([
    [Float32Array.of(1.5), 'float32'],
    [Float64Array.of(0.1), 'float64'],
    [Int8Array.of(-3), 'int8'],
    [Uint8Array.of(250), 'uint8'],
    [Uint8ClampedArray.of(250), 'uint8'],
    [Int32Array.of(-70000), 'int32'],
    [BigInt64Array.of(2n ** 60n), 'int64'],
  ] as const)('keeps %p as %s', (data, dtype) => {
    const x = tensor(data as Float32Array)
    expect([x.dtype, x.shape]).toEqual([dtype, [1]])
    expect(x.itemSync()).toBe(data[0])
  })
  test('copies what it is given', () => {
    const data = Float32Array.of(1, 2)
    const x = tensor(data)
    data[0] = 9
    expect(x.arraySync()).toEqual([1, 2])
  })
  test('takes parts of buffers', () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3)
    expect(tensor(data).arraySync()).toEqual([2, 3])
  })
  test.each(everyDType)('converts to %s', (dtype) => {
    const x = tensor([0, 1, 1], { dtype })
    expect(x.dtype).toBe(dtype)
    expect(x.to('float32').arraySync()).toEqual([0, 1, 1])
  })
  test('a wider dtype loses nothing', () => {
    expect(tensor([0.1], { dtype: 'float64' }).itemSync()).toBe(0.1)
    expect(tensor([2 ** 40 + 1], { dtype: 'int64' }).itemSync()).toBe(2 ** 40 + 1)
    expect(tensor([2n ** 62n], { dtype: 'int64' }).itemSync()).toBe(2n ** 62n)
  })
  test('shape and requiresGrad', () => {
    expect(tensor([1, 2, 3, 4], { shape: [2, 2] }).arraySync()).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(tensor([1], { requiresGrad: true }).requiresGrad).toBe(true)
    expect(() => tensor([1n], { requiresGrad: true })).toThrow('requiresGrad: expected a floating dtype, got int64')
  })
  const cyclic: unknown[] = []
  cyclic[0] = cyclic
  const wrong: [string, () => unknown, new (message: string) => Error, string][] = [
    [
      'ragged rows',
      () => tensor([[1], [1, 2]]),
      ShapeError,
      'tensor: expected arrays of equal lengths, got ragged ones at depth 1',
    ],
    ['ragged depths', () => tensor([1, [2]]), ShapeError, 'tensor: expected arrays of equal depth'],
    [
      'ragged depths the other way',
      () => tensor([[1], 2] as never),
      ShapeError,
      'tensor: expected arrays of equal lengths',
    ],
    [
      'mixed kinds',
      () => tensor([1, 2n]),
      ArgumentError,
      'tensor: expected numbers, bigints or booleans of one kind, got 2n',
    ],
    ['strings', () => tensor(['1'] as never), ArgumentError, 'one kind, got "1"'],
    ['undefined', () => tensor([1, undefined] as never), ArgumentError, 'one kind, got undefined'],
    ['only undefined', () => tensor([undefined] as never), ArgumentError, 'one kind, got undefined'],
    ['null', () => tensor(null as never), ArgumentError, 'one kind, got null'],
    ['nothing', () => tensor(undefined as never), ArgumentError, 'one kind, got undefined'],
    ['an array in itself', () => tensor(cyclic as never), ShapeError, 'tensor: expected at most 8 dimensions'],
    [
      'bigints of more than 64 bits',
      () => tensor([2n ** 63n]),
      ArgumentError,
      'tensor: expected bigints of 64 bits, got 9223372036854775808n',
    ],
    ['a DataView', () => tensor(new DataView(new ArrayBuffer(4)) as never), ArgumentError, 'got DataView'],
    [
      'a wrong count',
      () => tensor([1, 2, 3], { shape: [2, 2] }),
      ShapeError,
      'tensor: expected 4 values for [2, 2], got 3',
    ],
    [
      'a wrong dtype',
      () => tensor([1], { dtype: 'float' as never }),
      DTypeError,
      'tensor: expected a dtype (float32, ',
    ],
    ['a wrong device', () => tensor([1], { device: 'tpu' as never }), DeviceError, 'tensor: expected a device such as'],
  ]
  test.each(wrong)('refuses %s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
})

describe('filled', () => {
  test.each(everyDType)('%s', (dtype) => {
    expect(ones([2], { dtype }).to('float32').arraySync()).toEqual([1, 1])
    expect(zeros([2], { dtype }).to('float32').arraySync()).toEqual([0, 0])
    expect(zerosLike(ones([1], { dtype })).dtype).toBe(dtype)
    expect(onesLike(zeros([2, 0], { dtype }))).toMatchObject({ dtype, shape: [2, 0] })
  })
  test('full takes its dtype from the value', () => {
    expect(full([2], 0.5).arraySync()).toEqual([0.5, 0.5])
    expect(full([], 2n ** 60n).itemSync()).toBe(2n ** 60n)
    expect(full([1], true)).toMatchObject({ dtype: 'bool' })
    expect(full([1], NaN).itemSync()).toBeNaN()
    expect(full([2], 1, { requiresGrad: true }).requiresGrad).toBe(true)
  })
  test('keeps no tie to the shape it was given', () => {
    const shape = [2]
    const x = zeros(shape)
    shape[0] = 5
    expect(x.shape).toEqual([2])
  })
  test('refuses', () => {
    expect(() => zeros([-1])).toThrow(ShapeError)
    expect(() => zeros(3 as never)).toThrow('expected a shape (an array of non-negative integers), got 3')
    expect(() => full([1], 'x' as never)).toThrow('full: expected a number, bigint or boolean, got "x"')
    expect(() => zeros(new Array<number>(9).fill(1))).toThrow('at most 8 dimensions')
    expect(() => zeros([2 ** 30, 2 ** 30])).toThrow(/expected/)
  })
})

describe('arange and linspace', () => {
  test('values', () => {
    expect(arange(4).arraySync()).toEqual([0, 1, 2, 3])
    expect(arange(1, 2, 0.25).arraySync()).toEqual([1, 1.25, 1.5, 1.75])
    expect(arange(5, 0, -2).arraySync()).toEqual([5, 3, 1])
    expect(arange(3n).dataSync()).toEqual(BigInt64Array.of(0n, 1n, 2n))
    expect(arange(3, { dtype: 'int32' }).dataSync()).toEqual(Int32Array.of(0, 1, 2))
    expect(arange(2, 2)).toMatchObject({ shape: [0] })
    expect(linspace(0, 1, 5).arraySync()).toEqual([0, 0.25, 0.5, 0.75, 1])
    expect(linspace(3, 4, 1).arraySync()).toEqual([3])
    expect(linspace(3, 4, 0).shape).toEqual([0])
  })
  test('bigints count exactly', () => {
    const big = 2n ** 60n
    expect(arange(big, big + 5n, 2n).dataSync()).toEqual(BigInt64Array.of(big, big + 2n, big + 4n))
    expect(arange(big, big - 3n, -1n).shape).toEqual([3])
  })
  test.each(floats)('many of %s, on several threads', (dtype) => {
    const x = arange(0, 100, 0.001, { dtype: dtype === 'float64' ? dtype : 'float32' }).to(dtype)
    expect(x.shape).toEqual([100_000])
    expect(Math.abs(x.slice([98_765]).itemSync() - 98.765)).toBeLessThan(
      dtype === 'bfloat16' ? 0.5 : dtype === 'float16' ? 0.05 : 1e-5,
    )
  })
  test('refuses steps that never arrive', () => {
    expect(() => arange(0, 5, -1)).toThrow(ArgumentError)
    expect(() => arange(0n, 1n, -2n)).toThrow('arange: expected a step towards the end, got [0n, 1n, -2n]')
    expect(() => arange(0, 1, 0)).toThrow('arange: expected a step towards the end')
    expect(() => arange(0n, 1n, 0n)).toThrow('arange: expected a step towards the end')
    expect(() => arange(Infinity)).toThrow('arange')
    expect(() => linspace(0, 1, 2.5)).toThrow('linspace: expected count to be an integer')
    expect(() => linspace(0, 1, 2, { dtype: 'int64' })).toThrow('linspace: expected a floating dtype, got int64')
  })
})
