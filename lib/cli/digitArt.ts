// Digits drawn with characters, side by side.

const shades = ' .:-=+*#%@'
const side = 8

export interface DrawnDigit {
  /** 64 values from 0 (paper) to 1 (ink), row by row. */
  pixels: ArrayLike<number>
  caption: string
}

/** Each pixel is two characters wide, which makes it about square. */
export function drawDigits(digits: readonly DrawnDigit[]): string {
  const rows = Array.from({ length: side }, (_, row) => digits.map(({ pixels }) => drawRow(pixels, row)).join('   '))
  const captions = digits.map(({ caption }) => caption.padEnd(2 * side)).join('   ')
  return [...rows, captions].map((line) => line.trimEnd()).join('\n')
}

function drawRow(pixels: ArrayLike<number>, row: number): string {
  return Array.from({ length: side }, (_, column) => shade(pixels[row * side + column]).repeat(2)).join('')
}

function shade(ink: number): string {
  return shades[Math.min(Math.floor(ink * shades.length), shades.length - 1)]
}
