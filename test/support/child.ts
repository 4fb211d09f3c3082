// Runs a program that uses the built package in a process of its own: exits, crashes and memory can only be seen there.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(__dirname, '..', '..')
/** The built entry, for programs and for Workers. */
export const entry = join(root, 'dist', 'cjs', 'index.js')

export interface ChildResult {
  code: number | null
  signal: string | null
  stdout: string
  stderr: string
}

export interface ChildOptions {
  env?: Record<string, string>
  timeout?: number
}

/**
 * Runs `body`, the inside of an async function that has `n` (neurite), `entry` and `require`. Whatever it prints comes
 * back; a process that hangs is killed and shows as signal SIGKILL.
 */
export function runProgram(body: string, options: ChildOptions = {}): Promise<ChildResult> {
  if (!existsSync(entry)) throw new Error(`expected the built package at ${entry}; run npm run build`)
  const program = `const entry = ${JSON.stringify(entry)}; const n = require(entry); (async () => {\n${body}\n})()`
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', program], {
      cwd: root,
      env: { ...process.env, ...options.env },
    })
    let stdout = ''
    let stderr = ''
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 60_000)
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stdout, stderr })
    })
  })
}
