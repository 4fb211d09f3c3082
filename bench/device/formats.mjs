// Number formats of rows on devices. tf32 is float32 whose products may be rounded.
export const formats = {
  float32: { dtype: 'float32', bytes: 4 },
  tf32: { dtype: 'float32', bytes: 4, precision: 'high' },
  float16: { dtype: 'float16', bytes: 2 },
  bfloat16: { dtype: 'bfloat16', bytes: 2 },
}

/** What every row's args say of its format; peers make their tensors of `dtype`. */
export function formatArgs(format) {
  const { dtype, precision = 'highest' } = formats[format]
  return { format, dtype, precision }
}

export const sizeOf = (format, ...shapes) =>
  formats[format].bytes * shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0)
