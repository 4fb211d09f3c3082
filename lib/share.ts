// Tensors between Workers: the memory stays where it is, a ticket for it travels in a message.
import { adopt, writeInts, writeNumber, writeTensor } from './block'
import { checkTensor } from './check'
import { checkDevice, type Device, deviceIndex } from './device'
import { checkDType, type DType, dtypes } from './dtype'
import { ArgumentError, show } from './errors'
import { block, finish, native } from './native'
import { checkInteger, checkShape } from './shape'
import { type Shape, Tensor } from './tensor'

/** Plain data for `postMessage`, `workerData` or any channel within the process. */
export interface SharedTensor {
  /** Names the memory; good for one `receiveTensor`. */
  ticket: number
  shape: Shape
  strides: Shape
  dtype: DType
  device: Device
}

/**
 * A message from which another Worker of this process makes a tensor on the same memory, without a copy. The memory
 * lives on until the message was received and both tensors are gone. Writes of either side are seen by the other, in
 * the order in which they were enqueued: agree on who writes. The gradient graph stays behind.
 *
 * A ticket that is never received keeps its memory until the process ends.
 */
export function shareTensor(t: Tensor): SharedTensor {
  checkTensor('shareTensor', 't', t)
  writeTensor(t, 0)
  finish(native.share())
  const owner = t.base ?? t
  owner.isViewed = true // backward must not take this memory for its own sums
  return { ticket: block[0], shape: [...t.shape], strides: [...t.strides], dtype: t.dtype, device: t.device }
}

/**
 * The tensor of a message of `shareTensor`; it requires no gradient.
 *
 * @throws ArgumentError for anything else, for an altered message, and for a ticket that was received already.
 */
export function receiveTensor(message: SharedTensor): Tensor {
  const op = 'receiveTensor'
  if (message === null || typeof message !== 'object') {
    throw new ArgumentError(`${op}: expected a message of shareTensor, got ${show(message)}`)
  }
  const ticket = checkInteger(op, 'ticket', message.ticket, 1)
  const shape = checkShape(op, message.shape)
  const { strides } = message
  if (!Array.isArray(strides) || strides.length !== shape.length || !strides.every((n) => Number.isSafeInteger(n))) {
    throw new ArgumentError(`${op}: expected one stride for each of the ${shape.length} dims, got ${show(strides)}`)
  }
  const t = new Tensor([...shape], checkDType(op, message.dtype), checkDevice(op, message.device ?? null))
  let at = writeNumber(dtypes[t.dtype].code, writeNumber(ticket, 0))
  at = writeNumber(deviceIndex(t.device), at)
  at = writeInts(shape, at)
  for (const stride of strides) at = writeNumber(stride, at)
  finish(native.receive(t))
  adopt(t, 0)
  t.setStrides([...strides])
  return t
}
