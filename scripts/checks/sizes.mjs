// Small files: hard limit 500 lines, soft limit 300 (reported), median printed. Generated files do not count.
import { projectFiles, read } from './files.mjs'

const hard = 500
const soft = 300
const sources = /^(native|cuda|lib|test|bench|scripts|examples)\/.*\.(ts|js|mjs|cpp|h|cu|cuh|def|py)$/

export default function sizes() {
  const counts = projectFiles(sources)
    .filter((path) => !read(path).startsWith('// Generated'))
    .map((path) => ({ path, lines: read(path).split('\n').length - 1 }))
    .sort((a, b) => b.lines - a.lines)
  const median = counts[Math.floor(counts.length / 2)].lines
  const over = (limit) => counts.filter(({ lines }) => lines > limit)
  const name = ({ path, lines }) => `${path}: ${lines} lines`
  return {
    problems: over(hard).map((file) => `${name(file)}, the limit is ${hard}`),
    notes: [
      `${counts.length} files, median ${median} lines, largest ${name(counts[0])}`,
      ...over(soft).filter(({ lines }) => lines <= hard).map((file) => `over ${soft}: ${name(file)}`),
    ],
  }
}
