// The first k elements along one dim in the order of sort. Each tile of a line is sorted in shared memory and keeps its
// best k; what was kept is the line of the next pass, until it fits one tile: with k well below a tile one pass over x
// and a little. Otherwise everything is sorted.
#include "sort_lines.h"
#include "sort_merge.h"
#include "table.h"

namespace neurite::cuda {
namespace {

template <class T>
void best_of_lines(nr_context* ctx, const ElementSource<T>& source, const ElementSink<record_of<T>, bits_of<T>>& sink,
                   int64_t lines) {
  using R = record_of<T>;
  constexpr int capacity = tile_records<R>;
  const int64_t k = sink.count;
  SortShape shape(lines, sink.n, k, capacity);
  if (shape.tiles == 1) return sort_tiles(ctx, source, sink, shape);
  if (k > capacity / 4) return sort_lines(ctx, source, sink, lines);
  const auto room = [&] {
    const auto bytes = static_cast<size_t>(lines * shape.kept()) * sizeof(R);
    return static_cast<R*>(ctx->scratch(ctx, bytes));
  };
  R* kept = room();
  if (!kept) return;
  sort_tiles(ctx, source, RecordSink<R>{kept, shape.kept()}, shape);
  for (shape = SortShape(lines, shape.kept(), k, capacity); shape.tiles > 1;
       shape = SortShape(lines, shape.kept(), k, capacity)) {
    R* const fewer = room();
    if (!fewer) return;
    sort_tiles(ctx, RecordSource<R>{kept}, RecordSink<R>{fewer, shape.kept()}, shape);
    kept = fewer;
  }
  sort_tiles(ctx, RecordSource<R>{kept}, sink, shape);
}

}  // namespace

void topk(nr_context* ctx, const nr_tensor* x, nr_tensor* values, nr_tensor* index, int64_t dim, bool largest) {
  order_lines(ctx, *x, *values, *index, dim, largest,
              [&](const auto& source, const auto& sink, int64_t lines) { best_of_lines(ctx, source, sink, lines); });
}

}  // namespace neurite::cuda
