// Only native/addon knows Node; only cuda/ knows CUDA; lib/ops never asks for the device's name.
import { projectFiles, read } from './files.mjs'

const rules = [
  {
    files: /^(native|cuda|test\/native)\/(?!addon\/).*\.(cpp|h|cu|cuh)$/,
    pattern: /#include\s*[<"](node_api|js_native_api|napi|node|v8|uv)\.h[>"]/,
    rule: "only native/addon includes Node's headers",
  },
  {
    files: /^(native|test\/native)\/.*\.(cpp|h)$/,
    pattern: /#include\s*[<"]cuda/,
    rule: 'only cuda/ includes CUDA headers',
  },
  {
    files: /^native\/(runtime|contract|cpu)\/.*\.(cpp|h)$/,
    pattern: /#include\s*[<"](\.\.\/)?addon\//,
    rule: 'nothing below the addon includes it',
  },
  {
    files: /^lib\/ops\/.*\.ts$/,
    pattern: /['"](cpu|cuda)['"]/,
    rule: 'lib/ops never branches on a device',
  },
]

export default function layers() {
  const problems = []
  for (const { files, pattern, rule } of rules) {
    for (const path of projectFiles(files)) {
      const line = read(path).split('\n').findIndex((text) => pattern.test(text))
      if (line !== -1) problems.push(`${path}:${line + 1}: ${rule}`)
    }
  }
  return { problems, notes: [] }
}
