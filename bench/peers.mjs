// How each peer is found. A peer is a process that answers requests as serve.mjs describes; `find` gives its command,
// or null where this machine lacks what it needs. Programs in C++ are built on demand into build/bench.
import { spawnSync } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const folder = join(here, '..', 'build', 'bench')

const changed = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** A C++ peer that needs `header`; null without a compiler or the header. */
function program(source, header, libraries) {
  const compiler = process.env.CXX ?? 'g++'
  const input = `#include <${header}>\n`
  const probe = spawnSync(compiler, ['-E', '-x', 'c++', '-'], { input, stdio: ['pipe', 'ignore', 'ignore'] })
  if (probe.status !== 0) return null
  const path = join(here, 'peers', source)
  const binary = join(folder, source.replace(/\W/g, '_'))
  if (changed(binary) < Math.max(changed(path), changed(join(here, 'peers', 'serve.h')))) {
    mkdirSync(folder, { recursive: true })
    const flags = ['-O3', '-march=native', '-std=c++20', '-pthread', path, '-o', binary, ...libraries]
    const { status } = spawnSync(compiler, flags, { stdio: ['ignore', 'inherit', 'inherit'] })
    if (status !== 0) throw new Error(`bench: ${path} does not compile`)
  }
  return [binary, []]
}

/** A peer that is an npm package, looked for in the folder NEURITE_BENCH_PEERS. */
function fromNpm(script, name) {
  const modules = resolve(process.env.NEURITE_BENCH_PEERS ?? '.')
  try {
    createRequire(join(modules, 'package.json')).resolve(name)
  } catch {
    return null
  }
  return [process.execPath, [join(here, 'peers', script), modules]]
}

function python() {
  const program = process.env.PYTHON ?? 'python3'
  const hasTorch = spawnSync(program, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0
  return hasTorch ? [program, [join(here, 'peers', 'pytorch', 'peer.py')]] : null
}

export const peers = {
  hardware: {
    find: () => program('peak.cpp', 'immintrin.h', []),
    hint: 'no C++ compiler for x86-64; there will be no % of the peak',
  },
  torch: { find: python, hint: 'python3 cannot import torch' },
  onednn: { find: () => program('onednn.cpp', 'dnnl.hpp', ['-ldnnl']), hint: 'no dnnl.hpp (Debian: libdnnl-dev)' },
  openblas: {
    find: () => program('openblas.cpp', 'cblas-openblas.h', ['-lopenblas']),
    hint: 'no cblas-openblas.h (Debian: libopenblas-dev)',
  },
  ort: {
    find: () => fromNpm('onnxruntime/peer.mjs', 'onnxruntime-node'),
    hint: 'no onnxruntime-node in the folder NEURITE_BENCH_PEERS',
  },
  tfjs: {
    find: () => fromNpm('tfjs.mjs', '@tensorflow/tfjs-backend-wasm'),
    hint: 'no @tensorflow/tfjs-backend-wasm in the folder NEURITE_BENCH_PEERS',
  },
}
