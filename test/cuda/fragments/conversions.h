// What a thread does alone: conversions of cuda/numbers.h, bits, and the arithmetic that only device code has.
#pragma once
#include "numbers.h"
#include "run.h"

namespace fragments {

using namespace neurite::cuda;

// One word of each thread made of one word.
template <class Function>
struct Each {
  static constexpr int threads = 256;
  const uint32_t* in;
  uint32_t* out;
  __device__ void operator()() const {
    const auto i = blockIdx.x * threads + threadIdx.x;
    out[i] = Function()(in[i]);
  }
};

#define FRAGMENTS_FUNCTION(Name, expression)                                \
  struct Name {                                                             \
    __device__ uint32_t operator()(uint32_t x) const { return expression; } \
  };
#define FRAGMENTS_FLOAT(Name, expression)                 \
  struct Name {                                           \
    __device__ uint32_t operator()(uint32_t bits) const { \
      const float x = __uint_as_float(bits);              \
      return __float_as_uint(expression);                 \
    }                                                     \
  };
FRAGMENTS_FUNCTION(ToF16, to_f16(__uint_as_float(x)).bits)
FRAGMENTS_FUNCTION(ToBf16, to_bf16(__uint_as_float(x)).bits)
FRAGMENTS_FUNCTION(FromF16, __float_as_uint(to_float(nr_f16{static_cast<uint16_t>(x)})))
FRAGMENTS_FUNCTION(FromBf16, __float_as_uint(to_float(nr_bf16{static_cast<uint16_t>(x)})))
FRAGMENTS_FUNCTION(ToTf32, to_tf32(__uint_as_float(x)))
FRAGMENTS_FUNCTION(Popc, static_cast<uint32_t>(__popc(x) + 100 * __popcll(static_cast<uint64_t>(x) * x)))
FRAGMENTS_FUNCTION(Clz, static_cast<uint32_t>(__clz(static_cast<int>(x >> x % 32)) + 100 * __clzll(x)))
FRAGMENTS_FUNCTION(Ffs, static_cast<uint32_t>(__ffs(static_cast<int>(x << x % 32))))
FRAGMENTS_FUNCTION(Brev, __brev(x))
FRAGMENTS_FUNCTION(Umulhi, __umulhi(x, x * 2654435761u))
FRAGMENTS_FUNCTION(Umul64hi, static_cast<uint32_t>(__umul64hi(x * 0x9e3779b97f4a7c15ull, x * 0xd1b54a32d192ed03ull)))
FRAGMENTS_FLOAT(FastExp, __expf(x * 20))
FRAGMENTS_FLOAT(FastLog, __logf(fabsf(x) + 0.001f) + 8)
FRAGMENTS_FLOAT(FastDivide, __fdividef(1.5f, x))
FRAGMENTS_FLOAT(Reciprocal, __frcp_rn(x))
FRAGMENTS_FLOAT(SquareRoot, __fsqrt_rn(fabsf(x)))
FRAGMENTS_FLOAT(ReciprocalRoot, rsqrtf(fabsf(x) + 1e-6f))
#undef FRAGMENTS_FUNCTION
#undef FRAGMENTS_FLOAT

inline void try_conversions() {
  constexpr int blocks = 8;
  Random random(3);
  Words patterns = Random::many(256 * blocks, [&] { return random.word(); });
  const uint32_t special[] = {0,          0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f7fffff, 0x00000001,
                              0x477fe000, 0x477ff000, 0x477fefff, 0x33000000, 0x33000001, 0x38800000, 0x387fffff,
                              0x3f808000, 0x3f818000, 0x3f801000, 0x3f803000, 0x7f7f8000, 0x7f7fefff};
  std::copy(std::begin(special), std::end(special), patterns.begin());
  const Words numbers = Random::many(256 * blocks, [&] { return random.float32(); });
  // Half of them small enough for float16.
  for (size_t i = 1024; i < patterns.size(); i++) patterns[i] = numbers[i];
  try_out<Each<ToF16>>("to_f16", f16, blocks, patterns, 1);
  try_out<Each<ToBf16>>("to_bf16", bf16, blocks, patterns, 1);
  try_out<Each<FromF16>>("to_float<f16>", bits, blocks,
                         Random::many(256 * blocks,
                                      [&] {
                                        const uint32_t x = random.word() & 0xffff;
                                        return (x & 0x7c00) == 0x7c00 ? x & 0xfc00 : x;  // infinite, but no NaN
                                      }),
                         1);
  try_out<Each<FromBf16>>("to_float<bf16>", bits, blocks, patterns, 1);
  if (capability() >= 80) try_out<Each<ToTf32>>("to_tf32", tf32, blocks, patterns, 1);
  try_out<Each<Popc>>("popc", bits, blocks, patterns, 1);
  try_out<Each<Clz>>("clz", bits, blocks, patterns, 1);
  try_out<Each<Ffs>>("ffs", bits, blocks, patterns, 1);
  try_out<Each<Brev>>("brev", bits, blocks, patterns, 1);
  try_out<Each<Umulhi>>("umulhi", bits, blocks, patterns, 1);
  try_out<Each<Umul64hi>>("umul64hi", bits, blocks, patterns, 1);
  try_out<Each<FastExp>>("expf", approximate, blocks, numbers, 1);
  try_out<Each<FastLog>>("logf", approximate, blocks, numbers, 1);
  try_out<Each<FastDivide>>("fdividef", approximate, blocks, numbers, 1);
  try_out<Each<Reciprocal>>("frcp_rn", bits, blocks, numbers, 1);
  try_out<Each<SquareRoot>>("fsqrt_rn", bits, blocks, numbers, 1);
  try_out<Each<ReciprocalRoot>>("rsqrtf", approximate, blocks, numbers, 1);
}

}  // namespace fragments
