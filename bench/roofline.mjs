// The least time that the machine allows a row: its arithmetic at the measured FMA peak, or its bytes at the bandwidth
// measured for as many, whichever takes longer.

/** Bandwidth at `bytes` from measured points [bytes, GB/s], by interpolation over the logarithm of the bytes. */
function interpolate(points, bytes) {
  const sorted = [...points].sort(([a], [b]) => a - b)
  const next = sorted.findIndex(([size]) => size >= bytes)
  if (next <= 0) return sorted.at(next)[1]
  const [[x0, y0], [x1, y1]] = sorted.slice(next - 1, next + 1)
  return y0 + ((y1 - y0) * Math.log(bytes / x0)) / Math.log(x1 / x0)
}

export class Machine {
  #gflops = 0
  /** GB/s of reading and of copying, by the bytes of all threads together. */
  #bandwidth = { read: new Map(), copy: new Map() }

  /** Takes in a result of one of the hardware's rows. */
  learn({ bench, args }, threads, { gflops, gbs }) {
    if (bench === 'peak') {
      this.#gflops = Math.max(this.#gflops, gflops)
      return
    }
    const measured = this.#bandwidth[args.test.split('-')[0]]
    const bytes = args.bytes * threads
    measured.set(bytes, Math.max(measured.get(bytes) ?? 0, gbs))
  }

  /** Share of the FMA peak, or undefined. */
  shareOfPeak(row, ms) {
    return row.flops && this.#gflops ? (row.work ?? row.flops) / ms / 1e6 / this.#gflops : undefined
  }

  /** Milliseconds that nothing on this machine can beat, or undefined. */
  leastMs(row) {
    if (this.#gflops === 0 || !(row.flops || row.bytes)) return undefined
    const arithmetic = row.flops ? (row.work ?? row.flops) / this.#gflops / 1e6 : 0
    return Math.max(arithmetic, row.bytes ? this.#transferMs(...row.bytes) : 0)
  }

  /** What is written travels with as much that is read, at the speed of a copy; the rest is only read. */
  #transferMs(read, written) {
    const total = read + written
    const copied = Math.min(read, written) + written
    const ms = (bytes, measured) => bytes / interpolate(measured, total) / 1e6
    return ms(copied, this.#bandwidth.copy) + ms(Math.max(0, total - copied), this.#bandwidth.read)
  }
}
