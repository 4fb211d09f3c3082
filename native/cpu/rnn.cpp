// Elman's recurrent network (1990): one direction of one layer, h' = tanh(x + h wᵀ) or relu of it. The backward reads
// the output alone.
#include "cpu/vmath.h"
// after vmath.h: formulas are written in its functions
#include "activation_formulas.h"
#include "cpu/recurrent_backward.h"
#include "cpu/recurrent_forward.h"

namespace neurite::NR_ISA {
namespace {

template <class Element, bool relu>
struct rnn_forward_cell {
  using T = Element;
  using C = compute_t<T>;
  static constexpr int gates = 1;
  static constexpr bool has_cell = false;
  int64_t H;
  const T* x = nullptr;
  T *y = nullptr, *h = nullptr;

  template <class Lanes>
  void advance(int64_t at, int64_t u, Lanes lanes, const C* sums, int64_t, const C*, C* next, C*) const {
    using V = vector_t<C>;
    const V sum = load<V>(x + at * H + u, lanes) + load<V>(sums, lanes);
    const V hidden = relu ? relu_formula(sum) : tanh(sum);
    store(next, hidden, lanes);
    store(y + at * H + u, hidden, lanes);
  }

  void foresee(int64_t at, int64_t u, fetch_list& lines) const {
    lines.add(x + at * H + u);
    lines.add(y + at * H + u);
  }

  void skip(int64_t at) const { clear(y + at * H, H); }

  void finish(int64_t b, int64_t at, const C*) const { convert_row(h + b * H, y + at * H, H); }
};

template <class Element, bool relu>
struct rnn_backward_cell {
  using T = Element;
  using C = compute_t<T>;
  static constexpr int gates = 1;
  static constexpr bool has_carry = false, carries_h = false;
  int64_t H;
  const T* y = nullptr;
  T* dx = nullptr;

  template <class Lanes, class V>
  void retreat(int64_t at, int64_t, int64_t, int64_t u, Lanes lanes, V dh, C* dgates, C*) const {
    const V hidden = load<V>(y + at * H + u, lanes);
    const V d = relu ? relu_backward_formula(dh, hidden) : tanh_backward_formula(dh, hidden);
    store(dx + at * H + u, d, lanes);
    store(dgates, d, lanes);
  }

  void foresee(int64_t at, int64_t, int64_t u, fetch_list& lines) const {
    lines.add(y + at * H + u);
    lines.add(dx + at * H + u);
  }

  void skip(int64_t at) const { clear(dx + at * H, H); }
};

// visit(std::bool_constant<relu>{})
template <class Visit>
void with_nonlinearity(bool relu, const Visit& visit) {
  if (relu) {
    visit(std::true_type{});
  } else {
    visit(std::false_type{});
  }
}

}  // namespace

void rnn(nr_context* ctx, const nr_tensor* x, const nr_tensor* w, const nr_optional* h0, const nr_optional* lengths,
         nr_tensor* y, nr_tensor* h, bool relu, bool reverse) {
  recurrence r = recurrence_of(ctx, *w, *y, reverse);
  if (!order_sequences(ctx, r, *lengths)) return;
  with_float_dtype(x->dtype, [&](auto tag) {
    with_nonlinearity(relu, [&](auto is_relu) {
      rnn_forward_cell<typename decltype(tag)::type, is_relu> cell = {r.H};
      if (!read(ctx, *x, cell.x)) return;
      write(*y, cell.y), write(*h, cell.h);
      forward_walk(ctx, cell, r).run(*w, *h0);
    });
  });
}

void rnn_backward(nr_context* ctx, const nr_optional* dy, const nr_optional* dh, const nr_tensor* w,
                  const nr_optional* lengths, const nr_tensor* y, nr_tensor* dx, nr_optional* dh0, bool relu,
                  bool reverse) {
  recurrence r = recurrence_of(ctx, *w, *y, reverse);
  if (!order_sequences(ctx, r, *lengths)) return;
  with_float_dtype(dx->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    with_nonlinearity(relu, [&](auto is_relu) {
      rnn_backward_cell<T, is_relu> cell = {r.H};
      const T *dy_data, *dh_data;
      T* dh0_data;
      if (!read(ctx, *dy, dy_data) || !read(ctx, *dh, dh_data) || !read(ctx, *y, cell.y)) return;
      write(*dx, cell.dx), write(*dh0, dh0_data);
      backward_walk(ctx, cell, r, dy_data, dh_data, dh0_data).run(*w);
    });
  });
}

}  // namespace neurite::NR_ISA
