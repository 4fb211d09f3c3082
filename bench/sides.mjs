// The processes that are timed: neurite, the machine itself and the peers. What they say to each other is in serve.mjs.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { peers } from './peers.mjs'

const neurite = () => [process.execPath, [fileURLToPath(new URL('neurite.mjs', import.meta.url))]]

/** The commands of neurite, the hardware's limits and, if wanted, the peers; those that this machine has. */
export function findSides(wantsPeers, only, device) {
  const sides = [{ name: 'neurite', command: neurite() }]
  for (const [name, { find, hint }] of Object.entries(peers)) {
    if (device !== 'cpu' && name !== 'torch') continue
    if (name !== 'hardware' && (!wantsPeers || (only.length > 0 && !only.includes(name)))) continue
    const command = find()
    if (command) sides.push({ name, command })
    else console.error(`bench: without ${name}: ${hint}`)
  }
  return sides
}

export async function startSide({ name, command: [program, args] }, threads, device) {
  const count = String(threads)
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Set before the libraries load: that is when they read them.
    env: {
      ...process.env,
      NEURITE_BENCH_DEVICE: device,
      NEURITE_THREADS: count,
      OMP_NUM_THREADS: count,
      OMP_PROC_BIND: 'true', // or a virtual machine's kernel may leave two threads on one processor
      MKL_NUM_THREADS: count,
      OPENBLAS_NUM_THREADS: count,
    },
  })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await answers.next()
    if (done) throw new Error(`bench: the ${name} process ended early`)
    return JSON.parse(value)
  }
  const { version } = await next()
  return {
    name,
    version,
    measure({ bench, params, args: given = {} }, seconds, limit) {
      child.stdin.write(`${JSON.stringify({ bench, params, args: given, threads, seconds, limit })}\n`)
      return next()
    },
    stop: () => child.stdin.end(),
  }
}
