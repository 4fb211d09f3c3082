// Which combinations of a case's factors to run: every pair of values of two factors at least once (pairwise cover), or
// the whole product when NEURITE_TEST_FULL=1 (npm run test:full).

export const isFull = process.env.NEURITE_TEST_FULL === '1'

/** Values to combine, by factor. */
export type Factors = Record<string, readonly unknown[]>
export type Combination<F extends Factors> = { [K in keyof F]: F[K][number] }

function product(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (rows, size) => rows.flatMap((row) => Array.from({ length: size }, (_, i) => [...row, i])),
    [[]],
  )
}

function shuffle<T>(list: T[], random: () => number): T[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[list[i], list[j]] = [list[j], list[i]]
  }
  return list
}

/** Greedy: rows that bring the most new pairs are taken first. */
function pairwise(sizes: readonly number[], random: () => number): number[][] {
  const rows = shuffle(product(sizes), random)
  const covered = new Set<string>()
  const pairsOf = (row: number[]): string[] =>
    row.flatMap((value, f) => row.slice(f + 1).map((other, g) => `${f}:${value},${f + 1 + g}:${other}`))
  const pairs = new Map(rows.map((row) => [row, pairsOf(row)]))
  const chosen: number[][] = []
  for (let wanted = (sizes.length * (sizes.length - 1)) / 2; wanted > 0; wanted--) {
    for (const row of rows) {
      if ((pairs.get(row) as string[]).filter((pair) => !covered.has(pair)).length < wanted) continue
      for (const pair of pairs.get(row) as string[]) covered.add(pair)
      chosen.push(row)
    }
  }
  return chosen
}

export function cover<F extends Factors>(factors: F, random: () => number): Combination<F>[] {
  const names = Object.keys(factors)
  const sizes = names.map((name) => factors[name].length)
  const rows = isFull || names.length < 2 ? product(sizes) : pairwise(sizes, random)
  return rows.map(
    (row) => Object.fromEntries(row.map((value, f) => [names[f], factors[names[f]][value]])) as Combination<F>,
  )
}
