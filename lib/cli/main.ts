#!/usr/bin/env node
// The command line: neurite <command> [options]. Exit codes: 0 all well, 1 the command failed, 2 bad arguments.
import { parseArgs } from 'node:util'
import { packageVersion } from '../package'
import { type Command, UsageError } from './command'

const help = `neurite: deep learning native to Node

Usage: neurite <command> [options]

Commands:
  demo     train a small network on handwritten digits, save it, load it, look at its answers
  doctor   what neurite finds on this machine: CPU features, threads, memory, devices

Options:
  -h, --help      show this, or the help of a command
  -v, --version   show the version
`

// Loaded when called for: help and version need no native module.
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./demo.js')).demo,
  doctor: async () => (await import('./doctor.js')).doctor,
}

async function main(args: readonly string[]): Promise<void> {
  const [first, ...rest] = args
  if (first === '--version' || first === '-v') return print(packageVersion())
  if (first === '--help' || first === '-h' || first === 'help') return print(help.trimEnd())
  if (first === undefined) throw new UsageError('expected a command')
  if (!Object.hasOwn(commands, first)) throw new UsageError(`expected a command (demo, doctor), got '${first}'`)
  const command = await commands[first]()
  const values = parse(command, rest)
  if (values.help === true) return print(command.help.trimEnd())
  await command.run(values)
}

function parse(command: Command, args: string[]): Record<string, unknown> {
  const options = { ...command.options, help: { type: 'boolean', short: 'h' } } as const
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0], { cause: error })
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof UsageError) {
    process.stderr.write(`neurite: ${error.message}\nTry: neurite --help\n`)
    process.exitCode = 2
    return
  }
  // Errors with a code name what was expected; of any other the stack is of use.
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  const isExplained = error instanceof Error && 'code' in error
  process.stderr.write(`neurite: ${isExplained ? message : stack}\n`)
  process.exitCode = 1
})
