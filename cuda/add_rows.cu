// Rows are sorted by their index and added up by ordered_sum.h; what is skipped sorts last and goes nowhere.
#include "add_rows.h"

#include "index.h"
#include "ordered_sum.h"

namespace neurite::cuda {
namespace {

struct KeysOfRows {
  static constexpr int threads = 256;
  Indices index;
  Strided<1> places;
  int64_t skipped;
  uint64_t none;
  uint64_t* keys;
  __device__ void operator()() const {
    const int64_t position = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (position >= places.numel) return;
    int64_t at[1];
    places.offsets(position, at);
    const int64_t picked = index[at[0]];
    keys[position] = picked == skipped ? none : static_cast<uint64_t>(picked);
  }
};

}  // namespace

void add_rows(nr_context* ctx, const nr_tensor& y, const nr_tensor& index, const nr_tensor& source_row,
              int64_t source_stride, int64_t dim, int64_t skipped) {
  const nr_tensor y_row = without_dim(y, dim);
  const nr_tensor to = in_memory_order_of(source_row, y_row), from = in_memory_order(source_row);
  const int64_t n = numel_of(index), columns = numel_of(source_row);
  if (n == 0 || columns == 0) return;
  auto* keys = static_cast<uint64_t*>(ctx->scratch(ctx, static_cast<size_t>(n) * sizeof(uint64_t)));
  if (!keys) return;
  const auto limit = static_cast<uint64_t>(y.shape[dim]);
  launch(ctx, blocks_for(n, KeysOfRows::threads),
         KeysOfRows{indices_of(index), strided<1>({&index}), skipped, limit, keys});
  dispatch(number_types{}, y.dtype, [&]<class T>() {
    OrderedSum<T> sum{static_cast<T*>(y.data),
                      static_cast<const T*>(source_row.data),
                      {},
                      n,
                      columns,
                      limit,
                      strided<2>({&to, &from}),
                      true,
                      y.shape[dim],
                      y.stride[dim],
                      source_stride,
                      nullptr};
    ordered_sum(ctx, sum, keys, limit + 1);
  });
}

}  // namespace neurite::cuda
