// The contracts of matmul, conv and the pools: a good call passes, and each single thing wrong with it is refused,
// sizes that would overflow included.
#include "contract/contract.h"
#include "harness.h"

using namespace harness;
namespace contract = neurite::contract;

namespace {

// A description without memory: contracts look at shapes only.
nr_tensor view(std::vector<int64_t> shape, int32_t dtype = nr_dtype_f32) {
  nr_tensor t = {};
  t.dtype = dtype;
  t.ndim = static_cast<int32_t>(shape.size());
  int64_t stride = 1;
  for (int d = t.ndim - 1; d >= 0; d--) {
    t.shape[d] = shape[d];
    t.stride[d] = stride;
    stride *= std::max<int64_t>(1, std::min<int64_t>(shape[d], 1 << 20));
  }
  return t;
}

nr_ints ints(const std::vector<int64_t>& v) {
  nr_ints out = {static_cast<int64_t>(v.size()), {}};
  std::copy(v.begin(), v.end(), out.at);
  return out;
}

nr_tensor backwards(nr_tensor t) {
  t.stride[t.ndim - 1] = -1;
  return t;
}

void check_matmul() {
  const auto verdict = [](nr_tensor a, nr_tensor b, nr_tensor y, bool ta = false, bool tb = false,
                          nr_optional bias = {}) {
    const nr_optional none = {};
    nr_optional keep = {};
    return contract::matmul(&a, &b, &bias, &none, &y, &keep, ta, tb, nr_activation_none);
  };
  const nr_tensor a = view({2, 3, 4}), b = view({4, 5}), y = view({2, 3, 5});
  CHECK(!verdict(a, b, y));
  CHECK(!verdict(backwards(a), backwards(b), y), "any strides may be read");
  CHECK(!verdict(view({2, 4, 3}), view({5, 4}), y, true, true));
  CHECK(!verdict(a, b, y, false, false, {view({5}), true}));
  CHECK(verdict(a, b, y, true));
  CHECK(verdict(a, b, backwards(y)));
  CHECK(verdict(view({4}), b, view({5})));
  CHECK(verdict(a, b, view({3, 5})));
  CHECK(verdict(a, b, view({2, 3, 6})));
  CHECK(verdict(a, view({5, 5}), y));
  CHECK(verdict(a, view({3, 4, 5}), y), "batches 2 and 3");
  CHECK(verdict(a, view({4, 5}, nr_dtype_f64), y));
  CHECK(verdict(view({3, 4}, nr_dtype_bool8), view({4, 5}, nr_dtype_bool8), view({3, 5}, nr_dtype_bool8)));
  CHECK(verdict(a, b, y, false, false, {view({4}), true}));
  CHECK(verdict(a, b, y, false, false, {view({1, 5}), true}));
}

void check_packed_matmul() {
  const auto pack = [](nr_tensor w, nr_tensor packed, bool transpose = false) {
    return contract::matmul_pack(&w, &packed, transpose);
  };
  CHECK(!pack(view({4, 70}), view({3, 4, 32})));
  CHECK(!pack(backwards(view({70, 4})), view({3, 4, 32}), true));
  CHECK(pack(view({4, 70}), view({2, 4, 32})));
  CHECK(pack(view({4, 70}), view({3, 4, 16})));
  CHECK(pack(view({4, 70}), backwards(view({3, 4, 32}))));
  CHECK(pack(view({4, 70}), view({3, 4, 32}, nr_dtype_f64)));
  CHECK(pack(view({4, 70}, nr_dtype_i32), view({3, 4, 32}, nr_dtype_i32)));
  CHECK(pack(view({2, 4, 70}), view({3, 4, 32})));

  const auto verdict = [](nr_tensor a, nr_tensor w, nr_tensor y, nr_optional bias = {}, nr_optional residual = {}) {
    return contract::matmul_packed(&a, &w, &bias, &residual, &y, nr_activation_none);
  };
  const nr_tensor a = view({5, 4}), w = view({3, 4, 32}), y = view({5, 70});
  CHECK(!verdict(a, w, y));
  CHECK(!verdict(backwards(a), w, y, {view({70}), true}, {y, true}));
  CHECK(verdict(a, w, view({5, 97})), "more columns than panels");
  CHECK(verdict(view({5, 3}), w, y));
  CHECK(verdict(view({4, 4}), w, y));
  CHECK(verdict(a, backwards(w), y));
  CHECK(verdict(a, w, backwards(y)));
  CHECK(verdict(view({1, 5, 4}), w, y));
  CHECK(verdict(a, w, y, {view({71}), true}));
  CHECK(verdict(a, w, y, {}, {view({70}), true}));
  CHECK(verdict(a, view({3, 4, 32}, nr_dtype_f64), y));
}

void check_epilogue() {
  const auto verdict = [](nr_optional residual, nr_tensor y, nr_optional preactivation, int64_t activation) {
    return contract::epilogue(residual, y, preactivation, activation);
  };
  const nr_tensor y = view({3, 5}), i = view({3, 5}, nr_dtype_i32);
  CHECK(!verdict({}, y, {}, nr_activation_none));
  CHECK(!verdict({y, true}, y, {y, true}, nr_activation_sigmoid));
  CHECK(!verdict({}, i, {}, nr_activation_none));
  CHECK(verdict({}, y, {}, -1));
  CHECK(verdict({}, y, {}, nr_activation_count));
  CHECK(verdict({}, i, {}, nr_activation_relu));
  CHECK(verdict({i, true}, i, {}, nr_activation_none));
  CHECK(verdict({}, i, {i, true}, nr_activation_none));
  CHECK(verdict({view({5}), true}, y, {}, nr_activation_none));
  CHECK(verdict({view({3, 5}, nr_dtype_f64), true}, y, {}, nr_activation_none));
  CHECK(verdict({backwards(y), true}, y, {}, nr_activation_none));
  CHECK(verdict({}, y, {view({5, 3}), true}, nr_activation_none));
}

struct Window {
  std::vector<int64_t> size, stride = {1, 1}, padding = {0, 0}, dilation = {1, 1};
};

void check_conv() {
  const auto verdict = [](nr_tensor x, nr_tensor w, nr_tensor y, Window k, int64_t groups = 1, nr_optional bias = {}) {
    const nr_ints s = ints(k.stride), p = ints(k.padding), d = ints(k.dilation);
    nr_optional no = {};
    const bool forward = contract::conv(&x, &w, &bias, &no, &y, &no, s, p, d, groups, 0, false) == nullptr;
    if (!bias.present) {  // the three kernels relate their tensors alike
      CHECK(forward == (contract::conv_backward_input(&y, &w, &x, s, p, d, groups) == nullptr));
      CHECK(forward == (contract::conv_backward_weight(&x, &y, &w, s, p, d, groups) == nullptr));
    }
    return !forward;
  };
  const nr_tensor x = view({2, 4, 9, 8}), w = view({6, 4, 3, 2}), y = view({2, 6, 7, 7});
  const int64_t huge = int64_t{1} << 62;
  CHECK(!verdict(x, w, y, {}));
  CHECK(!verdict(x, w, y, {}, 1, {view({6}), true}));
  CHECK(!verdict(x, view({6, 2, 3, 2}), y, {}, 2));
  CHECK(!verdict(x, w, view({2, 6, 4, 4}), {{}, {2, 2}, {0, 0}, {1, 1}}));
  CHECK(!verdict(x, w, view({2, 6, 9, 9}), {{}, {1, 1}, {1, 1}, {1, 1}}));
  CHECK(!verdict(x, w, view({2, 6, 5, 7}), {{}, {1, 1}, {0, 0}, {2, 1}}));
  CHECK(verdict(x, w, y, {{}, {1}, {0}, {1}}));
  CHECK(verdict(x, w, y, {{}, {1, 1}, {0}, {1, 1}}));
  CHECK(verdict(x, w, view({2, 6, 8, 7}), {}));
  CHECK(verdict(x, w, view({2, 5, 7, 7}), {}));
  CHECK(verdict(x, w, view({1, 6, 7, 7}), {}));
  CHECK(verdict(x, w, y, {}, 0));
  CHECK(verdict(x, w, y, {}, -1));
  CHECK(verdict(x, w, y, {}, 3));
  CHECK(verdict(x, w, y, {}, 2));
  CHECK(verdict(x, view({6, 4, 0, 2}), view({2, 6, 10, 7}), {}));
  CHECK(verdict(x, view({6, 4, 10, 2}), view({2, 6, 0, 7}), {}));
  CHECK(verdict(x, w, y, {{}, {0, 1}, {0, 0}, {1, 1}}));
  CHECK(verdict(x, w, y, {{}, {1, 1}, {-1, 0}, {1, 1}}));
  CHECK(verdict(x, w, y, {{}, {1, 1}, {0, 0}, {0, 1}}));
  CHECK(verdict(x, w, y, {{}, {1, 1}, {huge, 0}, {1, 1}}));
  CHECK(verdict(x, w, y, {{}, {1, 1}, {0, 0}, {huge, 1}}));
  CHECK(verdict(x, w, y, {{}, {huge, 1}, {0, 0}, {1, 1}}));
  CHECK(verdict(x, w, y, {}, 1, {view({4}), true}));
  CHECK(verdict(x, view({6, 4, 3, 2}, nr_dtype_f16), y, {}));
  const nr_ints one = ints({1, 1}), zero = ints({0, 0});
  nr_optional none = {}, added = {y, true}, flat = {view({6}), true};
  nr_tensor good = y, gap = backwards(y), back_x = backwards(x), back_w = backwards(w);
  CHECK(contract::conv(&x, &w, &none, &none, &gap, &none, one, zero, one, 1, 0, false), "results are contiguous");
  CHECK(!contract::conv(&x, &w, &none, &added, &good, &added, one, zero, one, 1, nr_activation_relu, false));
  CHECK(contract::conv(&x, &w, &none, &flat, &good, &none, one, zero, one, 1, 0, false), "a residual is as the result");
  CHECK(contract::conv(&x, &w, &none, &none, &good, &flat, one, zero, one, 1, 0, false));
  CHECK(contract::conv(&x, &w, &none, &none, &good, &none, one, zero, one, 1, nr_activation_count, false));
  CHECK(contract::conv(&x, &w, &none, &none, &good, &none, one, zero, one, 1, 0, true));
  nr_tensor last = view({2, 7, 7, 6});
  CHECK(!contract::conv(&x, &w, &none, &none, &last, &none, one, zero, one, 1, 0, true));
  CHECK(contract::conv(&x, &w, &none, &none, &last, &none, one, zero, one, 1, 0, false));
  CHECK(contract::conv_backward_input(&y, &w, &back_x, one, zero, one, 1));
  CHECK(contract::conv_backward_weight(&x, &y, &back_w, one, zero, one, 1));
}

void check_packed_conv() {
  const nr_ints one = ints({1, 1}), zero = ints({0, 0}), kernel = ints({3, 2});
  const auto packs = [](nr_tensor w, nr_tensor packed, int64_t groups) {
    return contract::conv_pack(&w, &packed, groups) == nullptr;
  };
  const nr_tensor w = view({70, 4, 3, 2}), panels = view({1, 3, 24, 32});
  CHECK(packs(w, panels, 1));
  CHECK(packs(w, view({2, 2, 24, 32}), 2));
  CHECK(packs(w, view({7, 1, 24, 10}), 7));
  CHECK(packs(view({0, 4, 3}), view({1, 0, 12, 0}), 1));
  CHECK(!packs(w, view({1, 3, 24, 16}), 1));
  CHECK(!packs(w, view({1, 2, 24, 32}), 1));
  CHECK(!packs(w, view({1, 3, 23, 32}), 1));
  CHECK(!packs(w, view({3, 24, 32}), 1));
  CHECK(!packs(w, panels, 0));
  CHECK(!packs(w, panels, 3));
  CHECK(!packs(w, backwards(panels), 1));
  CHECK(!packs(w, view({1, 3, 24, 32}, nr_dtype_f16), 1));
  CHECK(!packs(view({70, 24}), panels, 1));
  CHECK(!packs(view({70, 4, 3, 2}, nr_dtype_i32), view({1, 3, 24, 32}, nr_dtype_i32), 1));

  const auto fits = [&](nr_tensor x, nr_tensor packed, nr_tensor y, nr_ints k, nr_optional bias = {},
                        nr_optional residual = {}, int64_t activation = 0, bool last = false) {
    return !contract::conv_packed(&x, &packed, &bias, &residual, &y, k, one, zero, one, activation, last);
  };
  const nr_tensor x = view({2, 4, 9, 8}), y = view({2, 70, 7, 7});
  CHECK(fits(x, panels, y, kernel));
  CHECK(fits(x, panels, y, kernel, {view({70}), true}, {y, true}, nr_activation_gelu));
  CHECK(fits(x, panels, view({2, 7, 7, 70}), kernel, {}, {}, 0, true));
  CHECK(fits(view({2, 8, 9, 8}), view({2, 2, 24, 32}), y, kernel));
  CHECK(!fits(x, panels, view({2, 7, 7, 70}), kernel));
  CHECK(!fits(x, panels, y, kernel, {view({69}), true}));
  CHECK(!fits(x, panels, y, kernel, {}, {view({70}), true}));
  CHECK(!fits(x, panels, y, kernel, {}, {}, nr_activation_count));
  CHECK(!fits(x, panels, y, ints({2, 3})));
  CHECK(!fits(x, panels, y, ints({3})));
  CHECK(!fits(x, panels, y, ints({0, 2})));
  CHECK(!fits(x, panels, y, ints({-3, -2})));
  CHECK(!fits(x, view({1, 2, 24, 32}), y, kernel));
  CHECK(!fits(x, view({0, 3, 24, 32}), y, kernel));
  CHECK(!fits(x, view({3, 24, 32}), y, kernel));
  CHECK(!fits(x, backwards(panels), y, kernel));
  CHECK(!fits(view({2, 5, 9, 8}), panels, y, kernel));
  CHECK(!fits(view({2, 4, 9}), panels, y, kernel));
  CHECK(!fits(view({2, 4, 9, 8}, nr_dtype_f64), panels, y, kernel));
  CHECK(!fits(x, panels, backwards(y), kernel));
}

void check_pools() {
  const auto verdict = [](nr_tensor x, nr_tensor y, Window k, bool check_avg = true) {
    nr_tensor index = y;
    index.dtype = nr_dtype_i64;
    const nr_ints n = ints(k.size), s = ints(k.stride), p = ints(k.padding), d = ints(k.dilation);
    nr_optional wanted = {index, true}, absent = {};
    const bool wrong = contract::max_pool(&x, &y, &wanted, n, s, p, d) != nullptr;
    CHECK(wrong == (contract::max_pool(&x, &y, &absent, n, s, p, d) != nullptr));
    for (int32_t dtype : {nr_dtype_i32, nr_dtype_i64}) {
      index.dtype = dtype;
      CHECK(wrong == (contract::max_pool_backward(&y, &index, &x, n, s, p, d) != nullptr));
    }
    if (!check_avg) return wrong;
    CHECK(wrong == (contract::avg_pool(&x, &y, n, s, p, true) != nullptr));
    CHECK(wrong == (contract::avg_pool_backward(&y, &x, n, s, p, true) != nullptr));
    return wrong;
  };
  const nr_tensor x = view({2, 3, 9, 8}), y = view({2, 3, 4, 4});
  const int64_t huge = int64_t{1} << 62;
  CHECK(!verdict(x, y, {{2, 2}, {2, 2}}));
  CHECK(!verdict(x, view({2, 3, 5, 4}), {{2, 2}, {2, 2}}), "ceil mode");
  CHECK(!verdict(view({2, 3, 2}), view({2, 3, 1}), {{3}, {2}, {0}, {1}}), "ceil mode, window larger than the input");
  CHECK(!verdict(x, view({2, 3, 5, 4}), {{3, 2}, {2, 2}, {1, 0}}));
  CHECK(!verdict(x, view({2, 3, 5, 8}), {{3, 1}, {1, 1}, {0, 0}, {2, 1}}, false));
  CHECK(verdict(x, view({2, 3, 4, 5}), {{2, 2}, {2, 2}}), "the fifth window would begin outside");
  CHECK(verdict(x, view({2, 3, 6, 4}), {{2, 2}, {2, 2}}));
  CHECK(verdict(x, view({2, 3, 3, 4}), {{2, 2}, {2, 2}}));
  CHECK(verdict(x, view({2, 4, 4, 4}), {{2, 2}, {2, 2}}));
  CHECK(verdict(x, view({2, 3, 4, 4}, nr_dtype_f64), {{2, 2}, {2, 2}}));
  CHECK(verdict(x, view({2, 3, 6, 6}), {{2, 2}, {2, 2}, {2, 2}}), "padding beyond half the window");
  CHECK(verdict(x, y, {{2, 2}, {0, 2}}));
  CHECK(verdict(x, y, {{2, 2}, {2, 2}, {-1, 0}}));
  CHECK(verdict(x, y, {{0, 2}, {2, 2}}));
  CHECK(verdict(x, y, {{huge, 2}, {2, 2}}));
  CHECK(verdict(x, y, {{huge, 2}, {2, 2}, {huge / 2, 0}}));
  CHECK(verdict(x, y, {{2, 2}, {huge, 2}}));
  CHECK(verdict(x, y, {{2}, {2}, {0}, {1}}));
  CHECK(verdict(view({2, 3, 0, 8}), view({2, 3, 0, 4}), {{2, 2}, {2, 2}}));
  CHECK(verdict(view({2, 3, 9, 8}, nr_dtype_i32), view({2, 3, 4, 4}, nr_dtype_i32), {{2, 2}, {2, 2}}));
  nr_tensor good = y;
  nr_optional bad_index = {y, true};
  CHECK(contract::max_pool(&x, &good, &bad_index, ints({2, 2}), ints({2, 2}), ints({0, 0}), ints({1, 1})));
}

}  // namespace

int main() {
  check_matmul();
  check_packed_matmul();
  check_epilogue();
  check_conv();
  check_packed_conv();
  check_pools();
  return report();
}
