// Gated linear units (Dauphin et al. 2017, Shazeer 2020): y = f(gate) up for any activation f, and both gradients,
//   dup = dy f(gate), dgate = dy up f'(gate),
// in one pass. Operands may be strided: as a rule they are the halves of one projection.
#include "activation_formulas.h"
#include "cpu/elementwise.h"
#include "cpu/row.h"
#include "cpu/vmath.h"

namespace neurite::NR_ISA {
namespace {

// Whether the derivative of an activation is written in its output.
constexpr bool takes_output(int64_t activation) {
  return activation == nr_activation_relu || activation == nr_activation_tanh || activation == nr_activation_sigmoid;
}

// visit(value, gradient): f(gate), and the gradient of gate from that of f(gate), gate and f(gate).
template <class Visitor>
void with_activation(int64_t activation, const Visitor& visit) {
  switch (activation) {
#define NR_ACTIVATION(name)                                                \
  case nr_activation_##name:                                               \
    visit([](auto gate) { return name##_formula(gate); },                  \
          [](auto df, auto gate, auto f) {                                 \
            constexpr bool by_output = takes_output(nr_activation_##name); \
            return name##_backward_formula(df, by_output ? f : gate);      \
          });                                                              \
    break;
#include "activations.def"
  }
}

template <class T, class Value>
void run_forward(const void*, char* y, char* const* x, int64_t n, unsigned how) {
  using V = vector_t<T>;
  const T *gate = reinterpret_cast<const T*>(x[0]), *up = reinterpret_cast<const T*>(x[1]);
  const Value value{};
  const auto loop = [&](auto streamed) {
    each_vector<V>(n, [&](int64_t i, auto lanes) {
      put(streamed, reinterpret_cast<T*>(y) + i, value(load<V>(gate + i, lanes)) * load<V>(up + i, lanes), lanes);
    });
  };
  if constexpr (std::is_same_v<T, float>)
    if (how & to_stream) return loop(std::true_type{});
  loop(std::false_type{});
}

// n dense elements; p: dgate, dup, dy, gate, up.
template <class T, class Value, class Gradient>
void run_backward(char* const* p, int64_t n, bool past_caches) {
  using V = vector_t<T>;
  T *dgate = reinterpret_cast<T*>(p[0]), *dup = reinterpret_cast<T*>(p[1]);
  const T *dy = reinterpret_cast<const T*>(p[2]), *gate = reinterpret_cast<const T*>(p[3]),
          *up = reinterpret_cast<const T*>(p[4]);
  const Value value{};
  const Gradient gradient{};
  const auto loop = [&](auto streamed) {
    each_vector<V>(n, [&](int64_t i, auto lanes) {
      const V g = load<V>(gate + i, lanes), d = load<V>(dy + i, lanes), f = value(g);
      put(streamed, dgate + i, gradient(d * load<V>(up + i, lanes), g, f), lanes);
      put(streamed, dup + i, d * f, lanes);
    });
  };
  if constexpr (std::is_same_v<T, float>)
    if (past_caches) return loop(std::true_type{});
  loop(std::false_type{});
}

using backward_loop = void (*)(char* const* p, int64_t n, bool past_caches);

// The same where operands have steps: gathered and scattered in blocks.
void run_backward_staged(const nest<5>& l, char* const* p, int64_t n, int64_t size, backward_loop run) {
  alignas(64) char block[5][block_elements * 8];
  char* const dense[5] = {block[0], block[1], block[2], block[3], block[4]};
  for (int64_t at = 0; at < n; at += block_elements) {
    const int64_t count = at + block_elements < n ? block_elements : n - at;
    for (int k = 2; k < 5; k++) gather_row(dense[k], p[k] + at * l.step(k), l.step(k), count, size);
    run(dense, count, false);
    for (int k = 0; k < 2; k++) scatter_row(p[k] + at * l.step(k), l.step(k), dense[k], count, size);
  }
}

}  // namespace

void gated(nr_context* ctx, const nr_tensor* gate, const nr_tensor* up, nr_tensor* y, int64_t activation) {
  const int64_t size = element_bytes(y->dtype);
  inner_loop<2> loop = {nullptr, nullptr, size, {size, size}, false};
  with_float_dtype(y->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    with_activation(activation, [&](auto value, auto) { loop.run = run_forward<T, decltype(value)>; });
  });
  run_elementwise(ctx, make_nest(*y, *gate, *up), loop);
}

void gated_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* gate, const nr_tensor* up, nr_tensor* dgate,
                    nr_tensor* dup, int64_t activation) {
  const int64_t size = element_bytes(dy->dtype);
  backward_loop run = nullptr;
  with_float_dtype(dy->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    with_activation(activation,
                    [&](auto value, auto gradient) { run = run_backward<T, decltype(value), decltype(gradient)>; });
  });
  const nest<5> l = make_nest(*dgate, *dup, *dy, *gate, *up);
  bool dense = true;
  for (int k = 0; k < 5; k++) dense = dense && l.step(k) == size;
  const bool streamed =
      dense && is_streamed(2 * l.numel * size) && in_whole_vectors(l, 0, size) && in_whole_vectors(l, 1, size);
  parallel_range(ctx, l.numel, task_elements, [&](int64_t begin, int64_t end) {
    each_row(l, begin, end,
             [&](char* const* p, int64_t n) { dense ? run(p, n, streamed) : run_backward_staged(l, p, n, size, run); });
    if (streamed) stream_end();
  });
}

void gated_halves_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* x, nr_tensor* dx, int64_t dim,
                           bool up_first, int64_t activation) {
  const auto half = [&](const nr_tensor& of, bool second) {
    nr_tensor t = of;
    t.shape[dim] /= 2;
    if (second) t.data = static_cast<char*>(t.data) + t.shape[dim] * t.stride[dim] * element_bytes(t.dtype);
    return t;
  };
  const nr_tensor gate = half(*x, up_first), up = half(*x, !up_first);
  nr_tensor dgate = half(*dx, up_first), dup = half(*dx, !up_first);
  gated_backward(ctx, dy, &gate, &up, &dgate, &dup, activation);
}

}  // namespace neurite::NR_ISA
