// Gradient of attention by recomputation (Dao 2022, FlashAttention): with P = exp(scores - lse) and delta = Σ dy·y,
//   dV = Pᵀ·dY,  dP = dY·Vᵀ,  dS = P ∘ (dP - delta),  dQ = dS·K · scale,  dK = dSᵀ·Q · scale,
// five products of which each block of scores takes part once. A task is a key head and a run of its keys: it owns dk
// and dv of those, and dq where there is one run per head; else dq is the sum of what the runs leave (attention_run.h).
#include "cpu/attention_run.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t attention_tasks = 32;

// dq from the shares of all runs of a head, added in the order of the runs.
template <class T, class In>
void combine_runs(nr_context* ctx, const attention_shape& s, const run_plan<T>& plan, T* shares, T scale,
                  const head_rows<In>& dq) {
  const int64_t panels = plan.queries.panels(), size = s.D * panel_lanes<T>;
  parallel_tasks(ctx, s.batches * s.key_heads * panels, [&](int64_t task, int32_t) {
    const int64_t head = task / panels, panel = task % panels;
    T* sum = shares + plan.share_at(s, head, 0) + panel * size;
    for (int64_t run = 1; run < plan.runs; run++) {
      const T* from = shares + plan.share_at(s, head, run) + panel * size;
      for (int64_t e = 0; e < size; e++) sum[e] += from[e];
    }
    store_panel(query_panel<T>(s, plan.queries, head / s.key_heads, head % s.key_heads, panel), sum, scale, s.D, dq);
  });
}

template <class In>
void clear(nr_tensor& t) {
  __builtin_memset(t.data, 0, static_cast<size_t>(t.shape[0] * t.shape[1] * t.shape[2] * t.shape[3]) * sizeof(In));
}

}  // namespace

void attention_backward(nr_context* ctx, const nr_tensor* dy_tensor, const nr_tensor* q_tensor,
                        const nr_tensor* k_tensor, const nr_tensor* v_tensor, const nr_optional* mask,
                        const nr_optional* lengths, const nr_tensor* y_tensor, const nr_tensor* lse_tensor,
                        nr_tensor* dq_tensor, nr_tensor* dk_tensor, nr_tensor* dv_tensor, double scale,
                        int64_t diagonal, double p, nr_philox philox) {
  const attention_shape s = shape_of(*q_tensor, *k_tensor, *v_tensor, *lengths, diagonal);
  if (!check_lengths(ctx, s)) return;
  with_float_dtype(q_tensor->dtype, [&](auto tag) {
    using In = typename decltype(tag)::type;
    using T = compute_t<In>;
    if (s.batches * s.heads * s.T == 0 || s.S == 0) {
      clear<In>(*dq_tensor);
      clear<In>(*dk_tensor);
      clear<In>(*dv_tensor);
      return;
    }
    const score_rules<T, In> rules(s, *mask, p, philox);
    const run_plan<T> plan(s, rules.has_mask() || rules.drops(), attention_tasks);
    T* memory = scratch<T>(ctx, ctx->threads * plan.memory.size());
    T* shares = plan.runs > 1 ? scratch<T>(ctx, plan.shares_size(s)) : nullptr;
    if (!memory || (plan.runs > 1 && !shares)) return;
    const attention_gradient<T, In> gradient = {s,
                                                rules,
                                                plan,
                                                static_cast<T>(scale),
                                                rows_of<In>(*dy_tensor),
                                                rows_of<In>(*q_tensor),
                                                rows_of<In>(*k_tensor),
                                                rows_of<In>(*v_tensor),
                                                rows_of<In>(*y_tensor),
                                                static_cast<const T*>(lse_tensor->data),
                                                result_rows<In>(*dq_tensor),
                                                result_rows<In>(*dk_tensor),
                                                result_rows<In>(*dv_tensor)};
    parallel_tasks(ctx, plan.tasks(s), [&](int64_t task, int32_t thread) {
      gradient.run(task, memory + thread * plan.memory.size(), shares);
    });
    if (plan.runs > 1) combine_runs(ctx, s, plan, shares, static_cast<T>(scale), gradient.dq);
  });
}

}  // namespace neurite::NR_ISA
