// The programs that the package check runs in an empty project: each loads neurite in one way, computes something and
// prints it.
export const programs = {
  'import.mjs': {
    text: `import { tensor } from 'neurite'
console.log(await tensor([1, 2, 3]).add(1).array())
`,
    prints: /^\[ 2, 3, 4 \]$/,
  },
  'require.cjs': {
    text: `const { tensor } = require('neurite')
tensor([1, 2, 3]).add(1).array().then(console.log)
`,
    prints: /^\[ 2, 3, 4 \]$/,
  },
  'digits.mjs': {
    text: `import { datasets } from 'neurite'
const { train, test } = await datasets.digits()
console.log('digits', train.length + test.length)
`,
    prints: /^digits 1797$/,
  },
  'identity.mjs': {
    text: `import * as esm from 'neurite'
import { createRequire } from 'node:module'
const cjs = createRequire(import.meta.url)('neurite')
const names = Object.keys(cjs)
const different = [...new Set([...names, ...Object.keys(esm)])].filter((name) => cjs[name] !== esm[name])
console.log(different.length === 0 && names.length > 0 ? 'one identity' : different)
`,
    prints: /^one identity$/,
  },
  'worker.mjs': {
    text: `import { Worker } from 'node:worker_threads'
const work = () => new Promise((resolve, reject) => {
  const code = "import('neurite').then(async ({ tensor }) => console.log(await tensor([1, 2, 3]).add(1).array()))"
  new Worker(code, { eval: true }).on('exit', resolve).on('error', reject)
})
console.log('exit codes', (await Promise.all([work(), work()])).join(' '))
`,
    prints: /^\[ 2, 3, 4 \]\n\[ 2, 3, 4 \]\nexit codes 0 0$/,
  },
}
