// How far a training has come: a bar that is redrawn on a terminal, a line for each epoch elsewhere.

export interface Progress {
  epoch: number
  /** Mean loss and share of right answers in this epoch so far. */
  loss: number
  accuracy: number
  /** Examples seen since the start, of all there are to see. */
  seen: number
  total: number
}

interface Output {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

const redrawEvery = 80 // milliseconds
const barWidth = 24

export class ProgressBar {
  private readonly started: number
  private drawn = -Infinity

  /** @param clock Milliseconds; for tests. */
  constructor(
    private readonly output: Output,
    private readonly epochs: number,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.started = clock()
  }

  /** After every step: redraws the bar, where there is one, now and then. */
  step(progress: Progress): void {
    const now = this.clock()
    if (this.output.isTTY !== true || now - this.drawn < redrawEvery) return
    this.drawn = now
    this.draw(progress)
  }

  /** After the last step of an epoch. */
  endEpoch(progress: Progress): void {
    if (this.output.isTTY !== true) this.output.write(`${this.text(progress)}\n`)
    else {
      this.draw(progress)
      if (progress.seen === progress.total) this.output.write('\n')
    }
  }

  private draw(progress: Progress): void {
    const line = `${bar(progress.seen / progress.total)} ${this.text(progress)}`
    // Cut to the terminal: a line that wraps could not be drawn over.
    this.output.write(`\r${line.slice(0, (this.output.columns ?? 80) - 1)}\x1b[K`)
  }

  private text({ epoch, loss, accuracy, seen, total }: Progress): string {
    const seconds = (this.clock() - this.started) / 1000
    const speed = seconds > 0 ? seen / seconds : 0
    const left = speed > 0 ? (total - seen) / speed : 0
    const of = String(this.epochs)
    return [
      `epoch ${String(epoch).padStart(of.length)}/${of}`,
      `loss ${loss.toFixed(4)}`,
      `accuracy ${accuracy.toFixed(4)}`,
      `${Math.round(speed)} samples/s`,
      seen === total ? `${seconds.toFixed(1)} s` : `${left.toFixed(0)} s left`,
    ].join('  ')
  }
}

function bar(share: number): string {
  const full = Math.round(share * barWidth)
  return `${'█'.repeat(full)}${'░'.repeat(barWidth - full)}`
}
