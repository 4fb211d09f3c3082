// Recurrent layers: T >= 1 steps, every shape following from those of w and of the sequences, one floating dtype but
// for what is kept for the backward. The lengths themselves are data: the kernels check them.
#include <initializer_list>

#include "contract/contract.h"

namespace neurite::contract {
namespace {

bool has_shape(const nr_tensor& t, std::initializer_list<int64_t> shape) {
  if (t.ndim != static_cast<int32_t>(shape.size())) return false;
  int d = 0;
  for (const int64_t n : shape)
    if (t.shape[d++] != n) return false;
  return true;
}

// One direction of one layer with `gates` gates.
struct layer {
  int64_t T, B, H, gates;
  int32_t dtype;

  layer(const nr_tensor& w, const nr_tensor& sequence, int64_t gates)
      : T(sequence.shape[0]), B(sequence.shape[1]), H(w.shape[1]), gates(gates), dtype(w.dtype) {}

  bool is(const nr_tensor& t, std::initializer_list<int64_t> shape) const {
    return t.dtype == dtype && has_shape(t, shape);
  }
  bool is(const nr_optional& t, std::initializer_list<int64_t> shape) const {
    return !t.present || is(t.tensor, shape);
  }
  bool is_state(const nr_optional& t) const { return is(t, {B, H}); }
  bool is_kept(const nr_tensor& t, int64_t columns) const {
    return t.dtype == accumulation_dtype(dtype) && has_shape(t, {T, B, columns});
  }

  verdict inputs(const nr_tensor& w, const nr_optional& lengths) const {
    if (!is_float(w) || !has_shape(w, {gates * H, H})) return "floating recurrent weights [gates * H, H]";
    if (T < 1) return "at least one step";
    if (lengths.present && (lengths.tensor.dtype != nr_dtype_i64 || !has_shape(lengths.tensor, {B})))
      return "lengths [B] of dtype int64";
    return nullptr;
  }
  bool is_output(const nr_tensor& t, std::initializer_list<int64_t> shape) const {
    return is(t, shape) && is_contiguous(t);
  }
  bool is_output(const nr_optional& t, std::initializer_list<int64_t> shape) const {
    return !t.present || is_output(t.tensor, shape);
  }
  bool is_kept_output(const nr_optional& t, int64_t columns) const {
    return !t.present || (is_kept(t.tensor, columns) && is_contiguous(t.tensor));
  }
};

bool is_sequence(const nr_tensor& w, const nr_tensor& t) {
  return w.ndim == 2 && t.ndim == 3;
}

constexpr verdict shapes = "w [gates * H, H] and sequences [T, B, ...]";
constexpr verdict x_shape = "x [T, B, gates * H] of w's dtype";
constexpr verdict state_shape = "states [B, H] of w's dtype";
constexpr verdict output_shape = "contiguous results of w's dtype, y [T, B, H] and states [B, H]";
constexpr verdict kept_shape = "gates and cells [T, B, ...] of the accumulation dtype";
constexpr verdict gradient_shape = "gradients of the outputs' shapes and w's dtype";
constexpr verdict gradient_output_shape = "contiguous gradients of the inputs' shapes and w's dtype";

}  // namespace

verdict lstm(const nr_tensor* x, const nr_tensor* w, const nr_optional* h0, const nr_optional* c0,
             const nr_optional* lengths, nr_tensor* y, nr_tensor* h, nr_tensor* c, nr_optional* gates,
             nr_optional* cells, bool) {
  if (!is_sequence(*w, *x)) return shapes;
  const layer l(*w, *x, 4);
  if (verdict v = l.inputs(*w, *lengths)) return v;
  if (!l.is(*x, {l.T, l.B, 4 * l.H})) return x_shape;
  if (!l.is_state(*h0) || !l.is_state(*c0)) return state_shape;
  if (!l.is_output(*y, {l.T, l.B, l.H}) || !l.is_output(*h, {l.B, l.H}) || !l.is_output(*c, {l.B, l.H}))
    return output_shape;
  if (gates->present != cells->present || !l.is_kept_output(*gates, 4 * l.H) || !l.is_kept_output(*cells, l.H))
    return kept_shape;
  return nullptr;
}

verdict lstm_backward(const nr_optional* dy, const nr_optional* dh, const nr_optional* dc, const nr_tensor* w,
                      const nr_optional* c0, const nr_optional* lengths, const nr_tensor* gates, const nr_tensor* cells,
                      nr_tensor* dx, nr_optional* dh0, nr_optional* dc0, bool) {
  if (!is_sequence(*w, *dx)) return shapes;
  const layer l(*w, *dx, 4);
  if (verdict v = l.inputs(*w, *lengths)) return v;
  if (!l.is(*dy, {l.T, l.B, l.H}) || !l.is_state(*dh) || !l.is_state(*dc)) return gradient_shape;
  if (!l.is_state(*c0)) return state_shape;
  if (!l.is_kept(*gates, 4 * l.H) || !l.is_kept(*cells, l.H)) return kept_shape;
  if (!l.is_output(*dx, {l.T, l.B, 4 * l.H}) || !l.is_output(*dh0, {l.B, l.H}) || !l.is_output(*dc0, {l.B, l.H}))
    return gradient_output_shape;
  return nullptr;
}

verdict gru(const nr_tensor* x, const nr_tensor* w, const nr_optional* b, const nr_optional* h0,
            const nr_optional* lengths, nr_tensor* y, nr_tensor* h, nr_optional* gates, bool) {
  if (!is_sequence(*w, *x)) return shapes;
  const layer l(*w, *x, 3);
  if (verdict v = l.inputs(*w, *lengths)) return v;
  if (!l.is(*x, {l.T, l.B, 3 * l.H})) return x_shape;
  if (!l.is(*b, {l.H})) return "a bias [H] of w's dtype";
  if (!l.is_state(*h0)) return state_shape;
  if (!l.is_output(*y, {l.T, l.B, l.H}) || !l.is_output(*h, {l.B, l.H})) return output_shape;
  if (!l.is_kept_output(*gates, 4 * l.H)) return kept_shape;
  return nullptr;
}

verdict gru_backward(const nr_optional* dy, const nr_optional* dh, const nr_tensor* w, const nr_optional* h0,
                     const nr_optional* lengths, const nr_tensor* y, const nr_tensor* gates, nr_tensor* dx,
                     nr_tensor* dq, nr_optional* dh0, bool) {
  if (!is_sequence(*w, *y)) return shapes;
  const layer l(*w, *y, 3);
  if (verdict v = l.inputs(*w, *lengths)) return v;
  if (!l.is(*y, {l.T, l.B, l.H})) return "y [T, B, H] of w's dtype";
  if (!l.is(*dy, {l.T, l.B, l.H}) || !l.is_state(*dh)) return gradient_shape;
  if (!l.is_state(*h0)) return state_shape;
  if (!l.is_kept(*gates, 4 * l.H)) return kept_shape;
  if (!l.is_output(*dx, {l.T, l.B, 3 * l.H}) || !l.is_output(*dq, {l.T, l.B, l.H}) || !l.is_output(*dh0, {l.B, l.H}))
    return gradient_output_shape;
  return nullptr;
}

verdict rnn(const nr_tensor* x, const nr_tensor* w, const nr_optional* h0, const nr_optional* lengths, nr_tensor* y,
            nr_tensor* h, bool, bool) {
  if (!is_sequence(*w, *x)) return shapes;
  const layer l(*w, *x, 1);
  if (verdict v = l.inputs(*w, *lengths)) return v;
  if (!l.is(*x, {l.T, l.B, l.H})) return x_shape;
  if (!l.is_state(*h0)) return state_shape;
  if (!l.is_output(*y, {l.T, l.B, l.H}) || !l.is_output(*h, {l.B, l.H})) return output_shape;
  return nullptr;
}

verdict rnn_backward(const nr_optional* dy, const nr_optional* dh, const nr_tensor* w, const nr_optional* lengths,
                     const nr_tensor* y, nr_tensor* dx, nr_optional* dh0, bool, bool) {
  if (!is_sequence(*w, *y)) return shapes;
  const layer l(*w, *y, 1);
  if (verdict v = l.inputs(*w, *lengths)) return v;
  if (!l.is(*y, {l.T, l.B, l.H})) return "y [T, B, H] of w's dtype";
  if (!l.is(*dy, {l.T, l.B, l.H}) || !l.is_state(*dh)) return gradient_shape;
  if (!l.is_output(*dx, {l.T, l.B, l.H}) || !l.is_output(*dh0, {l.B, l.H})) return gradient_output_shape;
  return nullptr;
}

}  // namespace neurite::contract
