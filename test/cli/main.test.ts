import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../support/child'
import { runCli } from '../support/cli'

jest.setTimeout(120_000)

test('--version is the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  expect(await runCli(['-v'])).toMatchObject({ code: 0, stdout: `${version}\n` })
})

test('--help names the commands, and each has a help of its own', async () => {
  const help = await runCli(['--help'])
  expect(help).toMatchObject({ code: 0, stderr: '' })
  for (const name of ['demo', 'doctor']) {
    expect(help.stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    const own = await runCli([name, '--help'])
    expect(own).toMatchObject({ code: 0, stderr: '' })
    expect(own.stdout).toContain(`Usage: neurite ${name}`)
  }
})

test.each([
  [[], /expected a command\n/],
  [['train'], /expected a command \(demo, doctor\), got 'train'/],
  [['toString'], /got 'toString'/],
  [['demo', '--epoch', '3'], /Unknown option '--epoch'/],
  [['demo', '--epochs'], /'--epochs <value>' argument missing/],
  [['demo', '--epochs', '0'], /--epochs: expected an integer from 1 to 10000, got '0'/],
  [['demo', '--epochs', '1e3'], /--epochs: expected an integer/],
  [['demo', '--seed=-1'], /--seed: expected an integer/],
  [['demo', '--out='], /--out: expected the path of a file/],
  [['demo', 'now'], /Unexpected argument 'now'/],
  [['doctor', '--fast'], /Unknown option '--fast'/],
])('%j is refused with exit code 2', async (args, message) => {
  const result = await runCli(args)
  expect(result).toMatchObject({ code: 2, stdout: '' })
  expect(result.stderr).toMatch(message)
  expect(result.stderr).toContain('Try: neurite --help')
})
