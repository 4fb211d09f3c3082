// Brings node_modules to exactly what package-lock.json says. No install script is run: nothing here needs one, and
// the native part is built by a step of its own.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { npm, root } from './run.mjs'

export function ensureDependencies() {
  if (isFresh()) return
  console.log('installing dependencies (npm ci)')
  npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
}

// npm keeps a copy of what it installed; fresh means that every package of the lock file is there in that version.
// Packages for other platforms are not installed, so optional ones may be absent.
function isFresh() {
  const installedFile = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedFile)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    const present = installed[path]
    return present ? present.version === entry.version : entry.optional === true
  })
}
