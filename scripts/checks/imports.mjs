// No import cycles in lib/. Imports of types alone leave no trace at run time and are not counted.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { root } from '../setup/run.mjs'
import { projectFiles, read } from './files.mjs'

export default function imports() {
  const ts = createRequire(join(root, 'package.json'))('typescript')
  const files = new Set(projectFiles(/^lib\/.*\.ts$/))
  const graph = new Map([...files].map((path) => [path, targets(ts, path, files)]))
  return { problems: cycles(graph), notes: [`${files.size} files`] }
}

function targets(ts, path, files) {
  const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.ES2022)
  const found = []
  for (const statement of source.statements) {
    const isImport = ts.isImportDeclaration(statement)
    if (!isImport && !(ts.isExportDeclaration(statement) && statement.moduleSpecifier)) continue
    if (isImport ? onlyTypes(statement.importClause) : statement.isTypeOnly) continue
    const specifier = statement.moduleSpecifier.text
    if (!specifier.startsWith('.')) continue
    const base = join(dirname(path), specifier.replace(/\.js$/, ''))
    const target = [`${base}.ts`, `${base}/index.ts`].find((candidate) => files.has(candidate))
    if (target) found.push(target)
  }
  return found
}

function onlyTypes(clause) {
  if (!clause) return false
  if (clause.isTypeOnly) return true
  const names = clause.namedBindings?.elements
  return !clause.name && names?.length > 0 && names.every((name) => name.isTypeOnly)
}

// One message per cycle that a depth-first walk closes.
function cycles(graph) {
  const problems = []
  const done = new Set()
  const walk = (path, trail) => {
    const start = trail.indexOf(path)
    if (start !== -1) problems.push(`import cycle: ${[...trail.slice(start), path].join(' -> ')}`)
    if (start !== -1 || done.has(path)) return
    for (const target of graph.get(path)) walk(target, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) walk(path, [])
  return problems
}
