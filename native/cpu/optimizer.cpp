// Optimizer steps over whole lists of parameters, each in one pass over its memory. The list is seen as one long row
// that is cut into pieces of equal size, so two hundred small tensors share threads as well as one large one.
// The formulas follow PyTorch's order of operations; 1 - beta^step and the like are taken in double.
#include "cpu/contiguous.h"
#include "cpu/parallel.h"
#include "cpu/row.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t piece_elements = 16384;

// body(k, begin, end): elements [begin, end) of the list's k-th tensor.
template <class Body>
void each_segment(nr_context* ctx, const nr_tensors& list, const Body& body) {
  auto* starts = static_cast<int64_t*>(ctx->scratch(ctx, static_cast<size_t>(list.count + 1) * sizeof(int64_t)));
  if (!starts) return;
  starts[0] = 0;
  for (int64_t k = 0; k < list.count; k++) starts[k + 1] = starts[k] + element_count(list.at[k]);
  parallel_range(ctx, starts[list.count], piece_elements, [&](int64_t begin, int64_t end) {
    int64_t k = 0, beyond = list.count;  // starts[k] <= begin < starts[beyond]
    while (beyond - k > 1) {
      const int64_t middle = k + (beyond - k) / 2;
      (starts[middle] <= begin ? k : beyond) = middle;
    }
    for (; begin < end; k++) {
      const int64_t stop = starts[k + 1] < end ? starts[k + 1] : end;
      if (begin < stop) body(k, begin - starts[k], stop - starts[k]);
      begin = stop;
    }
  });
}

// The gradients as contiguous arrays; null when memory is out.
const void** gradients(nr_context* ctx, const nr_tensors& grads) {
  auto** data = static_cast<const void**>(ctx->scratch(ctx, static_cast<size_t>(grads.count + 1) * sizeof(void*)));
  for (int64_t k = 0; data && k < grads.count; k++) {
    const nr_tensor& g = grads.at[k];
    data[k] = g.dtype == nr_dtype_f64 ? static_cast<const void*>(elements<double>(ctx, g))
                                      : static_cast<const void*>(elements<float>(ctx, g));
    if (!data[k] && element_count(g) > 0) return nullptr;
  }
  return data;
}

template <class V>
V constant(double value) {
  return V(static_cast<typename V::lane>(value));
}

struct Sgd {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize, first_step;

  template <class C>
  void step(C* p, const C* g, C* buffer, int64_t n) const {
    using V = vector_t<C>;
    const V rate = constant<V>(-lr), decay = constant<V>(weight_decay), m = constant<V>(momentum);
    const V fresh = constant<V>(1 - dampening);
    each_vector<V>(n, [&](int64_t i, auto lanes) {
      const V x = load<V>(p + i, lanes);
      V d = load<V>(g + i, lanes);
      if (maximize) d = -d;
      if (weight_decay != 0) d = fma(decay, x, d);
      if (momentum != 0) {
        const V b = first_step ? d : fma(m, load<V>(buffer + i, lanes), fresh * d);
        store(buffer + i, b, lanes);
        d = nesterov ? fma(m, b, d) : b;
      }
      store(p + i, fma(rate, d, x), lanes);
    });
  }
};

struct Adam {
  double lr, beta1, beta2, eps, weight_decay, correction1, root_correction2;
  bool decoupled, maximize;

  // `largest` is null without AMSGrad.
  template <class C>
  void step(C* p, const C* g, C* average, C* square, C* largest, int64_t n) const {
    using V = vector_t<C>;
    const V keep = constant<V>(1 - lr * weight_decay), decay = constant<V>(weight_decay);
    const V move = constant<V>(1 - beta1), b2 = constant<V>(beta2), fresh = constant<V>(1 - beta2);
    const V unbias = constant<V>(1 / root_correction2), e = constant<V>(eps), rate = constant<V>(-lr / correction1);
    each_vector<V>(n, [&](int64_t i, auto lanes) {
      V x = load<V>(p + i, lanes), d = load<V>(g + i, lanes);
      if (maximize) d = -d;
      if (decoupled) {
        x = x * keep;
      } else if (weight_decay != 0) {
        d = fma(decay, x, d);
      }
      const V a = load<V>(average + i, lanes);
      const V m = fma(move, d - a, a);
      const V v = fma(fresh * d, d, b2 * load<V>(square + i, lanes));
      store(average + i, m, lanes);
      store(square + i, v, lanes);
      V scale = v;
      if (largest) {
        scale = max(load<V>(largest + i, lanes), v);
        store(largest + i, scale, lanes);
      }
      store(p + i, fma(rate, m / fma(sqrt(scale), unbias, e), x), lanes);
    });
  }
};

// Element `at` of the list's k-th tensor.
template <class C>
C* element(const nr_tensors& list, int64_t k, int64_t at) {
  return static_cast<C*>(list.at[k].data) + at;
}

// body(type_tag<C>{}) for the dtypes that optimizers step.
template <class Body>
void with_parameter_dtype(int32_t dtype, const Body& body) {
  dtype == nr_dtype_f64 ? body(type_tag<double>{}) : body(type_tag<float>{});
}

}  // namespace

void sgd(nr_context* ctx, nr_tensors* params, const nr_tensors* grads, nr_tensors* momentums, double lr,
         double momentum, double dampening, double weight_decay, bool nesterov, bool maximize, bool first_step) {
  const void** g = gradients(ctx, *grads);
  if (!g) return;
  const Sgd rule{lr, momentum, dampening, weight_decay, nesterov, maximize, first_step};
  each_segment(ctx, *params, [&](int64_t k, int64_t begin, int64_t end) {
    with_parameter_dtype(params->at[k].dtype, [&](auto tag) {
      using C = typename decltype(tag)::type;
      rule.step(element<C>(*params, k, begin), static_cast<const C*>(g[k]) + begin,
                momentum != 0 ? element<C>(*momentums, k, begin) : nullptr, end - begin);
    });
  });
}

void adam(nr_context* ctx, nr_tensors* params, const nr_tensors* grads, nr_tensors* exp_avgs, nr_tensors* exp_avg_sqs,
          nr_tensors* max_exp_avg_sqs, double lr, double beta1, double beta2, double eps, double weight_decay,
          bool decoupled, bool maximize, int64_t step) {
  const void** g = gradients(ctx, *grads);
  if (!g) return;
  const double correction1 = 1 - __builtin_pow(beta1, static_cast<double>(step));
  const double correction2 = 1 - __builtin_pow(beta2, static_cast<double>(step));
  const Adam rule{lr, beta1, beta2, eps, weight_decay, correction1, __builtin_sqrt(correction2), decoupled, maximize};
  const bool amsgrad = max_exp_avg_sqs->count > 0;
  each_segment(ctx, *params, [&](int64_t k, int64_t begin, int64_t end) {
    with_parameter_dtype(params->at[k].dtype, [&](auto tag) {
      using C = typename decltype(tag)::type;
      rule.step(element<C>(*params, k, begin), static_cast<const C*>(g[k]) + begin, element<C>(*exp_avgs, k, begin),
                element<C>(*exp_avg_sqs, k, begin), amsgrad ? element<C>(*max_exp_avg_sqs, k, begin) : nullptr,
                end - begin);
    });
  });
}

}  // namespace neurite::NR_ISA
