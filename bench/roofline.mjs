// The least time that the machine allows a row: its arithmetic at the measured FMA peak, or its bytes at the measured
// bandwidth of the smallest memory that holds them, whichever takes longer.
import { readFileSync } from 'node:fs'

/** Bytes of a cache of the first core; 0 where the system does not say. */
function cacheBytes(level) {
  try {
    const size = readFileSync(`/sys/devices/system/cpu/cpu0/cache/index${level}/size`, 'utf8')
    return parseInt(size) * 1024
  } catch {
    return 0
  }
}

export class Machine {
  #gflops = 0
  #bandwidth = new Map()

  constructor(threads) {
    // Each core has an L2 of its own; the L3 is shared. What takes up more than half of a cache does not stay in it.
    this.levels = [
      ['L2', (cacheBytes(2) * threads) / 2],
      ['L3', cacheBytes(3) / 2],
      ['DRAM', Infinity],
    ]
  }

  /** Takes in a result of the hardware's rows. */
  learn({ bench, params, gflops, gbs }) {
    if (bench === 'peak' && params.startsWith('fp32')) this.#gflops = Math.max(this.#gflops, gflops)
    if (bench !== 'bandwidth') return
    const [test, level] = params.replace('-nt', '').split(' ')
    const key = `${test} ${level}`
    this.#bandwidth.set(key, Math.max(this.#bandwidth.get(key) ?? 0, gbs))
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
    const [level] = this.levels.find(([, size]) => read + written <= size)
    const copied = Math.min(read, written) + written
    const ms = (bytes, test) => bytes / this.#bandwidth.get(`${test} ${level}`) / 1e6
    return ms(copied, 'copy') + ms(Math.max(0, read + written - copied), 'read')
  }
}
