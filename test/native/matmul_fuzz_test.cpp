// Random matrix products of every kind, the same in every run: shapes, batches, layouts, dtypes, what comes after the
// product, packed weights, and several numbers of threads.
#include "product.h"

using namespace harness;

namespace {

class Draw {
 public:
  explicit Draw(uint32_t seed) : rng_(seed) {}

  int64_t below(int64_t n) { return static_cast<int64_t>(rng_() % static_cast<uint64_t>(n)); }
  bool once_in(int64_t n) { return below(n) == 0; }
  // Small sizes are as likely as large ones; those around the sizes of tiles are more so.
  int64_t size(int64_t most) {
    if (once_in(4)) return std::min(most, (1 + below(5)) * (8 << below(3)) - 1 + below(3));
    return std::min(most, static_cast<int64_t>(std::exp2(below(1000) / 1000.0 * std::log2(double(most) + 1))));
  }

 private:
  std::mt19937 rng_;
};

Product draw_product(Draw& d) {
  Product c = {};
  c.M = d.size(200);
  c.N = d.size(std::min<int64_t>(600, 60000 / c.M));
  c.K = d.size(std::min<int64_t>(700, 200000 / (c.M * c.N) + 1));
  if (d.once_in(50)) (d.once_in(2) ? c.K : d.once_in(2) ? c.M : c.N) = 0;
  if (d.once_in(3)) {
    c.batch_a = {1 + d.below(3)};
    c.batch_b = d.once_in(2) ? c.batch_a : std::vector<int64_t>{};
    if (d.once_in(4)) c.batch_b = {1 + d.below(2), 1};
  }
  c.transpose_a = d.once_in(3);
  c.transpose_b = d.once_in(2);
  c.with_bias = d.once_in(2);
  c.gap = d.once_in(5) ? (d.once_in(2) ? 2 : -1) : 1;
  return c;
}

}  // namespace

int main() {
  const int32_t dtypes[] = {nr_dtype_f32, nr_dtype_f32, nr_dtype_f32,  nr_dtype_f64,
                            nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16, nr_dtype_i32};
  each_isa([&](const nr_backend& backend) {
    Draw d(20260721);
    for (int64_t i = 0; i < fewer(1500); i++) {
      Product c = draw_product(d);
      const int32_t dtype = dtypes[d.below(8)];
      if (is_floating(dtype)) {
        c.with_residual = d.once_in(3);
        if (d.once_in(3)) c.activation = d.below(nr_activation_count);
      }
      check(backend, dtype, c);
    }
  });
  return report();
}
