// Products of a warp and the loads of their fragments, and asynchronous copies: the wrappers of cuda/matrix.h and
// cuda/async_copy.h. Every register of every lane is compared, so that a wrong place shows as a wrong number.
#pragma once
#include "async_copy.h"
#include "matrix.h"
#include "numbers.h"
#include "run.h"

namespace fragments {

using namespace neurite::cuda;

__device__ inline float float_of(uint32_t word) {
  return __uint_as_float(word);
}

enum class Operands { f16, bf16, tf32, rounded };

// A lane's a, b and c are the ten words that it finds in `in`.
template <Operands kind>
struct Products {
  static constexpr int threads = 32;
  const uint32_t* in;
  uint32_t* out;
  __device__ void operator()() const {
    const auto lane = blockIdx.x * 32 + threadIdx.x;
    uint32_t a[4], b[2];
    float c[4];
    for (int i = 0; i < 4; i++) a[i] = in[lane * 10 + i];
    for (int i = 0; i < 2; i++) b[i] = in[lane * 10 + 4 + i];
    for (int i = 0; i < 4; i++) c[i] = float_of(in[lane * 10 + 6 + i]);
    if constexpr (kind == Operands::rounded) {
      for (uint32_t& x : a) x = to_tf32(float_of(x));
      for (uint32_t& x : b) x = to_tf32(float_of(x));
    }
    if constexpr (kind == Operands::f16)
      multiply<nr_f16>(c, a, b);
    else if constexpr (kind == Operands::bf16)
      multiply<nr_bf16>(c, a, b);
    else
      multiply_tf32(c, a, b);
    for (int i = 0; i < 4; i++) out[lane * 4 + i] = __float_as_uint(c[i]);
  }
};

// Rows of eight elements at any multiple of 16 bytes, in no order.
template <bool transposed>
struct Loads {
  static constexpr int threads = 32;
  const uint32_t* in;
  uint32_t* out;
  __device__ void operator()() const {
    SIMT_SHARED(Row, rows, [64]);
    const auto lane = threadIdx.x, at = blockIdx.x * 32 + lane;
    for (int i = 0; i < 2; i++)
      for (int k = 0; k < 4; k++) rows[lane + 32 * i].word[k] = in[(at * 2 + i) * 4 + k];
    __syncwarp();
    uint32_t r[4];
    const auto* row = &rows[(lane * 37 + blockIdx.x * 11) % 64];
    if constexpr (transposed)
      load_matrices_transposed(r, row);
    else
      load_matrices(r, row);
    for (int i = 0; i < 4; i++) out[at * 4 + i] = r[i];
  }
  struct alignas(16) Row {
    uint32_t word[4];
  };
};

// Two groups of copies, of which the first is waited for alone; as many bytes are valid as the lane's number says.
template <int bytes>
struct Copies {
  static constexpr int threads = 64;
  const uint32_t* in;
  uint32_t* out;
  __device__ void operator()() const {
    struct alignas(16) Piece {
      uint32_t word[4];
    };
    SIMT_SHARED(Piece, first, [64]);
    SIMT_SHARED(Piece, second, [64]);
    const int thread = static_cast<int>(threadIdx.x), at = static_cast<int>(blockIdx.x) * 64 + thread;
    for (int k = 0; k < 4; k++) first[thread].word[k] = second[thread].word[k] = 7;
    __syncthreads();
    async_copy<bytes>(&first[thread], in + at * 8, thread % (bytes + 1));
    async_commit();
    async_copy<bytes>(&second[thread], in + at * 8 + 4);
    async_commit();
    async_wait<1>();
    __syncthreads();
    for (int k = 0; k < 4; k++) out[at * 8 + k] = first[63 - thread].word[k];
    async_wait<0>();
    __syncthreads();
    for (int k = 0; k < 4; k++) out[at * 8 + 4 + k] = second[63 - thread].word[k];
  }
};

// For each lane of `blocks` warps: four words of a, two of b and four of c.
template <class A, class B, class C>
Words operands(int blocks, const A& a, const B& b, const C& c) {
  Words in;
  for (int i = 0; i < 32 * blocks; i++) {
    for (int k = 0; k < 4; k++) in.push_back(a());
    for (int k = 0; k < 2; k++) in.push_back(b());
    for (int k = 0; k < 4; k++) in.push_back(c());
  }
  return in;
}

inline void try_tensor_cores() {
  constexpr int blocks = 24;
  Random random(1);
  const auto float32 = [&] { return random.float32(); };
  const auto f16 = [&] { return random.f16_pair(); };
  const auto bf16 = [&] { return random.bf16_pair(); };
  try_out<Products<Operands::f16>>("multiply<f16>", sums, blocks, operands(blocks, f16, f16, float32), 4);
  // Subnormal numbers count, 2^-24 up to 2^-15, times ones.
  const auto subnormal = [&] { return random.word() & 0x03ff03ff; };
  const Words small = operands(
      blocks, subnormal, [] { return 0x3c003c00u; }, [] { return 0u; });
  try_out<Products<Operands::f16>>("multiply<f16>-subnormal", approximate, blocks, small, 4);
  const Words words = Random::many(256 * blocks, [&] { return random.word(); });
  try_out<Loads<false>>("load_matrices", bits, blocks, words, 4);
  try_out<Loads<true>>("load_matrices_transposed", bits, blocks, words, 4);
  const Words pieces = Random::many(64 * 8 * blocks, [&] { return random.word(); });
  try_out<Copies<4>>("async_copy<4>", bits, blocks, pieces, 8);
  try_out<Copies<8>>("async_copy<8>", bits, blocks, pieces, 8);
  try_out<Copies<16>>("async_copy<16>", bits, blocks, pieces, 8);
  if (capability() < 80) return;
  const Words pairs = operands(blocks, bf16, bf16, float32);
  try_out<Products<Operands::bf16>>("multiply<bf16>", sums, blocks, pairs, 4);
  const Words numbers = operands(blocks, float32, float32, float32);
  try_out<Products<Operands::tf32>>("multiply_tf32", loose, blocks, numbers, 4);
  try_out<Products<Operands::rounded>>("multiply_tf32-rounded", sums, blocks, numbers, 4);
}

}  // namespace fragments
