// Runs the built command line in a process of its own.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type ChildResult, root } from './child'

const main = join(root, 'dist', 'cjs', 'cli', 'main.js')

export interface CliOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<ChildResult> {
  if (!existsSync(main)) throw new Error(`expected the built command line at ${main}; run npm run build`)
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      timeout: 120_000,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
