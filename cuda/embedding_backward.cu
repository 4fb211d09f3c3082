// dw[index[i]] += dy[i], from zero, skipping the padding index, in the order of i.
#include "add_rows.h"
#include "index.h"
#include "table.h"

namespace neurite::cuda {

void embedding_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* index, nr_tensor* dw,
                        int64_t padding_index) {
  require_in_range(ctx, *index, dw->shape[0]);
  fill(ctx, dw, {0, 0, true});
  nr_tensor rows = numbered(*dy);
  rows.data = dy->data;
  if (!is_contiguous(*dy)) {
    rows.data = ctx->scratch(ctx, static_cast<size_t>(numel_of(*dy) * size_of(dy->dtype)));
    if (!rows.data) return;
    copy(ctx, dy, &rows);
  }
  nr_tensor row = rows;
  row.ndim = 1;
  row.shape[0] = dw->shape[1];
  row.stride[0] = 1;
  add_rows(ctx, *dw, *index, row, dw->shape[1], 0, padding_index);
}

}  // namespace neurite::cuda
