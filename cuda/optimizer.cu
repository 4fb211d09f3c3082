// Optimizer steps over whole lists of parameters, each in one pass over its memory: what moves is what is read and
// written, once. A launch takes the pointers of up to 64 tensors along; a block finds its 4096 elements among them by a
// binary search, so that two hundred small tensors need four launches. The formulas follow PyTorch's order of
// operations; 1 - beta^step and the like are taken in double.
#include "contiguous.h"
#include "functions.h"
#include "launch.h"
#include "pack.h"
#include "table.h"

namespace neurite::cuda {
namespace {

template <class C, int states>
struct Slot {
  C* p;
  const C* g;
  C* state[states];  // null: the rule has none of it
  int64_t n;
  bool packed;  // all of them are aligned for packs
};

// A Rule: `states`, and step(p, g, state) for an element.
template <class C, class Rule>
struct StepParameters {
  static constexpr int threads = 256, slots = 64, lanes = pack_size<C>, chunk = 4096, states = Rule::states;
  Rule rule;
  int count = 0;
  uint32_t first_block[slots + 1] = {0};  // of each tensor
  Slot<C, states> slot[slots];

  __device__ void operator()() const {
    int low = 0, high = count;  // first_block[low] <= blockIdx.x < first_block[high]
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      if (first_block[middle] <= blockIdx.x)
        low = middle;
      else
        high = middle;
    }
    const Slot<C, states>& s = slot[low];
    const int64_t begin = int64_t{blockIdx.x - first_block[low]} * chunk;
    const int64_t end = begin + chunk < s.n ? begin + chunk : s.n;
    for (int64_t i = begin + static_cast<int64_t>(threadIdx.x) * lanes; i < end; i += threads * lanes) {
      if (s.packed && i + lanes <= end)
        step_pack<lanes>(s, i);
      else
        for (int64_t j = i; j < i + lanes && j < end; j++) step_pack<1>(s, j);
    }
  }

  template <int n>
  __device__ void step_pack(const Slot<C, states>& s, int64_t i) const {
    auto p = load_pack<C, n>(s.p + i);
    const auto g = load_pack<C, n>(s.g + i);
    Pack<C, n> held[states] = {};
    for (int k = 0; k < states; k++)
      if (s.state[k]) held[k] = load_pack<C, n>(s.state[k] + i);
#pragma unroll
    for (int v = 0; v < n; v++) {
      C state[states];
      for (int k = 0; k < states; k++) state[k] = held[k].at[v];
      rule.step(p.at[v], g.at[v], state);
      for (int k = 0; k < states; k++) held[k].at[v] = state[k];
    }
    store_pack(s.p + i, p);
    for (int k = 0; k < states; k++)
      if (s.state[k]) store_pack(s.state[k] + i, held[k]);
  }
};

// Steps the parameters of the list that are of C, whose states are in `states` (an empty list: none).
template <class C, class Rule>
void step_list(nr_context* ctx, const Rule& rule, const nr_tensors& params, const nr_tensors& grads,
               const nr_tensors* const (&states)[Rule::states]) {
  using Kernel = StepParameters<C, Rule>;
  Kernel kernel{};
  kernel.rule = rule;
  const auto flush = [&] {
    launch(ctx, kernel.first_block[kernel.count], kernel);
    kernel.count = 0;
  };
  for (int64_t i = 0; i < params.count; i++) {
    const nr_tensor& p = params.at[i];
    const int64_t n = numel_of(p);
    if (p.dtype != dtype_of<C> || n == 0) continue;
    Slot<C, Rule::states> slot{static_cast<C*>(p.data), elements<C>(ctx, grads.at[i]), {}, n, true};
    if (!slot.g) return;
    slot.packed = is_aligned(slot.p, 16) && is_aligned(slot.g, 16);
    for (int k = 0; k < Rule::states; k++) {
      if (states[k]->count == 0) continue;
      slot.state[k] = static_cast<C*>(states[k]->at[i].data);
      slot.packed = slot.packed && is_aligned(slot.state[k], 16);
    }
    kernel.slot[kernel.count++] = slot;
    kernel.first_block[kernel.count] = kernel.first_block[kernel.count - 1] + blocks_for(n, Kernel::chunk);
    if (kernel.count == Kernel::slots) flush();
  }
  if (kernel.count > 0) flush();
}

template <class C>
struct Sgd {
  static constexpr int states = 1;
  C lr, momentum, fresh, weight_decay;
  bool nesterov, maximize, first_step;

  __device__ void step(C& p, C g, C (&buffer)[1]) const {
    C d = maximize ? -g : g;
    if (weight_decay != 0) d += weight_decay * p;
    if (momentum != 0) {
      buffer[0] = first_step ? d : momentum * buffer[0] + fresh * d;
      d = nesterov ? d + momentum * buffer[0] : buffer[0];
    }
    p -= lr * d;
  }
};

template <class C>
struct Adam {
  static constexpr int states = 3;  // average, average of squares, the largest of those (AMSGrad)
  C keep, weight_decay, move, beta2, fresh, unbias, eps, rate;
  bool decoupled, maximize, amsgrad;

  __device__ void step(C& p, C g, C (&state)[3]) const {
    C d = maximize ? -g : g;
    if (decoupled)
      p *= keep;
    else if (weight_decay != 0)
      d += weight_decay * p;
    state[0] += move * (d - state[0]);
    state[1] = beta2 * state[1] + fresh * d * d;
    C scale = state[1];
    if (amsgrad) scale = state[2] = state[2] > scale ? state[2] : scale;
    p -= rate * (state[0] / (sqrt(scale) * unbias + eps));
  }
};

}  // namespace

void sgd(nr_context* ctx, nr_tensors* params, const nr_tensors* grads, nr_tensors* momentums, double lr,
         double momentum, double dampening, double weight_decay, bool nesterov, bool maximize, bool first_step) {
  const nr_tensors none = {0, nullptr};
  const auto step = [&]<class C>() {
    const Sgd<C> rule{static_cast<C>(lr),
                      static_cast<C>(momentum),
                      static_cast<C>(1 - dampening),
                      static_cast<C>(weight_decay),
                      nesterov,
                      maximize,
                      first_step};
    step_list<C>(ctx, rule, *params, *grads, {momentum != 0 ? momentums : &none});
  };
  step.operator()<float>();
  step.operator()<double>();
}

void adam(nr_context* ctx, nr_tensors* params, const nr_tensors* grads, nr_tensors* exp_avgs, nr_tensors* exp_avg_sqs,
          nr_tensors* max_exp_avg_sqs, double lr, double beta1, double beta2, double eps, double weight_decay,
          bool decoupled, bool maximize, int64_t step_number) {
  const double correction1 = 1 - ::pow(beta1, static_cast<double>(step_number));
  const double correction2 = 1 - ::pow(beta2, static_cast<double>(step_number));
  const auto step = [&]<class C>() {
    const auto as = [](double value) { return static_cast<C>(value); };
    const Adam<C> rule{as(1 - lr * weight_decay),   as(weight_decay), as(1 - beta1),        as(beta2), as(1 - beta2),
                       as(1 / ::sqrt(correction2)), as(eps),          as(lr / correction1), decoupled, maximize,
                       max_exp_avg_sqs->count > 0};
    step_list<C>(ctx, rule, *params, *grads, {exp_avgs, exp_avg_sqs, max_exp_avg_sqs});
  };
  step.operator()<float>();
  step.operator()<double>();
}

}  // namespace neurite::cuda
