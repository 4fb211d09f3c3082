// dw[index[i]] += dy[i], from zero, skipping the padding index. The rows of dw are dealt out to tasks by their lowest
// bits (frequent tokens are neighbours, so ranges would be uneven); every task walks all indices in order and adds the
// rows it owns: no two tasks write one row, and each row's order of additions is fixed. 16-bit sums run in float32.
#include "cpu/contiguous.h"
#include "cpu/index.h"
#include "cpu/row.h"

namespace neurite::NR_ISA {

void embedding_backward(nr_context* ctx, const nr_tensor* dy_tensor, const nr_tensor* index_tensor,
                        nr_tensor* dw_tensor, int64_t padding_index) {
  if (!indices_in_range(ctx, *index_tensor, dw_tensor->shape[0])) return;
  with_float_dtype(dw_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    using V = vector_t<T>;
    const int64_t n = element_count(*index_tensor), columns = dw_tensor->shape[1];
    const T* dy = elements<T>(ctx, *dy_tensor);
    const int64_t* index = elements<int64_t>(ctx, *index_tensor);
    Target<C> dw(ctx, *dw_tensor);
    if (!dy || !index || !dw.data()) return;
    C* rows = dw.data();
    with_streaming(rows, 1, dw_tensor->shape[0] * columns, [&](auto streamed) {
      parallel_range(ctx, dw_tensor->shape[0] * columns, 65536, [&](int64_t begin, int64_t end) {
        each_vector<vector_t<C>>(
            end - begin, [&](int64_t i, auto lanes) { put(streamed, rows + begin + i, vector_t<C>(0), lanes); });
        stream_end();
      });
    });
    // Walking the indices costs every task the same: worth it only if the rows are long.
    int64_t owners = 1;
    if (n * columns > 16384)
      while (owners < 16 && owners * 16 < columns) owners *= 2;
    parallel_tasks(ctx, owners, [&](int64_t owner, int32_t) {
      for (int64_t i = 0; i < n; i++) {
        const int64_t row = index[i];
        if ((row & (owners - 1)) != owner || row == padding_index) continue;
        C* sum = rows + row * columns;
        const T* d = dy + i * columns;
        each_vector<V>(columns, [&](int64_t j, auto lanes) {
          store(sum + j, load<V>(sum + j, lanes) + load<V>(d + j, lanes), lanes);
        });
      }
    });
    dw.finish();
  });
}

}  // namespace neurite::NR_ISA
