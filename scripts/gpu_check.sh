#!/usr/bin/env bash
# Everything that only a real NVIDIA GPU can show, in one run of at most nine minutes:
#
#   scripts/gpu_check.sh [results.jsonl]
#
# machine    what the chip, the driver and the tools are
# build      the CUDA library for this chip alone, the addon, the native tests
# fragments  every wrapper around an instruction against the emulator, with random operands
# native     the CUDA suite through the C++ driver, which needs no Node
# node       the CUDA suite through Node
# sanitizer  a part of the native suite under compute-sanitizer
# ops, steps times beside PyTorch, and % of what this run measured as the chip's ceilings
#
# Each stage has a limit, so that one that hangs leaves time for the others; the last lines say how each one ended.
# The file gets a JSON line per stage and per measurement. Variables: NODE, the Node to use (default: node);
# NEURITE_GPU_CHECK=emulated, the same on emulated devices; STAGES, a list of some stages; BUILD, the folder to build
# in.
set -uo pipefail
self=$(realpath "$0")
cd "$(dirname "$self")/.."

[ "${1:-}" = --stage ] || results=${1:-build/gpu_check.jsonl}
node=${NODE:-node}
stages=${STAGES:-machine build fragments native node sanitizer ops steps}
jobs=$(nproc)
if [ "${NEURITE_GPU_CHECK:-}" = emulated ]; then
  device=cuda-emulated label=cuda library=neurite_cuda_emulated fragments=fragments_emulated
  build=${BUILD:-build/gpu-emulated}
else
  device=cuda label=gpu library=neurite_cuda fragments=fragments_cuda
  build=${BUILD:-build/gpu}
fi
build=$(realpath -m "$build")
logs=$build/gpu_check addon=$build/build/Release/neurite.node
budget=540 patience=1
[ $device = cuda ] || budget=5400 patience=5  # an emulated device has no time to lose
has() { command -v "$1" > /dev/null 2>&1; }
say() { printf '%s\n' "$@"; }
# Ends a stage that cannot run here: it is neither passed nor failed.
skip() { say "skipped: $*"; exit 77; }

json_string() { printf '%s' "$1" | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g'; }

# stage NAME SECONDS: this script with --stage NAME, in a process group of its own, in what is left of the time.
stage() {
  local name=$1 limit=$(($2 * patience)) started=$SECONDS left=$((budget - SECONDS)) status state last
  [[ " $stages " == *" $name "* ]] || return 0
  [ "$limit" -le "$left" ] || limit=$left
  say "" "== $name (at most $limit s)"
  if [ "$limit" -le 0 ]; then
    state='no time left' status=124
  else
    timeout --kill-after=5 "$limit" "$self" --stage "$name" > "$logs/$name.log" 2>&1
    status=$?
    tail -n 80 "$logs/$name.log"
    case $status in
      0) state=passed ;;
      77) state=skipped ;;
      124 | 137) state='reached its limit' ;;
      *) state=failed ;;
    esac
  fi
  [[ $state == passed || $state == skipped ]] || failed=$((failed + 1))
  last=$(tail -n 1 "$logs/$name.log" 2> /dev/null)
  table+=("$(printf '%-10s %4d s  %-18s %s' "$name" $((SECONDS - started)) "$state" "$last")")
  printf '{"stage":"%s","state":"%s","seconds":%d,"last":"%s"}\n' "$name" "$state" $((SECONDS - started)) \
    "$(json_string "$last")" >> "$results"
  [ ! -e "$logs/$name.jsonl" ] || cat "$logs/$name.jsonl" >> "$results"
}

stage_machine() {
  if [ $device = cuda ]; then
    has nvidia-smi || { say "no nvidia-smi: is there a GPU and its driver?"; exit 1; }
    nvidia-smi --query-gpu=name,compute_cap,driver_version,memory.total,clocks.max.sm --format=csv,noheader
  else
    say "emulated devices"
  fi
  say "nvcc: $(nvcc_path || say none)"
  say "node: $(has "$node" && "$node" --version || say none)"
  say "$(uname -m), $(nproc) processors, $(${CXX:-g++} --version | head -n 1), $(cmake --version | head -n 1)"
  python3 -c 'import torch; print("PyTorch", torch.__version__, "CUDA", torch.version.cuda)' 2> /dev/null ||
    say "no PyTorch"
}

nvcc_path() {
  local found
  for found in "${CUDACXX:-}" "$(command -v nvcc)" /usr/local/cuda/bin/nvcc; do
    [ -x "$found" ] && say "$found" && return
  done
  return 1
}

# Two instruction sets are enough for the CPU's part.
stage_build() {
  local settings=("-DNEURITE_TESTS=ON" "-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=$build/build/Release")
  local targets=("$library" device_tests fragments_emulated compare_fragments) cap
  if [ $device = cuda ]; then
    nvcc_path > /dev/null || { say "no nvcc in CUDACXX, PATH or /usr/local/cuda"; exit 1; }
    cap=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d '. ')
    [ -n "$cap" ] || { say "nvidia-smi tells no compute capability"; exit 1; }
    [ "$cap" = 90 ] && cap=90a
    settings+=("-DCMAKE_CUDA_COMPILER=$(nvcc_path)" "-DNEURITE_CUDA_ARCHITECTURES=$cap-real")
    settings+=("-DNEURITE_ISAS=scalar;avx2" "-DNEURITE_CUDA_EMULATOR=ON")
    targets+=(fragments_cuda)
  else
    targets+=(cuda_emulator_test)
  fi
  if has "$node"; then
    settings+=("-DNODE_EXECUTABLE=$(command -v "$node")")
    [ -d node_modules ] && targets+=(neurite)
  fi
  cmake -S . -B "$build" "${settings[@]}" > "$logs/configure.log" || { cat "$logs/configure.log"; exit 1; }
  cmake --build "$build" --parallel "$jobs" --target "${targets[@]}" -- -k 2>&1 |
    grep -Ev '^\[ *[0-9]+%\] (Building|Built)'
  [ "${PIPESTATUS[0]}" = 0 ] || exit 1
  if has "$node" && [ ! -e dist/esm/index.mjs ] && [ -d node_modules/typescript ]; then
    "$node" scripts/build.mjs ts || exit 1
  fi
  say "built $(ls "$build/build/Release" | tr '\n' ' ')"
}

stage_fragments() {
  [ -x "$build/$fragments" ] || skip "$fragments was not built"
  "$build/fragments_emulated" > "$logs/emulated.txt" || exit 1
  "$build/$fragments" > "$logs/measured.txt" || exit 1
  "$build/compare_fragments" "$logs/emulated.txt" "$logs/measured.txt"
}

stage_native() {
  ctest --test-dir "$build" --no-tests=error -L "^$label\$" --timeout 85 --output-on-failure \
    --parallel "$((jobs < 8 ? jobs : 8))"
  local status=$?
  grep -E '^[0-9]+% tests passed' "$logs/native.log" | tail -n 1
  return $status
}

stage_node() {
  has "$node" || skip "no Node; name one in NODE"
  [ -e "$addon" ] || skip "no addon was built"
  [ -d node_modules/jest ] || skip "no jest: npm ci"
  local tests=(test/ops)
  [ $device = cuda ] || tests=(test/ops/softmax.test.ts)
  NEURITE_TEST_DEVICE=$device NEURITE_PREBUILD=$build "$node" node_modules/jest/bin/jest.js \
    --maxWorkers "$((jobs < 8 ? jobs : 8))" "${tests[@]}" 2>&1
  local status=$?
  grep -E '^Tests:' "$logs/node.log" | tail -n 1
  return $status
}

# Small sizes, one kernel family after the other, as many as there is time for.
stage_sanitizer() {
  [ $device = cuda ] || skip "of the emulator there are other builds: npm run test:cuda -- asan, and -- race"
  has compute-sanitizer || skip "no compute-sanitizer"
  export NEURITE_TEST_SMALL=1 NEURITE_TEST_LIBRARY=$build/build/Release/libneurite_cuda.so
  local errors=0 runs=0 stopped=0 run tool name
  for run in memcheck:softmax memcheck:row_norm racecheck:softmax memcheck:matmul_fuzz racecheck:row_norm \
    memcheck:conv_fuzz racecheck:sort memcheck:recurrent memcheck:attention memcheck:index racecheck:reduce; do
    tool=${run%%:*} name=${run##*:}_test runs=$((runs + 1))
    timeout 20 compute-sanitizer --tool "$tool" --error-exitcode 99 "$build/$name" > "$logs/$tool-$name.log" 2>&1
    case $? in
      124) stopped=$((stopped + 1)) ;;
      99) errors=$((errors + 1)) && grep -m 20 -E '^=====' "$logs/$tool-$name.log" ;;
    esac
    grep -qE '^========= (Error|Invalid|Race)' "$logs/$tool-$name.log" && say "$tool $name: see its log"
    say "$runs runs under compute-sanitizer, $errors with errors, $stopped stopped after 20 s"
  done
  [ $errors = 0 ]
}

bench() {
  has "$node" || skip "no Node; name one in NODE"
  [ -e "$addon" ] || skip "no addon was built"
  [ -e dist/esm/index.mjs ] || skip "no dist: npm run build:ts"
  local quick=(--seconds 0.15 --rounds 2) peers=()
  [ $device = cuda ] || quick=(--seconds 0.01 --rounds 1)
  python3 -c 'import torch' 2> /dev/null && peers=(--peer torch) || say "no PyTorch: no peer to compare with"
  NEURITE_PREBUILD=$build "$node" bench/run.mjs --device $device --json "$logs/$1.jsonl" --filter "$2" \
    "${quick[@]}" "${peers[@]}" > "$logs/$1-all.log" 2>&1
  local status=$?
  grep -Ev '^\{' "$logs/$1-all.log"
  local ours missing
  ours=$(grep -c '"peer":"neurite"' "$logs/$1.jsonl")
  missing=$(grep -c '^bench: neurite has no' "$logs/$1-all.log")
  say "$(wc -l < "$logs/$1.jsonl") measurements, $ours of neurite, $missing rows missing"
  [ $status = 0 ] && [ "$ours" != 0 ] && [ "$missing" = 0 ]
}
stage_ops() { bench ops '^(?!train)'; }
stage_steps() { bench steps '^train'; }

if [ "${1:-}" = --stage ]; then
  "stage_$2"
  exit
fi
rm -rf "$logs"
mkdir -p "$logs" "$(dirname "$results")"
: > "$results"
table=()
failed=0
stage machine 30
stage build 220
stage fragments 20
stage native 90
stage node 90
stage sanitizer 60
stage ops 120
stage steps 120

say "" "${table[@]}" "" "$SECONDS s; $(wc -l < "$results") lines in $results; $failed stages failed"
[ $failed = 0 ]
