// Where the package lies on disk, and what its manifest says.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The package's folder: the sources sit one level below it, the build two. */
export const packageRoot = __dirname.endsWith(join('dist', 'cjs')) ? join(__dirname, '..', '..') : join(__dirname, '..')

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version
}
