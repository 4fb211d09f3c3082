import { arraySync, arange, contiguous, conv2d, convTranspose2d, isChannelsLast, randn } from '../../lib'
import { ArgumentError, ShapeError } from '../../lib'
import { testOp } from '../support'

testOp('contiguous channels-last', {
  op: (x) => contiguous(x, { memoryFormat: 'channelsLast' }),
  ref: (x) => x,
  shapes: [[[2, 3, 4]], [[2, 3, 4, 5]], [[1, 2, 3, 2, 2]], [[0, 3, 2, 2]], [[2, 1, 3, 3]]],
  large: [[4, 16, 20, 20]],
})

const channelsLast = { memoryFormat: 'channelsLast' } as const

describe('channels-last', () => {
  it('moves dim 1 to the inside and leaves the shape', () => {
    const x = arange(12).reshape([1, 3, 2, 2])
    const y = x.contiguous(channelsLast)
    expect([y.shape, y.strides]).toEqual([[1, 3, 2, 2], [12, 1, 6, 3]])
    expect([isChannelsLast(x), isChannelsLast(y)]).toEqual([false, true])
    expect(arraySync(y)).toEqual(arraySync(x))
  })

  it('returns what lies so already', () => {
    const x = randn([2, 3, 4, 5])
    const y = x.contiguous(channelsLast)
    expect(y.contiguous(channelsLast)).toBe(y)
    expect(x.contiguous()).toBe(x)
    expect(y.contiguous().isContiguous).toBe(true)
  })

  it('is recognised in images as decoders deliver them', () => {
    expect(isChannelsLast(randn([2, 4, 5, 3]).permute([0, 3, 1, 2]))).toBe(true)
    expect(isChannelsLast(randn([4, 2, 5, 3]).permute([1, 3, 0, 2]))).toBe(false)
  })

  it('is kept by convolutions', () => {
    const x = randn([2, 3, 6, 5])
    const w = randn([4, 3, 3, 3])
    const y = conv2d(x.contiguous(channelsLast), w, null, { padding: 1 })
    expect(isChannelsLast(y)).toBe(true)
    expect(arraySync(y)).toEqual(arraySync(conv2d(x, w, null, { padding: 1 })))
    expect(isChannelsLast(conv2d(x, w))).toBe(false)
    expect(isChannelsLast(convTranspose2d(y, w))).toBe(true)
  })

  it('refuses other formats and shapes that have none', () => {
    const x = randn([2, 3])
    expect(() => x.contiguous(channelsLast)).toThrow(ShapeError)
    expect(() => x.contiguous(channelsLast)).toThrow("contiguous: expected 3 to 5 dims for memoryFormat 'channelsLast'")
    expect(() => contiguous(x, { memoryFormat: 'nhwc' as 'channelsLast' })).toThrow(ArgumentError)
  })
})
