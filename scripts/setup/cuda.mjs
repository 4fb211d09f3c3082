// npm run build:cuda: libneurite_cuda beside the addon, in a build of its own, because nvcc may be one that CMake would
// not find. Where there is none, NVIDIA's packages for Python have it. NEURITE_CUDA_ARCHITECTURES: a shorter list.
import { chmodSync, existsSync, readdirSync, symlinkSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import { root, run, tryRun } from './run.mjs'
import { has } from './tools.mjs'

const folder = 'build/cuda'
const packages = [
  'nvidia-cuda-nvcc==13.0.88',
  'nvidia-cuda-crt==13.0.88',
  'nvidia-nvvm==13.0.88',
  'nvidia-cuda-runtime==13.0.96',
  'nvidia-cuda-cccl==13.0.85',
]

/** Builds the library for the given architectures (default: all) into a folder; returns the file. */
export function buildCuda(architectures = process.env.NEURITE_CUDA_ARCHITECTURES, output = 'build/Release') {
  const list = architectures ? `-DNEURITE_CUDA_ARCHITECTURES=${architectures}` : '-UNEURITE_CUDA_ARCHITECTURES'
  const settings = [`-DCMAKE_CUDA_COMPILER=${findNvcc()}`, `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${join(root, output)}`]
  run('cmake', ['-S', '.', '-B', folder, ...settings, list])
  run('cmake', ['--build', folder, '--target', 'neurite_cuda', '--parallel', String(availableParallelism())])
  return join(root, output, 'libneurite_cuda.so')
}

function findNvcc() {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/local/cuda/bin']
  const found = [process.env.CUDACXX, ...folders.map((path) => join(path, 'nvcc'))].find(has)
  return found ?? installNvcc()
}

// The packages lay out a toolkit, but for two links and the permissions.
function installNvcc() {
  const target = join(root, 'build', 'nvcc')
  const toolkit = join(target, 'nvidia', 'cu13')
  const nvcc = join(toolkit, 'bin', 'nvcc')
  if (has(nvcc)) return nvcc
  console.log(`neurite builds CUDA kernels and finds no nvcc: getting one with pip into ${target}`)
  const status = tryRun('python3', ['-m', 'pip', 'install', '--quiet', '--upgrade', '--target', target, ...packages])
  if (status !== 0) {
    console.error('pip could not get it. Install CUDA 13, or name its compiler in CUDACXX')
    process.exit(1)
  }
  for (const bin of [join(toolkit, 'bin'), join(toolkit, 'nvvm', 'bin')]) {
    for (const name of readdirSync(bin)) chmodSync(join(bin, name), 0o755)
  }
  link('lib', join(toolkit, 'lib64'))
  link('libcudart.so.13', join(toolkit, 'lib', 'libcudart.so'))
  return nvcc
}

function link(to, path) {
  if (!existsSync(path)) symlinkSync(to, path)
}
