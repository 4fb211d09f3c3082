import { inspect } from 'node:util'
import { arange, NeuriteError, ShapeError, tensor, zeros } from '../../lib'

test('data gives the typed array of the dtype', async () => {
  expect(await tensor([1.5, 2]).data()).toEqual(Float32Array.of(1.5, 2))
  expect(await tensor([0.1], { dtype: 'float64' }).data()).toEqual(Float64Array.of(0.1))
  expect(await tensor([1.5], { dtype: 'float16' }).data()).toEqual(Float32Array.of(1.5))
  expect(await tensor([1.5], { dtype: 'float16' }).data({ raw: true })).toEqual(Uint16Array.of(0x3e00))
  expect(await tensor([1.5], { dtype: 'bfloat16' }).data({ raw: true })).toEqual(Uint16Array.of(0x3fc0))
  expect(await tensor([-1], { dtype: 'int8' }).data()).toEqual(Int8Array.of(-1))
  expect(await tensor([2n ** 60n]).data()).toEqual(BigInt64Array.of(2n ** 60n))
  expect(await tensor([true, false]).data()).toEqual(Uint8Array.of(1, 0))
})

test('the Sync twins give the same', () => {
  const x = tensor([[1, 2], [3, 4]])
  expect(x.dataSync()).toEqual(Float32Array.of(1, 2, 3, 4))
  expect(x.arraySync()).toEqual([[1, 2], [3, 4]])
  expect(x.slice([1, 1]).itemSync()).toBe(4)
})

test('views are read in their own order', async () => {
  const x = arange(6).reshape([2, 3])
  expect(await x.mT.array()).toEqual([[0, 3], [1, 4], [2, 5]])
  expect(await x.slice([null, [null, null, 2]]).data()).toEqual(Float32Array.of(0, 2, 3, 5))
  expect(await x.slice([1]).expand([2, 3]).array()).toEqual([[3, 4, 5], [3, 4, 5]])
  expect(await x.slice([null, [3, null]]).array()).toEqual([[], []])
})

test('values become numbers where that is exact', async () => {
  expect(await tensor([5n, 2n ** 53n]).array()).toEqual([5, 2n ** 53n])
  expect(await tensor(7n).item()).toBe(7)
  expect(await tensor([true]).item()).toBe(true)
  expect(await tensor(2.5).array()).toBe(2.5)
})

test('data is a copy of its moment', async () => {
  const x = tensor([1, 2])
  const before = x.data()
  x.fill_(9)
  expect(await before).toEqual(Float32Array.of(1, 2))
})

test('item wants one element', async () => {
  await expect(zeros([2]).item()).rejects.toThrow(new ShapeError('item: expected a single element, got [2]'))
  expect(() => zeros([0]).itemSync()).toThrow('itemSync: expected a single element, got [0]')
})

test('a disposed tensor cannot be read', async () => {
  const x = zeros([2])
  x.dispose()
  expect(() => x.dataSync()).toThrow(NeuriteError)
  await expect(x.data()).rejects.toMatchObject({ code: 'DISPOSED_TENSOR' })
})

test('toText', async () => {
  expect(await tensor([[1, 2.123456], [-3, 0]]).toText()).toBe('[[1, 2.123],\n [-3, 0]]')
  expect(await tensor(2.5).toText()).toBe('2.5')
  expect(await tensor([NaN, Infinity]).toText()).toBe('[NaN, Infinity]')
  expect(await tensor([true, false]).toText()).toBe('[true, false]')
  expect(await tensor([2n ** 60n]).toText()).toBe(`[${2n ** 60n}]`)
  expect(await zeros([2, 0]).toText()).toBe('[[],\n []]')
  expect(await arange(2000).toText({ edge: 2 })).toBe('[0, 1, …, 1998, 1999]')
  expect(await tensor([1 / 3]).toText({ precision: 2 })).toBe('[0.33]')
  await expect(zeros([1]).toText({ precision: 0 })).rejects.toThrow('toText: expected precision')
})

test('console.log shows what needs no waiting', () => {
  const w = zeros([2, 3], { requiresGrad: true, device: 'cpu' })
  expect(inspect(w)).toBe('Tensor([2, 3], float32, cpu, requiresGrad)')
  expect(inspect(w.exp())).toBe('Tensor([2, 3], float32, cpu, gradFn: exp)')
  const x = zeros([], { dtype: 'int64', device: 'cpu' })
  x.dispose()
  expect(String(x)).toBe('Tensor([], int64, cpu, disposed)')
})
