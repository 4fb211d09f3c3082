// Writes the ESM entry over the CommonJS build: one set of classes, whichever way the package is loaded. The names
// come from the type checker's view of the declarations, so nothing has to be loaded to build.
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from './run.mjs'

export function writeEsm() {
  const names = valueExports(join(root, 'dist', 'cjs', 'index.d.ts'))
  const folder = join(root, 'dist', 'esm')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'index.mjs'),
    `import neurite from '../cjs/index.js'\nexport const {\n  ${names.join(',\n  ')},\n} = neurite\n`,
  )
  writeFileSync(join(folder, 'index.d.mts'), `export * from '../cjs/index.js'\n`)
}

function valueExports(file) {
  const ts = createRequire(join(root, 'package.json'))('typescript')
  const options = { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 }
  const program = ts.createProgram([file], options)
  const checker = program.getTypeChecker()
  const isValue = (symbol) => {
    if (symbol.declarations?.some((node) => ts.isTypeOnlyImportOrExportDeclaration(node))) return false
    if (!(symbol.flags & ts.SymbolFlags.Alias)) return (symbol.flags & ts.SymbolFlags.Value) !== 0
    return isValue(checker.getImmediateAliasedSymbol(symbol))
  }
  const module = checker.getSymbolAtLocation(program.getSourceFile(file))
  const names = checker.getExportsOfModule(module).filter(isValue).map((symbol) => symbol.name).sort()
  if (names.length === 0) throw new Error(`${file} exports no value`)
  return names
}
