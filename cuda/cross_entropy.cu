// Softmax cross-entropy of logits x [N, C] against class indices, fused: the log-probabilities are never stored.
// With lse = log(sum exp x), target t, class weights w and label smoothing e, a row's loss is
//   w[t] (1 - e) (lse - x[t]) + e / C * sum_c w[c] (lse - x[c])
// and its gradient p[c] (w[t] (1 - e) + e / C * sum w) - w[t] (1 - e) [c = t] - e / C * w[c], where p = exp(x - lse).
// Logits are read once, by row pieces; the gradient reads and writes each once, a pack per thread.
#include "check.h"
#include "contiguous.h"
#include "softmax_rows.h"

namespace neurite::cuda {
namespace {

template <class C>
struct Classes {
  int64_t count;
  const C* weight;      // one per class, or null: every weight is 1
  const C* weight_sum;  // null without weights or smoothing
  const int64_t* target;
  int64_t ignore_index;
  C smoothing;
  Check check;

  __device__ C weight_of(int64_t c) const { return weight ? weight[c] : C(1); }
  __device__ C share() const { return smoothing / static_cast<C>(count); }

  // The row's class; -1 if it is to be ignored. A target that is no class fails the command.
  __device__ int64_t class_of(int64_t row) const {
    const int64_t t = target[row];
    if (t == ignore_index) return -1;
    if (t >= 0 && t < count) return t;
    check.fail(count, t, row);
    return -1;
  }
};

// With label smoothing also the sum of w[c] (top - x[c]), or -x[c] where everything is -inf, and the sum of w.
template <class C>
struct LossState {
  Mass<C> mass;
  C below, weights;

  __device__ static C finite(C top) { return top == -static_cast<C>(INFINITY) ? C(0) : top; }
};

template <class T>
struct LossRow {
  using C = compute_of<T>;
  using State = LossState<C>;
  template <class L>
  struct Held {
    C x[L::each];
    int64_t column;
  };
  const T* x;
  C *loss, *lse, *weight;  // weight: of each row's target
  Classes<C> classes;

  template <class L>
  __device__ void load(const L& l, int64_t at, int64_t column, Held<L>& held) const {
    l.load(x + at, held.x, -static_cast<C>(INFINITY));
    held.column = column;
  }
  template <class L>
  __device__ State measure(const L& l, const Held<L>& held) const {
    State state{mass_of(l, held.x), 0, 0};
    if (classes.smoothing != 0) {
      const C top = State::finite(state.mass.top);
      state.below = l.sum([&](int k, int i) { return classes.weight_of(held.column + i) * (top - held.x[k]); });
      state.weights = l.sum([&](int, int i) { return classes.weight_of(held.column + i); });
    }
    return state;
  }
  template <class L>
  __device__ State join(const L& l, const State* states, int64_t n) const {
    constexpr C lowest = -static_cast<C>(INFINITY);
    C top = lowest, sum = 0, below = 0, weights = 0;
    for (int64_t i = l.lane(); i < n; i += L::group) top = Maximum{}(top, states[i].mass.top);
    top = l.combine(top, lowest, Maximum{});
    for (int64_t i = l.lane(); i < n; i += L::group) {
      const State s = states[i];
      sum += s.mass.below(top);
      below += s.below + s.weights * (State::finite(top) - State::finite(s.mass.top));
      weights += s.weights;
    }
    sum = l.combine(sum, C(0), Sum{});
    below = l.combine(below, C(0), Sum{});
    return {{top, sum}, below, l.combine(weights, C(0), Sum{})};
  }
  __device__ void end(int64_t row, State state) const {
    const C log_sum = log(state.mass.sum), l = state.mass.top + log_sum;
    const int64_t t = classes.class_of(row);
    lse[row] = l;
    loss[row] = 0;
    weight[row] = 0;
    if (t < 0) return;
    C value = classes.weight_of(t) * (1 - classes.smoothing) *
              (log_sum + (state.mass.top - computed(x[row * classes.count + t])));
    if (classes.smoothing != 0)
      value += classes.share() * (state.below + state.weights * (l - State::finite(state.mass.top)));
    loss[row] = value;
    weight[row] = classes.weight_of(t);
  }
};

template <class T, int lanes>
struct LossGradient {
  using C = compute_of<T>;
  static constexpr int threads = 256;
  const T* x;
  const C *dloss, *lse;
  T* dx;
  int64_t packs;
  Classes<C> classes;

  __device__ void operator()() const {
    const int64_t pack = int64_t{blockIdx.x} * threads + threadIdx.x;
    if (pack >= packs) return;
    const int64_t at = pack * lanes, row = at / classes.count, first = at - row * classes.count;
    const int64_t t = classes.class_of(row);
    Pack<T, lanes> out = {};
    if (t >= 0) {
      const auto in = load_pack<T, lanes>(x + at);
      const C hit = classes.weight_of(t) * (1 - classes.smoothing), d = dloss[row], l = lse[row];
      const C all = classes.weight_sum ? *classes.weight_sum : static_cast<C>(classes.count);
      const C mass = d * (hit + classes.share() * all), even = d * classes.share();
#pragma unroll
      for (int k = 0; k < lanes; k++) {
        C g = mass * exp(computed(in.at[k]) - l);
        if (classes.smoothing != 0) g -= even * classes.weight_of(first + k);
        if (first + k == t) g -= d * hit;
        out.at[k] = convert<T>(g);
      }
    }
    store_pack(dx + at, out);
  }
};

// False when memory is out.
template <class C>
bool describe(nr_context* ctx, Classes<C>& classes, const nr_tensor& target, const nr_optional& weight) {
  classes.target = elements<int64_t>(ctx, target);
  if (!classes.target || !optional_elements(ctx, weight, classes.weight)) return false;
  if (classes.weight && classes.smoothing != 0) {
    auto* total = static_cast<C*>(ctx->scratch(ctx, sizeof(C)));
    if (!total) return false;
    const nr_tensor weights = vector_of(classes.weight, classes.count);
    nr_tensor y = vector_of(total, 1);
    sum(ctx, &weights, &y, 1);
    classes.weight_sum = total;
  }
  classes.check = take_check(ctx, "INDEX_OUT_OF_RANGE", "expected a class in [0, %lld), got %lld at position %lld");
  return true;
}

}  // namespace

void cross_entropy(nr_context* ctx, const nr_tensor* x_tensor, const nr_tensor* target, const nr_optional* weight,
                   nr_tensor* loss_tensor, nr_tensor* total_weight, nr_tensor* lse, int64_t ignore_index,
                   double label_smoothing) {
  dispatch(floating_types{}, x_tensor->dtype, [&]<class T>() {
    using C = compute_of<T>;
    const int64_t n = x_tensor->shape[0], count = x_tensor->shape[1];
    Classes<C> classes{count, nullptr, nullptr, nullptr, ignore_index, static_cast<C>(label_smoothing), {}};
    const T* x = elements<T>(ctx, *x_tensor);
    Target<C> loss(ctx, *loss_tensor), total(ctx, *total_weight);
    auto* weights = static_cast<C*>(ctx->scratch(ctx, static_cast<size_t>(n + 1) * sizeof(C)));
    if (!x || !loss.data() || !total.data() || !weights || !describe(ctx, classes, *target, *weight)) return;
    const LossRow<T> op{x, loss.data(), static_cast<C*>(lse->data), weights, classes};
    run_rows<T>(ctx, op, n, count, are_packed({x}));
    const nr_tensor of_rows = vector_of(weights, n);
    sum(ctx, &of_rows, &total.tensor(), 1);
    loss.finish();
    total.finish();
  });
}

void cross_entropy_backward(nr_context* ctx, const nr_tensor* dloss_tensor, const nr_tensor* x_tensor,
                            const nr_tensor* target, const nr_optional* weight, const nr_tensor* lse_tensor,
                            nr_tensor* dx_tensor, int64_t ignore_index, double label_smoothing) {
  dispatch(floating_types{}, x_tensor->dtype, [&]<class T>() {
    using C = compute_of<T>;
    const int64_t count = x_tensor->shape[1], numel = x_tensor->shape[0] * count;
    Classes<C> classes{count, nullptr, nullptr, nullptr, ignore_index, static_cast<C>(label_smoothing), {}};
    const T* x = elements<T>(ctx, *x_tensor);
    const C *dloss = elements<C>(ctx, *dloss_tensor), *lse = elements<C>(ctx, *lse_tensor);
    if (!x || !dloss || !lse || !describe(ctx, classes, *target, *weight)) return;
    T* dx = static_cast<T*>(dx_tensor->data);
    const auto with_lanes = [&]<int lanes>() {
      const LossGradient<T, lanes> kernel{x, dloss, lse, dx, numel / lanes, classes};
      launch(ctx, blocks_for(kernel.packs, kernel.threads), kernel);
    };
    if (count % pack_size<T> == 0 && are_packed({x, dx}))
      with_lanes.template operator()<pack_size<T>>();
    else
      with_lanes.template operator()<1>();
  });
}

}  // namespace neurite::cuda
