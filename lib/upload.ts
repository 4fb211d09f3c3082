// Bytes into a new tensor: from JavaScript, copied before the call returns, so that the source is free at once; or from
// another device, in the order of the streams.
import { adopt, writeTarget, writeTensor } from './block'
import { type Device, getDefaultDevice } from './device'
import type { DType, TypedArray } from './dtype'
import { finish, native } from './native'
import { type Shape, Tensor } from './tensor'

/** A tensor from the bits of its elements, whatever typed array holds them. The caller has checked shape and device. */
export function upload(bytes: TypedArray, shape: Shape, dtype: DType, device: Device = getDefaultDevice()): Tensor {
  const t = new Tensor([...shape], dtype, device)
  writeTarget(t, 0)
  finish(native.upload(t, bytes))
  adopt(t, 0)
  return t
}

/** A tensor like `x`, whose elements lie in row-major order, on another device. */
export function move(x: Tensor, device: Device): Tensor {
  const t = new Tensor(x.shape, x.dtype, device)
  writeTensor(x, writeTarget(t, 0))
  finish(native.move(t, x))
  adopt(t, 0)
  return t
}
