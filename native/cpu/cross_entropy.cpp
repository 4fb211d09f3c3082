// Softmax cross-entropy of logits x [N, C] against class indices, fused: the log-probabilities are never stored.
// With lse = log(sum exp x), target t, class weights w and label smoothing e, a row's loss is
//   w[t] (1 - e) (lse - x[t]) + e / C * sum_c w[c] (lse - x[c])
// and its gradient p[c] (w[t] (1 - e) + e / C * sum w) - w[t] (1 - e) [c = t] - e / C * w[c], where p = exp(x - lse).
#include "cpu/contiguous.h"
#include "cpu/parallel.h"
#include "cpu/row.h"
#include "cpu/vmath.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t task_elements = 16384;

template <class C>
struct Classes {
  int64_t count;
  const C* weight;  // one per class, or null: every weight is 1
  double weight_sum;
  int64_t ignore_index;
  double smoothing;

  double weight_of(int64_t c) const { return weight ? weight[c] : 1; }
  double share() const { return smoothing / static_cast<double>(count); }
};

// Marks the command as failed if the target is no class.
inline bool is_class(nr_context* ctx, int64_t target, int64_t classes, int64_t row) {
  if (target >= 0 && target < classes) return true;
  ctx->fail(ctx, "INDEX_OUT_OF_RANGE", "expected a class in [0, %lld), got %lld at position %lld",
            static_cast<long long>(classes), static_cast<long long>(target), static_cast<long long>(row));
  return false;
}

template <class T, class C>
double log_sum_exp(const T* x, int64_t n) {
  using V = vector_t<T>;
  const C top = max_row<V>(n, x);
  return top + __builtin_log(sum_row<V>(n, [&](int64_t i, auto lanes) {
           return fill_tail(exp(load<V>(x + i, lanes) - V(top)), V(0), lanes);
         }));
}

template <class T, class C>
double row_loss(const T* x, int64_t target, double lse, const Classes<C>& classes) {
  using V = vector_t<T>;
  double loss =
      classes.weight_of(target) * (1 - classes.smoothing) * (lse - static_cast<double>(convert<C>(x[target])));
  if (classes.smoothing != 0) {
    const V l(static_cast<C>(lse));
    loss += classes.share() * sum_row<V>(classes.count, [&](int64_t i, auto lanes) {
              const V nll = l - load<V>(x + i, lanes);
              return classes.weight ? load<V>(classes.weight + i, lanes) * nll : fill_tail(nll, V(0), lanes);
            });
  }
  return loss;
}

template <class Streamed, class T, class C>
void row_gradient(Streamed streamed, C dloss, const T* x, int64_t target, C lse, T* dx, const Classes<C>& classes) {
  using V = vector_t<T>;
  const double hit = classes.weight_of(target) * (1 - classes.smoothing);
  const double share = classes.share();
  const V l(lse), mass(static_cast<C>(dloss * (hit + share * classes.weight_sum))), even(static_cast<C>(dloss * share));
  const auto gradient = [&](int64_t i, auto lanes) {
    const V p = mass * exp(load<V>(x + i, lanes) - l);
    if (classes.smoothing == 0) return p;
    return classes.weight ? p - even * load<V>(classes.weight + i, lanes) : p - even;
  };
  each_vector<V>(classes.count, [&](int64_t i, auto lanes) { put(streamed, dx + i, gradient(i, lanes), lanes); });
  // The target's own element, taken once more in full precision.
  C lane[V::width];
  store(lane, gradient(target, int64_t{1}));
  dx[target] = convert<T>(static_cast<C>(lane[0] - dloss * hit));
}

template <class C>
bool describe(nr_context* ctx, Classes<C>& classes, const nr_optional& weight) {
  classes.weight = nullptr;
  classes.weight_sum = static_cast<double>(classes.count);
  if (!weight.present) return true;
  classes.weight = elements<C>(ctx, weight.tensor);
  if (!classes.weight) return false;
  classes.weight_sum = sum_row<vector_t<C>>(
      classes.count, [&](int64_t i, auto lanes) { return load<vector_t<C>>(classes.weight + i, lanes); });
  return true;
}

int64_t rows_per_task(int64_t classes) {
  return classes < task_elements ? task_elements / (classes + 1) + 1 : 1;
}

}  // namespace

void cross_entropy(nr_context* ctx, const nr_tensor* x_tensor, const nr_tensor* target_tensor,
                   const nr_optional* weight, nr_tensor* loss_tensor, nr_tensor* total_weight, nr_tensor* lse_tensor,
                   int64_t ignore_index, double label_smoothing) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const int64_t n = x_tensor->shape[0], step = x_tensor->shape[1], rows = rows_per_task(step);
    const int64_t tasks = (n + rows - 1) / rows;
    Classes<C> classes{step, nullptr, 0, ignore_index, label_smoothing};
    const T* x = elements<T>(ctx, *x_tensor);
    const int64_t* target = elements<int64_t>(ctx, *target_tensor);
    Target<C> loss(ctx, *loss_tensor), total(ctx, *total_weight);
    auto* weights = static_cast<double*>(ctx->scratch(ctx, static_cast<size_t>(tasks + 1) * sizeof(double)));
    if (!describe(ctx, classes, *weight) || !x || !target || !loss.data() || !total.data() || !weights) return;
    C* lse = static_cast<C*>(lse_tensor->data);

    parallel_tasks(ctx, tasks, [&](int64_t task, int32_t) {
      double sum = 0;
      for (int64_t r = task * rows; r < (task + 1) * rows && r < n; r++) {
        const T* row = x + r * step;
        const int64_t t = target[r];
        const double l = log_sum_exp<T, C>(row, step);
        lse[r] = static_cast<C>(l);
        loss.data()[r] = 0;
        if (t == ignore_index) continue;
        if (!is_class(ctx, t, step, r)) return;
        loss.data()[r] = static_cast<C>(row_loss(row, t, l, classes));
        sum += classes.weight_of(t);
      }
      weights[task] = sum;
    });
    double sum = 0;
    for (int64_t task = 0; task < tasks; task++) sum += weights[task];
    *total.data() = static_cast<C>(sum);
    loss.finish();
    total.finish();
  });
}

void cross_entropy_backward(nr_context* ctx, const nr_tensor* dloss_tensor, const nr_tensor* x_tensor,
                            const nr_tensor* target_tensor, const nr_optional* weight, const nr_tensor* lse_tensor,
                            nr_tensor* dx_tensor, int64_t ignore_index, double label_smoothing) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const int64_t step = x_tensor->shape[1];
    Classes<C> classes{step, nullptr, 0, ignore_index, label_smoothing};
    const T* x = elements<T>(ctx, *x_tensor);
    const int64_t* target = elements<int64_t>(ctx, *target_tensor);
    const C* dloss = elements<C>(ctx, *dloss_tensor);
    const C* lse = elements<C>(ctx, *lse_tensor);
    if (!describe(ctx, classes, *weight) || !x || !target || !dloss || !lse) return;
    T* dx = static_cast<T*>(dx_tensor->data);

    with_streaming(dx, x_tensor->shape[0], step, [&](auto streamed) {
      parallel_range(ctx, x_tensor->shape[0], rows_per_task(step), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++) {
          T* row = dx + r * step;
          const int64_t t = target[r];
          if (t == ignore_index) {
            for (int64_t c = 0; c < step; c++) row[c] = T{};
            continue;
          }
          if (!is_class(ctx, t, step, r)) return;
          row_gradient(streamed, dloss[r], x + r * step, t, lse[r], row, classes);
        }
        stream_end();
      });
    });
  });
}

}  // namespace neurite::NR_ISA
