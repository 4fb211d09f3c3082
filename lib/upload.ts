// Bytes into a new tensor. They are copied before the call returns, so the source is free at once.
import { adopt, writeTarget } from './block'
import type { Device } from './device'
import type { DType, TypedArray } from './dtype'
import { finish, native } from './native'
import { type Shape, Tensor } from './tensor'

/** A tensor from the bits of its elements, whatever typed array holds them. The caller has checked shape and device. */
export function upload(bytes: TypedArray, shape: Shape, dtype: DType, device: Device = 'cpu'): Tensor {
  const t = new Tensor([...shape], dtype, device)
  writeTarget(t, 0)
  finish(native.upload(t, bytes))
  adopt(t, 0)
  return t
}
