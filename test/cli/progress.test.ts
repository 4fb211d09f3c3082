import { drawDigits } from '../../lib/cli/digitArt'
import { type Progress, ProgressBar } from '../../lib/cli/progress'

/** What a bar writes for two epochs of 100 examples at 100 samples/s. */
function written(output: { isTTY?: boolean; columns?: number }): string {
  let text = ''
  let now = 0
  const bar = new ProgressBar({ ...output, write: (part: string) => (text += part) }, 2, () => now)
  for (let seen = 1; seen <= 200; seen++) {
    now += 10
    const progress: Progress = { epoch: Math.ceil(seen / 100), loss: 1 / seen, accuracy: seen / 200, seen, total: 200 }
    bar.step(progress)
    if (seen % 100 === 0) bar.endEpoch(progress)
  }
  return text
}

test('one plain line for each epoch where the output is no terminal', () => {
  expect(written({})).toBe(
    'epoch 1/2  loss 0.0100  accuracy 0.5000  100 samples/s  1 s left\n' +
      'epoch 2/2  loss 0.0050  accuracy 1.0000  100 samples/s  2.0 s\n',
  )
})

test('a bar on a terminal, redrawn now and then, within its width', () => {
  const text = written({ isTTY: true, columns: 60 })
  const drawn = text.split('\r').slice(1)
  expect(drawn.length).toBeGreaterThan(20)
  expect(drawn.length).toBeLessThan(40)
  for (const line of drawn) expect(line.replace('\x1b[K', '').trimEnd().length).toBeLessThan(60)
  expect(drawn[0]).toMatch(/^░{24} epoch 1\/2/)
  expect(drawn[drawn.length - 1]).toMatch(/^█{24} epoch 2\/2/)
  expect(text.match(/\n/g)).toHaveLength(1)
  expect(text.endsWith('\n')).toBe(true)
})

test('digits side by side, two characters a pixel', () => {
  const ink = (value: number) => ({ pixels: new Array<number>(64).fill(value), caption: `ink ${value}` })
  const lines = drawDigits([ink(1), ink(0.5)]).split('\n')
  expect(lines).toHaveLength(9)
  for (const line of lines.slice(0, 8)) expect(line).toBe(`${'@'.repeat(16)}   ${'+'.repeat(16)}`)
  expect(lines[8]).toBe('ink 1              ink 0.5')
})
