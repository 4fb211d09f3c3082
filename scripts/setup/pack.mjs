// npm pack into a folder; returns the folder of the unpacked package, or the tarball itself.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { npm, run } from './run.mjs'

export function packTarball(destination) {
  npm(['pack', '--ignore-scripts', '--silent', '--pack-destination', destination])
  const tarball = readdirSync(destination).find((name) => name.endsWith('.tgz'))
  return join(destination, tarball)
}

export function pack(destination) {
  run('tar', ['-xzf', packTarball(destination), '-C', destination])
  return join(destination, 'package')
}
