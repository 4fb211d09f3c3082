// The processes that are timed: neurite and the peers. Each reads one JSON request a line, {bench, params, seconds},
// and answers with one JSON line: a result, or null for a row it does not have.
import { spawn, spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))

const commands = {
  neurite: [process.execPath, [join(here, 'neurite.mjs')]],
  torch: ['python3', [join(here, 'peers', 'torch_peer.py')]],
}

/** Names of the peers that this machine has. */
export function findPeers() {
  const found = spawnSync('python3', ['-c', 'import torch'], { stdio: 'ignore' }).status === 0
  if (!found) console.error('bench: no peer found (python3 with torch would be one)')
  return found ? ['torch'] : []
}

export async function startSide(name, threads) {
  const [program, args] = commands[name]
  const count = String(threads)
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Set before the libraries load: that is when they read them.
    env: { ...process.env, NEURITE_THREADS: count, OMP_NUM_THREADS: count, MKL_NUM_THREADS: count },
  })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await answers.next()
    if (done) throw new Error(`bench: the ${name} process ended early`)
    return JSON.parse(value)
  }
  const { version } = await next()
  return {
    peer: name,
    version,
    measure({ bench, params }, seconds) {
      child.stdin.write(`${JSON.stringify({ bench, params, seconds })}\n`)
      return next()
    },
    stop: () => child.stdin.end(),
  }
}
