// A product on warpgroups of tiles that TMA brings: the wrappers of cuda/hopper.h, all of which it needs.
#pragma once
#include "hopper_product.h"
#include "run.h"

namespace fragments {

template <class T, bool turned, class Draw>
void try_product(const char* name, int32_t dtype, const Draw& pair) {
  using Product = HopperProduct<T, true, turned>;
  constexpr int M = 200, N = 264, K = 520;  // more than three tiles each way, and a rest
  Memory a(Random::many(M * K / 2, pair)), b(Random::many(N * K / 2, pair)), c(Words(M * N));
  Product product = {{}, {}, reinterpret_cast<float*>(c.data()), M, N, K};
  const bool are_mapped = turned ? make_tensor_map(product.a, a.data(), dtype, K, M, M * 2, Product::depth) &&
                                       make_tensor_map(product.b, b.data(), dtype, K, N, N * 2, Product::depth)
                                 : make_tensor_map(product.a, a.data(), dtype, M, K, K * 2, Product::rows) &&
                                       make_tensor_map(product.b, b.data(), dtype, N, K, K * 2, Product::columns);
  if (!are_mapped) stop(name, "the driver makes no tensor map");
  const dim3 grid((N + Product::columns - 1) / Product::columns, (M + Product::rows - 1) / Product::rows);
  launch(name, grid, product, Product::dynamic_shared);
  record(name, loose, c.take());
}

inline void try_warpgroups() {
  if (capability() != 90) return;
  Random random(4);
  const auto f16 = [&] { return random.f16_pair(); };
  const auto bf16 = [&] { return random.bf16_pair(); };
  try_product<nr_f16, false>("begin_product<f16>", nr_dtype_f16, f16);
  try_product<nr_bf16, false>("begin_product<bf16>", nr_dtype_bf16, bf16);
  try_product<nr_f16, true>("begin_product<f16> of turned operands", nr_dtype_f16, f16);
  try_product<nr_bf16, true>("begin_product<bf16> of turned operands", nr_dtype_bf16, bf16);
}

}  // namespace fragments
