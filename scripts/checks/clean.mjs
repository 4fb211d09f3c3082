// The repository speaks of itself alone: no paths of the machine it was written on, no hosts of a private registry; and
// the lock file installs everywhere: no download addresses, every platform's packages named.
import { projectFiles, read } from './files.mjs'

const text = /\.(ts|js|mjs|cjs|json|md|cpp|h|cu|cuh|def|map|txt|yml|py|gyp|sh)$|^\.[\w/.]+$/
const machinePaths = /(?<![\w.}-])\/(?:home|Users|root|work|workspace|builds)\/\w[\w./-]*/
const registries = /^\s*(?:@[\w-]+:)?registry\s*=/m

export default function clean() {
  const problems = []
  for (const path of projectFiles(text)) {
    const content = read(path)
    if (registries.test(content)) problems.push(`${path}: sets a package registry`)
    content.split('\n').forEach((line, index) => {
      const found = machinePaths.exec(line)
      if (found) problems.push(`${path}:${index + 1}: path of a machine: ${found[0]}`)
    })
  }
  return { problems: [...problems, ...lockFileProblems()], notes: [] }
}

function lockFileProblems() {
  const problems = []
  const { packages } = JSON.parse(read('package-lock.json'))
  for (const [path, entry] of Object.entries(packages)) {
    if (entry.resolved) problems.push(`package-lock.json: ${path} names where it was downloaded from`)
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      const isNamed = packages[`node_modules/${name}`] ?? packages[`${path}/node_modules/${name}`]
      if (!isNamed) problems.push(`package-lock.json: ${name}, optional for ${path}, is missing, so npm ci will fail`)
    }
  }
  return problems
}
