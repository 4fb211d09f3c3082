// Tables at the end of a run, in Markdown: every row with the share of the machine's limit and the peers' times ÷ ours,
// the families against their goals, and the rows that are furthest behind.

/** Peers as far ahead or behind as this are level. */
const tie = 0.97
const nearRoofline = 0.9

const number = (value) => (value === undefined ? '' : Number(value.toPrecision(3)).toString())
const percent = (share) => (share === undefined ? '' : (share * 100).toFixed(0))
const line = (cells) => cells.join(' | ')

function printTable(head, lines) {
  console.log(`\n${line(head)}\n${line(head.map(() => '---'))}`)
  for (const cells of lines) console.log(line(cells))
}

/** The peers that `goal` compares with: packed weights only where the row's weights are constant. */
function rivals({ row, others }, goal) {
  return others.filter(({ peer, packed }) => (row.constant || !packed) && (goal.against ?? /./).test(peer))
}

/** How one row stands to a goal: {ratio, roof, isMet, isLevel}; null without a peer to compare with. */
function judge(entry, goal) {
  const against = rivals(entry, goal)
  if (against.length === 0) return null
  const best = against.reduce((a, b) => (b.min_ms < a.min_ms ? b : a))
  const ratio = best.min_ms / entry.ours.min_ms
  const isNearRoofline = entry.roof >= nearRoofline
  const isMet = isNearRoofline || (goal.peak ? entry.peak >= goal.peak * tie : ratio >= goal.ratio * tie)
  // A row at the machine's limit cannot do better: it counts as if it had reached its ratio.
  const counted = isNearRoofline ? Math.max(ratio, goal.ratio ?? 1) : ratio
  return { entry, best, ratio, counted, isMet, isBehind: !isNearRoofline && ratio < (goal.least ?? 0) * tie }
}

const geomean = (values) => Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length)

/** `entries` are {family, row, threads, ours, others, peak, roof}: neurite's result, the peers' and the two shares. */
export function summarize(entries, families) {
  for (const family of families) printRows(family, entries.filter((entry) => entry.family === family))
  const judged = families.flatMap((family) => judgeFamily(family, entries))
  if (judged.length === 0) return
  printTable(
    ['family', 'threads', 'rows', 'geometric mean', 'with the roofline rule', 'goal', 'at least', 'rows met', 'behind'],
    judged.map(({ cells }) => cells),
  )
  const behind = judged.flatMap(({ all }) => all.filter(({ isBehind }) => isBehind))
  if (behind.length === 0) return
  behind.sort((a, b) => a.ratio - b.ratio)
  console.log('\nRows behind, the worst first:')
  printTable(
    ['row', 'threads', 'ours ms', 'best peer', 'peer / ours', '% of roofline'],
    behind.map(({ entry, best, ratio }) => [
      `${entry.row.bench} ${entry.row.params}`,
      entry.threads,
      number(entry.ours.min_ms),
      best.peer,
      ratio.toFixed(2),
      percent(entry.roof),
    ]),
  )
}

function judgeFamily(family, entries) {
  const own = entries.filter((entry) => entry.family === family)
  const counts = [...new Set(own.map(({ threads }) => threads))]
  return (family.goals ?? []).flatMap((goal) =>
    counts.flatMap((threads) => {
      const all = own.filter((entry) => entry.threads === threads).flatMap((entry) => judge(entry, goal) ?? [])
      if (all.length === 0) return []
      const cells = [
        family.name + (goal.name ? `, ${goal.name}` : ''),
        threads,
        all.length,
        geomean(all.map(({ ratio }) => ratio)).toFixed(2),
        geomean(all.map(({ counted }) => counted)).toFixed(2),
        goal.peak ? `${percent(goal.peak)} % of the peak` : goal.ratio,
        goal.least ?? '–',
        all.filter(({ isMet }) => isMet).length,
        all.filter(({ isBehind }) => isBehind).length,
      ]
      return [{ cells, all }]
    }),
  )
}

function printRows(family, entries) {
  if (entries.length === 0) return
  const names = [...new Set(entries.flatMap(({ others }) => others.map(({ peer }) => peer)))]
  printTable(
    [family.name, 'threads', 'ms', 'rate', '% of peak', '% of roofline', ...names.map((peer) => `${peer} / ours`)],
    entries.map(({ row, threads, ours, others, peak, roof }) => [
      `${row.bench} ${row.params}`,
      threads,
      number(ours.min_ms),
      ours.gflops ? `${number(ours.gflops)} GFLOP/s` : ours.gbs ? `${number(ours.gbs)} GB/s` : '',
      percent(peak),
      percent(roof),
      ...names.map((peer) => {
        const other = others.find((o) => o.peer === peer)
        return other ? (other.min_ms / ours.min_ms).toFixed(2) : ''
      }),
    ]),
  )
}
