// Functions that references need and Math lacks, to full float64 precision.

/** erf by its Maclaurin series near 0, by the continued fraction of erfc (Lentz) further out. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return NaN
  if (Math.abs(x) > 6) return Math.sign(x)
  if (Math.abs(x) < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
    }
    return (2 / Math.sqrt(Math.PI)) * sum
  }
  const z = Math.abs(x)
  let fraction = 0
  for (let n = 120; n > 0; n--) fraction = n / 2 / (z + fraction)
  return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction))
}

/** C's pow, which has 1 to any power and -1 to an infinite one equal 1. */
export function pow(a: number, b: number): number {
  return a === 1 || (a === -1 && !Number.isFinite(b) && !Number.isNaN(b)) ? 1 : Math.pow(a, b)
}

/** To the nearest integer, halves to even. */
export function roundEven(x: number): number {
  const low = Math.floor(x)
  if (x - low !== 0.5) return Math.round(x)
  return low % 2 === 0 ? low : low + 1
}

/** a modulo b with the sign of b. */
export function remainder(a: number, b: number): number {
  const r = a % b
  return r !== 0 && r < 0 !== b < 0 ? r + b : r
}
