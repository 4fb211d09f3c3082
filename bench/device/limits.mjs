// What a device can do at most, as far as anyone measured it in this run: its copy bandwidth within its own memory, and
// for each number format its largest product of matrices, by whichever side was the fastest.
import { product } from '../passes.mjs'
import { matmul } from './products.mjs'

function deviceCopy(elements) {
  return {
    bench: 'limit copy',
    params: `${elements} float32`,
    args: { shape: [elements] },
    bytes: [4 * elements, 4 * elements],
    prepare(n) {
      const from = n.randn([elements])
      return () => n.noGrad(() => from.clone().dispose())
    },
  }
}

/** Rows to learn from. */
export function deviceLimits(isSmall) {
  const size = isSmall ? 48 : 8192
  const formats = ['float32', 'tf32', 'float16', 'bfloat16']
  return [
    deviceCopy(isSmall ? 1 << 12 : 1 << 28),
    ...formats.map((format) => ({ ...matmul(size, size, size, format), bench: 'limit matmul' })),
  ]
}

export class DeviceMachine {
  #gbs = 0
  #gflops = new Map()

  /** Takes in a result of one of the limits, or of any row that turns out to be faster. */
  learn({ bench, args }, threads, { gflops, gbs }) {
    if (bench === 'limit copy') this.#gbs = Math.max(this.#gbs, gbs)
    else if (bench === 'limit matmul') this.#raise(args.format, gflops)
  }

  #raise(format, gflops) {
    this.#gflops.set(format, Math.max(this.#gflops.get(format) ?? 0, gflops))
  }

  /** Share of the fastest product in the row's number format, or undefined. */
  shareOfPeak(row, ms) {
    const peak = this.#gflops.get(row.args.format)
    return row.flops && peak ? (row.work ?? row.flops) / ms / 1e6 / peak : undefined
  }

  /** Milliseconds that nothing on this device was seen to beat, or undefined. */
  leastMs(row) {
    const peak = this.#gflops.get(row.args.format)
    if (!this.#gbs || (row.flops && !peak) || !(row.flops || row.bytes)) return undefined
    const arithmetic = row.flops ? (row.work ?? row.flops) / peak / 1e6 : 0
    const bytes = row.bytes ? product([1, row.bytes[0] + row.bytes[1]]) : 0
    return Math.max(arithmetic, bytes / this.#gbs / 1e6)
  }
}
