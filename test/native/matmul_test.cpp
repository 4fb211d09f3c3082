// matmul against a float64 triple loop: every dtype, transposition, layout and path (thin, in place, packed, cut along
// K, integer), sizes at the edges of tiles and blocks, broadcast batches, residuals and activations, and bit-equal
// results for any number of threads.
#include "product.h"

using namespace harness;

namespace {

void check_infinities(const nr_backend& backend) {
  Context ctx;
  for (int64_t M : {2, 20}) {
    Array a({M, 3}), b({3, 40}), y({M, 40});
    for (int64_t i = 0; i < a.numel; i++) a.as<float>()[i] = 1;
    for (int64_t i = 0; i < b.numel; i++) b.as<float>()[i] = 1;
    b.as<float>()[39] = INFINITY;
    a.as<float>()[0] = NAN;
    const nr_optional absent = none();
    nr_optional keep = none();
    backend.matmul(&ctx, a, b, &absent, &absent, y, &keep, false, false, nr_activation_none);
    CHECK(std::isnan(y.as<float>()[0]) && std::isnan(y.as<float>()[39]), "NaN spreads along its row");
    CHECK(y.as<float>()[40] == 3 && y.as<float>()[79] == INFINITY, "and no further");
  }
}

}  // namespace

int main() {
  const std::vector<int32_t> dtypes = {nr_dtype_f32,  nr_dtype_f64, nr_dtype_f16,
                                       nr_dtype_bf16, nr_dtype_i32, nr_dtype_i64};
  each_isa([&](const nr_backend& backend) {
    for (int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16})
      for (int64_t activation = 0; activation < nr_activation_count; activation++) {
        check(backend, dtype, {{}, {}, 37, 45, 29, false, true, true, 1, true, activation});
        check(backend, dtype, {{3}, {3}, 7, 9, 11, false, false, false, 1, false, activation});
        check(backend, dtype, {{3}, {}, 2, 67, 43, false, true, true, 1, true, activation});
        check(backend, dtype, {{2}, {2}, 3, 67, 43, false, false, true, 1, true, activation});
        check(backend, dtype, {{}, {}, 50, 1, 33, false, false, true, 1, true, activation});
      }
    for (int32_t dtype : dtypes) {
      for (bool ta : {false, true})
        for (bool tb : {false, true}) {
          check(backend, dtype, {{}, {}, 37, 45, 29, ta, tb, true});
          check(backend, dtype, {{}, {}, 33, 70, 300, ta, tb, false});
          check(backend, dtype, {{3}, {3}, 7, 9, 11, ta, tb, false});
          check(backend, dtype, {{}, {}, 17, 35, 19, ta, tb, true, 2});
          check(backend, dtype, {{}, {}, 17, 35, 19, ta, tb, true, -1});
          for (int64_t M = 1; M <= 5; M++) check(backend, dtype, {{}, {}, M, 67, 43, ta, tb, M % 2 == 0});
          check(backend, dtype, {{}, {}, 50, 1, 33, ta, tb, true});
          check(backend, dtype, {{2}, {2}, 3, 2, 21, ta, tb, true});
        }
      check(backend, dtype, {{2, 1}, {3}, 6, 8, 10, false, false, true});
      check(backend, dtype, {{3, 2}, {1, 1}, 6, 8, 10, false, false, false});
      check(backend, dtype, {{2, 3}, {}, 1, 20, 10, false, true, true});
      check(backend, dtype, {{}, {4}, 9, 20, 10, true, false, false});
      for (int64_t zero = 0; zero < 3; zero++)
        check(backend, dtype, {{}, {}, zero == 0 ? 0 : 5, zero == 1 ? 0 : 7, zero == 2 ? 0 : 6, false, false, true});
      check(backend, dtype, {{0}, {0}, 5, 6, 7, false, false, false});
      check(backend, dtype, {{}, {}, 2, 7, 0, false, true, false});
    }
    for (int32_t dtype :
         {nr_dtype_f32, nr_dtype_f16, nr_dtype_bf16})  // tiles of devices: large, small, flat, cut along K
      for (bool ta : {false, true})
        for (bool tb : {false, true}) {
          check(backend, dtype, {{}, {}, 136, 264, 72, ta, tb, true, 1, true, nr_activation_gelu});
          check(backend, dtype, {{}, {}, 130, 258, 36, ta, tb, false});
          check(backend, dtype, {{2}, {}, 72, 80, 1048, ta, tb, true, 1, true, nr_activation_silu});
          check(backend, dtype, {{}, {}, 9, 136, 1040, ta, tb, true});
          check(backend, dtype, {{}, {}, 200, 12, 520, ta, tb, true, 1, true, nr_activation_relu});
          check(backend, dtype, {{5}, {5}, 9, 24, 40, ta, tb, true});
          if (dtype == nr_dtype_bf16)  // more tiles along K than are on their way at a time
            check(backend, dtype, {{}, {}, 136, 264, 520, ta, tb, true, 1, true, nr_activation_silu});
        }
    check(backend, nr_dtype_f16, {{}, {}, 264, 704, 328, false, true, true});  // the largest tiles
    for (int64_t M : {1, 13, 14, 15, 16, 28, 29})
      for (int64_t N : {1, 8, 15, 16, 17, 31, 32, 33, 48}) check(backend, nr_dtype_f32, {{}, {}, M, N, 5});
    check(backend, nr_dtype_f32, {{}, {}, 343, 530, 515, false, true, true});
    check(backend, nr_dtype_f64, {{}, {}, 343, 270, 259, true, false, true});
    check(backend, nr_dtype_bf16, {{}, {}, 130, 140, 515, false, false, true});
    check(backend, nr_dtype_f32, {{2}, {2}, 230, 240, 270, false, false, false});
    check(backend, nr_dtype_f32, {{}, {}, 1, 2500, 70, false, false, true});
    check(backend, nr_dtype_f32, {{}, {}, 3, 700, 1900, false, true, true});
    check(backend, nr_dtype_f32, {{}, {}, 6, 2050, 2060, false, false, true});    // streamed: b is in no cache
    check(backend, nr_dtype_f32, {{}, {}, 33, 4096, 70, false, false, true});     // rows of b crowd a cache
    check(backend, nr_dtype_f64, {{}, {}, 17, 2048, 140, false, false, false});   // the same
    check(backend, nr_dtype_f32, {{}, {}, 31, 41, 1024, false, false, true});     // rows of a do
    check(backend, nr_dtype_f32, {{}, {}, 350, 1024, 530, false, false, false});  // packed
    check(backend, nr_dtype_f32, {{}, {}, 350, 65, 530, true, false, false});     // a by columns, in place
    for (int32_t dtype : {nr_dtype_f32, nr_dtype_f64})  // K is cut: streamed rows, a column, dots, blocks
      for (bool with_residual : {false, true}) {
        const int64_t activation = with_residual ? nr_activation_gelu : nr_activation_none;
        check(backend, dtype, {{}, {}, 1, 2050, 600, false, false, true, 1, with_residual, activation});
        check(backend, dtype, {{2}, {2}, 2, 1100, 530, true, false, true, 1, with_residual, activation});
        check(backend, dtype, {{}, {}, 2050, 1, 600, true, false, true, 1, with_residual, activation});
        check(backend, dtype, {{2}, {}, 3, 7, 8200, false, true, true, 1, with_residual, activation});
        check(backend, dtype, {{}, {}, 5, 9, 8300, false, false, true, 1, with_residual, activation});
        check(backend, dtype, {{}, {}, 15, 18, 8192, true, false, false, 1, with_residual, activation});
        check(backend, dtype, {{}, {2}, 15, 18, 8195, false, true, false, 2, with_residual, activation});
      }
    check_infinities(backend);
  });
  return report();
}
