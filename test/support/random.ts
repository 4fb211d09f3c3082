// Random numbers for tests: seeded, so that a failure can be repeated with NEURITE_TEST_SEED.

/** Every test run draws from this seed; failures name it. */
export const seed = Number(process.env.NEURITE_TEST_SEED ?? 20260)

/** Numbers in [0, 1) from a seed and a label (mulberry32 over an FNV-1a hash). */
export function randomFrom(label: string): () => number {
  let state = seed
  for (const letter of label) state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** An integer in [low, high]. */
export function integerIn(random: () => number, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1))
}
