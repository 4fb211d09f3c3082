// The emulator's own test: kernels that are right give the right result in every order of threads, and planted bugs are
// found. Built three times: plain, with AddressSanitizer, and for the race check (SIMT_RACE).
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "async_copy.h"
#include "dispatch.h"
#include "hopper_product.h"
#include "matrix.h"
#include "planted.h"

using namespace neurite::cuda;

namespace {

int checks = 0, failures = 0;

void check(bool ok, const std::string& what) {
  checks++;
  if (ok) return;
  failures++;
  std::printf("FAILED: %s\n", what.c_str());
}

template <class K>
std::string run(const K& kernel, dim3 grid, dim3 block, size_t dynamic_shared = 0) {
  return simt::launch(
      grid, block, dynamic_shared, [](const void* k) { (*static_cast<const K*>(k))(); }, &kernel);
}

template <class K>
void expect_clean(const char* what, const K& kernel, dim3 grid, dim3 block, size_t dynamic_shared = 0) {
  const std::string problem = run(kernel, grid, block, dynamic_shared);
  check(problem.empty(), std::string(what) + ": " + problem);
}

template <class K>
void expect_problem(const char* what, const char* words, const K& kernel, dim3 grid, dim3 block) {
  const std::string problem = run(kernel, grid, block);
  check(problem.find(words) != std::string::npos,
        std::string(what) + ": expected '" + words + "', got '" + problem + "'");
}

std::vector<float> counted(int n) {
  std::vector<float> x(n);
  for (int i = 0; i < n; i++) x[i] = static_cast<float>(i % 17 - 8);
  return x;
}

void test_reduction() {
  const auto x = counted(1000);
  float sum = 0;
  for (float v : x) sum += v;
  std::vector<float> y(3, -1);
  expect_clean("sum by shuffles and shared memory", planted::BlockSum{x.data(), y.data(), 1000, true}, 3, 256);
  for (float v : y) check(v == sum, "sum by shuffles and shared memory");
}

void test_transpose() {
  const auto x = counted(32 * 32);
  std::vector<float> y(32 * 32);
  expect_clean("transpose through shared memory", planted::Transpose{x.data(), y.data()}, 1, dim3(32, 8));
  for (int i = 0; i < 32; i++)
    for (int j = 0; j < 32; j++) check(y[j * 32 + i] == x[i * 32 + j], "transpose through shared memory");
}

void test_votes_and_atomics() {
  std::vector<int> y(4, 0);
  expect_clean("votes, atomics, barriers that count", planted::Votes{y.data()}, 5, 96);
  check(y[0] == 5 * 96, "atomicAdd of every thread of every block");
  check(y[1] == 0x00ff00ff, "ballot");
  check(y[2] == 95, "atomicMax");
  check(y[3] == 48, "__syncthreads_count");
}

void test_async_copy() {
  const auto x = counted(256);
  std::vector<float> y(256, -1);
  expect_clean("pipelined copies", planted::Pipeline{x.data(), y.data(), true}, 1, 32);
  for (int i = 0; i < 256; i++) check(y[i] == (i < 250 ? x[i] : 0), "pipelined copies, the last ones zero");
}

void test_named_barriers() {
  std::vector<float> y(64, -1);
  expect_clean("a producer's and a consumer's warps", planted::Handover{y.data()}, 1, 64);
  for (int i = 0; i < 32; i++) check(y[i] == static_cast<float>(2 * i), "a producer's and a consumer's warps");
}

// Products of a warp against the plain sum, operands loaded by ldmatrix as every kernel does.
template <class T>
void test_products(const char* what) {
  std::vector<T> a(16 * 16), b(16 * 8);
  std::vector<float> c(16 * 8, -1);
  for (size_t i = 0; i < a.size(); i++) a[i] = convert<T>(static_cast<float>(static_cast<int>(i * 7 % 13) - 6));
  for (size_t i = 0; i < b.size(); i++) b[i] = convert<T>(static_cast<float>(static_cast<int>(i * 5 % 11) - 5) / 4);
  expect_clean(what, planted::Product<T>{a.data(), b.data(), c.data()}, 1, 32);
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 8; j++) {
      float sum = 0;
      for (int k = 0; k < 16; k++) sum += computed(a[i * 16 + k]) * computed(b[k * 8 + j]);
      check(c[i * 8 + j] == sum, what);
    }
}

void test_tf32() {
  const auto a = counted(16 * 8), b = counted(8 * 8);
  std::vector<float> c(16 * 8, -1);
  expect_clean("product of tf32", planted::ProductTf32{a.data(), b.data(), c.data()}, 1, 32);
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 8; j++) {
      float sum = 0;
      for (int k = 0; k < 8; k++) sum += a[i * 8 + k] * b[k * 8 + j];
      check(c[i * 8 + j] == sum, "product of tf32");
    }
}

// A pipeline of tiles that TMA brings and a warpgroup multiplies; the last tiles reach beyond the matrices.
template <class T, bool waits>
void test_hopper(const char* what) {
  using Product = fragments::HopperProduct<T, waits>;
  constexpr int M = 100, N = 136, K = 264;
  std::vector<T> a(M * K), b(N * K);
  for (size_t i = 0; i < a.size(); i++) a[i] = convert<T>(static_cast<float>(i * 7 % 13) - 6);
  for (size_t i = 0; i < b.size(); i++) b[i] = convert<T>(static_cast<float>(i * 5 % 11) / 4 - 1);
  std::vector<float> c(M * N, -1);
  Product product = {{}, {}, c.data(), M, N, K};
  check(make_tensor_map(product.a, a.data(), dtype_of<T>, M, K, K * 2, Product::rows), "a tensor map");
  check(make_tensor_map(product.b, b.data(), dtype_of<T>, N, K, K * 2, Product::columns), "a tensor map");
  const std::string problem = run(product, dim3(2, 2), Product::threads, Product::dynamic_shared);
  int wrong = 0;
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) {
      float sum = 0;
      for (int k = 0; k < K; k++) sum += computed(a[m * K + k]) * computed(b[n * K + k]);
      wrong += c[m * N + n] != sum;
    }
  if (waits)
    check(problem.empty() && wrong == 0, std::string(what) + ": " + problem);
  else
    check(!problem.empty() || wrong > 0, std::string(what) + ": a missing wait is found");
}

void test_sixteen_bits() {
  check(to_f16(65520).bits == 0x7c00 && to_f16(65519).bits == 0x7bff, "f16 rounds to infinity from 65520 on");
  check(to_f16(0x1p-24f).bits == 1 && to_f16(0x1p-25f).bits == 0, "f16 has subnormals, ties to even");
  check(to_bf16(1 + 0x1p-8f).bits == 0x3f80 && to_bf16(1 + 0x1.8p-7f).bits == 0x3f82, "bf16 rounds ties to even");
  check(std::isnan(to_float(to_bf16(NAN))) && std::isnan(to_float(to_f16(NAN))), "NaN stays NaN");
  check(to_tf32(1 + 0x1p-11f) == __float_as_uint(1 + 0x1p-10f), "tf32 rounds ties away from zero");
}

void test_deadlocks() {
  expect_problem("half a warp at a barrier", "a barrier at", planted::HalfBarrier{}, 1, 32);
  expect_problem("lanes at two barriers", "diverge", planted::TwoBarriers{}, 1, 32);
  expect_problem("a lane that has ended in a full mask", "have ended", planted::EndedLane{}, 1, 32);
  expect_problem("a lane outside its mask", "not in its own mask", planted::OutsideMask{}, 1, 32);
  expect_problem("different exchanges", "diverge", planted::TwoExchanges{}, 1, 32);
  expect_problem("a shuffle from a lane outside", "does not take part", planted::WrongSource{}, 1, 32);
}

void test_limits() {
  expect_problem("too many threads", "2048 threads", planted::HalfBarrier{}, 1, 2048);
  expect_problem("too much shared memory", "shared memory", planted::TooMuch{}, 1, 32);
  expect_problem("ldmatrix of unaligned rows", "ldmatrix", planted::Unaligned{}, 1, 32);
  check(!run(planted::HalfBarrier{}, 1, 32, 300 << 10).empty(), "too much dynamic shared memory");
}

void test_missing_wait() {
  const auto x = counted(256);
  std::vector<float> y(256, -1);
  const std::string problem = run(planted::Pipeline{x.data(), y.data(), false}, 1, 32);
  check(!problem.empty() || std::isnan(y[0]), "a missing wait shows as NaN or as a race");
}

void test_races() {
#if defined(SIMT_RACE)
  const auto x = counted(1000);
  std::vector<float> y(64, 0);
  expect_problem("a missing barrier", "race", planted::Exchange{y.data(), false}, 1, 64);
  expect_clean("a barrier", planted::Exchange{y.data(), true}, 1, 64);
  expect_problem("memory written while others read it", "race", planted::Overwrite{y.data(), false}, 1, 64);
  expect_clean("memory written when all have read it", planted::Overwrite{y.data(), true}, 1, 64);
  expect_problem("a missing barrier before reading", "nobody has written",
                 planted::BlockSum{x.data(), y.data(), 1000, false}, 1, 256);
  expect_problem("two blocks that write one address", "race", planted::SameAddress{y.data()}, 2, 32);
#endif
}

void test_out_of_bounds() {
#if defined(__SANITIZE_ADDRESS__)
  const auto overrun = [](const auto& kernel) {
    return planted::dies_of("AddressSanitizer", [&] { run(kernel, 1, 32); });
  };
  std::vector<float> y(31);
  check(overrun(planted::Beyond{y.data()}), "a write beyond device memory");
  check(overrun(planted::BeyondShared{}), "a write beyond shared memory");
#endif
}

}  // namespace

int main() {
  test_reduction();
  test_transpose();
  test_votes_and_atomics();
  test_async_copy();
  test_named_barriers();
  test_products<nr_f16>("product of f16");
  test_products<nr_bf16>("product of bf16");
  test_tf32();
  test_hopper<nr_f16, true>("tiles and warpgroups of f16");
  test_hopper<nr_bf16, true>("tiles and warpgroups of bf16");
  test_hopper<nr_bf16, false>("tiles and warpgroups");
  test_sixteen_bits();
  test_deadlocks();
  test_limits();
  test_missing_wait();
  test_races();
  test_out_of_bounds();
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures != 0;
}
