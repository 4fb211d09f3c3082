// Sorting along one dim. Lines of up to 2048 elements (1024 of 64 bits) are sorted in shared memory in one pass
// (sort_tiles.h), longer ones in tiles that are merged, each merge being a pass over the records (sort_merge.h).
#include "sort_lines.h"
#include "sort_merge.h"
#include "table.h"

namespace neurite::cuda {

void sort(nr_context* ctx, const nr_tensor* x, nr_tensor* values, nr_tensor* index, int64_t dim, bool descending) {
  order_lines(ctx, *x, *values, *index, dim, descending,
              [&](const auto& source, const auto& sink, int64_t lines) { sort_lines(ctx, source, sink, lines); });
}

}  // namespace neurite::cuda
