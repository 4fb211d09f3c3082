// npm run format: puts C++ and TypeScript into the project's style, as far as tools can.
import { projectFiles } from './checks/files.mjs'
import { runTool, tryRun } from './setup/run.mjs'

tryRun('clang-format', ['-i', ...projectFiles(/\.(cpp|h|cu|cuh)$/)])
process.exit(runTool('eslint', ['.', '--fix']))
