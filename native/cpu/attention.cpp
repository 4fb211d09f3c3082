// Scaled dot-product attention (Vaswani et al. 2017), y = softmax(q·kᵀ·scale + mask)·v, without ever holding the
// weights of more than a block: attention_stream.h for few queries, attention_forward.h for many. Tasks are a key head,
// some of its queries and, where that is too few tasks, a share of its keys; all of it by shape alone.
#include "cpu/attention_forward.h"
#include "cpu/attention_stream.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t attention_tasks = 32;

template <class Plan, class T, class In>
void run_plan(nr_context* ctx, const attention_shape& s, const Plan& plan, const head_rows<const In>& q,
              const head_rows<const In>& k, const head_rows<const In>& v, const head_rows<In>& y, T* lse) {
  partial_rows<T> partial;
  if (plan.shares > 1) {
    partial.rows = s.batches * s.heads * s.T;
    partial.depth = s.Dv;
    partial.data = scratch<T>(ctx, plan.shares * partial.rows * partial.row_size());
    if (!partial.data) return;
  }
  T* memory = scratch<T>(ctx, ctx->threads * plan.memory());
  if (!memory) return;
  parallel_tasks(ctx, plan.tasks(), [&](int64_t task, int32_t thread) {
    plan.run(task, memory + thread * plan.memory(), q, k, v, y, lse, partial);
  });
  if (plan.shares > 1) combine_shares(ctx, s, partial, plan.shares, y, lse);
}

}  // namespace

void attention(nr_context* ctx, const nr_tensor* q_tensor, const nr_tensor* k_tensor, const nr_tensor* v_tensor,
               const nr_optional* mask, const nr_optional* lengths, nr_tensor* y_tensor, nr_tensor* lse_tensor,
               double scale, int64_t diagonal, double p, nr_philox philox) {
  const attention_shape s = shape_of(*q_tensor, *k_tensor, *v_tensor, *lengths, diagonal);
  if (!check_lengths(ctx, s) || s.batches * s.heads * s.T == 0) return;
  with_float_dtype(q_tensor->dtype, [&](auto tag) {
    using In = typename decltype(tag)::type;
    using T = compute_t<In>;
    const auto q = rows_of<In>(*q_tensor), k = rows_of<In>(*k_tensor), v = rows_of<In>(*v_tensor);
    const auto y = result_rows<In>(*y_tensor);
    T* lse = static_cast<T*>(lse_tensor->data);
    const score_rules<T, In> rules(s, *mask, p, philox);
    const T factor = static_cast<T>(scale * static_cast<double>(score_unit<T>));
    if (attention_stream<T, In>::suits(s, k, v)) {
      run_plan(ctx, s, attention_stream<T, In>(s, rules, factor, attention_tasks), q, k, v, y, lse);
    } else {
      run_plan(ctx, s, attention_forward<T, In>(s, rules, factor, attention_tasks), q, k, v, y, lse);
    }
  });
}

}  // namespace neurite::NR_ISA
