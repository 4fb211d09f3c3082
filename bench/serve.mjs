// The loop of a side written in JavaScript: reads one JSON request a line, {bench, params, args, threads, seconds,
// limit}, and answers with one line, a list of {peer, min_ms, median_ms, n} (or {peer, error}), one for each variant of
// the row that this side has. The variants of a row are made once and stay until another row is asked for; those that
// took more than `limit` milliseconds before are left out.
import { createInterface } from 'node:readline'

/** Milliseconds per run of samples of at least 5 ms, for about `seconds` and at least one sample. */
export async function time(variant, seconds) {
  const times = []
  const end = performance.now() + seconds * 1000
  while (times.length === 0 || performance.now() < end) {
    const started = process.hrtime.bigint()
    await variant.repeat(variant.inner)
    const sample = Number(process.hrtime.bigint() - started) / 1e6
    if (sample >= 5) times.push(sample / variant.inner)
    else variant.inner = Math.ceil(variant.inner * Math.min(100, 7.5 / sample))
  }
  times.sort((a, b) => a - b)
  variant.best = times[0]
  return { median_ms: times[times.length >> 1], min_ms: times[0], n: times.length }
}

/** Makes a variant ready and runs it once: the first run allocates and compiles. */
async function start({ peer, packed, make }) {
  const variant = { peer, packed, inner: 1, ...(await make()) }
  if (variant.repeat) await variant.repeat(1)
  return variant
}

/**
 * Serves until the input ends. `variantsOf(request)` lists the row's variants, {peer, packed?, make()}, where make
 * gives {repeat(count), close?()} to be timed, or {measure(seconds)} that returns figures of its own.
 */
export async function serve(version, variantsOf) {
  console.log(JSON.stringify({ version }))
  let current = { key: null, variants: [] }
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line)
    const key = `${request.bench} ${request.params}`
    if (key !== current.key) {
      for (const variant of current.variants) await variant.close?.()
      current = { key, variants: [] }
      for (const variant of variantsOf(request)) current.variants.push(await attempt(variant, () => start(variant)))
    }
    const results = []
    for (const variant of current.variants) {
      if (!(variant.best > request.limit)) results.push(await attempt(variant, () => result(variant, request)))
    }
    console.log(JSON.stringify(results))
  }
}

async function result(variant, { seconds }) {
  const { peer, packed, error } = variant
  if (error) return { peer, error }
  return { peer, packed, ...(await (variant.measure ? variant.measure(seconds) : time(variant, seconds))) }
}

async function attempt({ peer }, work) {
  try {
    return await work()
  } catch (error) {
    return { peer, error: String(error.message ?? error).split('\n')[0] }
  }
}
