// The tracked files of the repository, and their text.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../setup/run.mjs'

// Tracked and new files that are not ignored, matching `pattern`.
export function projectFiles(pattern = /./) {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0')
  return listed.filter((path) => path && pattern.test(path) && existsSync(join(root, path)))
}

export const read = (path) => readFileSync(join(root, path), 'utf8')
