// y[index[i]] += source[i] along a dim, for whole rows over the other dims.
#pragma once
#include "backend.h"

namespace neurite::cuda {

// `source_row` is the first of the rows, which are `source_stride` apart in the row-major order of index. Rows whose
// index is `skipped` are left out. Indices are in range.
void add_rows(nr_context* ctx, const nr_tensor& y, const nr_tensor& index, const nr_tensor& source_row,
              int64_t source_stride, int64_t dim, int64_t skipped);

}  // namespace neurite::cuda
