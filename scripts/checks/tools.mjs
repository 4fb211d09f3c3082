// The checks that other programs make: clang-format, ESLint, the TypeScript compiler, publint, attw, and the generator
// of lib/kernels.ts. Their output is shown as it comes.
import { buildTypescript } from '../setup/build.mjs'
import { runTool, tryRun } from '../setup/run.mjs'
import { has } from '../setup/tools.mjs'
import { projectFiles } from './files.mjs'

const verdict = (status, name) => ({ problems: status === 0 ? [] : [`${name} ended with status ${status}`], notes: [] })

export function format() {
  if (!has('clang-format')) return { skipped: 'clang-format is not installed' }
  const files = projectFiles(/\.(cpp|h|cu|cuh)$/)
  return verdict(tryRun('clang-format', ['--dry-run', '--Werror', '--ferror-limit=3', ...files]), 'clang-format -i')
}

export const lint = () => verdict(runTool('eslint', ['.', '--max-warnings=0']), 'eslint')

export const types = () => verdict(runTool('typescript', ['--noEmit']), 'tsc')

export const kernels = () =>
  verdict(tryRun(process.execPath, ['scripts/generate-kernels.mjs', '--check']), 'generate-kernels')

export function publint() {
  buildTypescript()
  return verdict(runTool('publint', ['--strict']), 'publint')
}

export function attw() {
  buildTypescript()
  return verdict(runTool('@arethetypeswrong/cli', ['--pack', '.', '--profile', 'node16', '--format', 'ascii']), 'attw')
}
