// Writing by index: scatter, scatter_add and index_add; duplicates overwrite, or add, in the order of the indexed dim
// as on the CPU, whatever the order of threads. scatter lets all entries claim their place, the last one of it by an
// atomic maximum, and then that one write. Sums are those of ordered_sum.h.
#include "add_rows.h"
#include "index.h"
#include "ordered_sum.h"
#include "table.h"

namespace neurite::cuda {
namespace {

// Where entries are: in index, source and y (held at the indexed dim); their number outside that dim, and along it.
struct Entries {
  Strided<5> places;
  Indices index;
  int64_t size;  // of y's indexed dim

  struct Entry {
    int64_t source, y, along, picked;
    uint64_t key;  // the number of its place, counted over the other dims of index and all of y's indexed one
  };
  __device__ Entry at(int64_t position) const {
    int64_t at[5];
    places.offsets(position, at);
    const int64_t picked = index[at[0]];
    return {at[1], at[2], at[4], picked, static_cast<uint64_t>(at[3] * size + picked)};
  }
};

Entries entries_of(const nr_tensor& y, const nr_tensor& index, const nr_tensor& source, int64_t dim) {
  nr_tensor outside = index, along = index, y_held = held_at(y, index, dim);
  const nr_tensor numbers = numbered(without_dim(index, dim));
  for (int d = 0; d < index.ndim; d++) {
    outside.stride[d] = d == dim ? 0 : numbers.stride[d < dim ? d : d - 1];
    along.stride[d] = d == dim ? 1 : 0;
  }
  const nr_tensor* seen[] = {&index, &source, &y_held, &outside, &along};
  nr_tensor sorted[5];
  for (int k = 0; k < 5; k++) sorted[k] = in_memory_order_of(index, *seen[k]);
  return {strided<5>({&sorted[0], &sorted[1], &sorted[2], &sorted[3], &sorted[4]}), indices_of(index), y.shape[dim]};
}

struct ClearClaims {
  static constexpr int threads = 256;
  unsigned long long* claims;
  int64_t n;
  __device__ void operator()() const {
    const int64_t i = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (i < n) claims[i] = 0;
  }
};

struct Claim {
  static constexpr int threads = 256;
  Entries entries;
  unsigned long long* claims;
  __device__ void operator()() const {
    const int64_t position = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (position >= entries.places.numel) return;
    const auto e = entries.at(position);
    atomicMax(&claims[e.key], static_cast<unsigned long long>(e.along) + 1);
  }
};

template <class T>
struct WriteClaimed {
  static constexpr int threads = 256;
  T* y;
  const T* source;  // nullptr: the number
  uint64_t number;
  int64_t y_stride;
  Entries entries;
  const unsigned long long* claims;
  __device__ void operator()() const {
    const int64_t position = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (position >= entries.places.numel) return;
    const auto e = entries.at(position);
    if (claims[e.key] == static_cast<unsigned long long>(e.along) + 1)
      y[e.y + e.picked * y_stride] = source ? source[e.source] : static_cast<T>(number);
  }
};

struct KeysOfEntries {
  static constexpr int threads = 256;
  Entries entries;
  uint64_t* keys;
  __device__ void operator()() const {
    const int64_t position = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (position < entries.places.numel) keys[position] = entries.at(position).key;
  }
};

nr_tensor over_index(const nr_tensor& source, const nr_tensor& index) {
  nr_tensor s = source;
  for (int d = 0; d < s.ndim; d++) s.shape[d] = index.shape[d];
  return s;
}

// As many as there are keys: the elements that index can reach.
int64_t places_reached(const nr_tensor& y, const nr_tensor& index, int64_t dim) {
  return numel_of(without_dim(index, dim)) * y.shape[dim];
}

}  // namespace

void scatter(nr_context* ctx, nr_tensor* y, const nr_tensor* index, const nr_operand* source, int64_t dim) {
  require_in_range(ctx, *index, y->shape[dim]);
  if (numel_of(*index) == 0) return;
  const bool is_number = !source->tensor.data;
  const Entries entries = entries_of(*y, *index, is_number ? *index : over_index(source->tensor, *index), dim);
  const int64_t n = places_reached(*y, *index, dim);
  auto* claims = static_cast<unsigned long long*>(ctx->scratch(ctx, static_cast<size_t>(n) * sizeof(uint64_t)));
  if (!claims) return;
  const unsigned blocks = blocks_for(entries.places.numel, Claim::threads);
  launch(ctx, blocks_for(n, ClearClaims::threads), ClearClaims{claims, n});
  launch(ctx, blocks, Claim{entries, claims});
  dispatch_size(y->dtype, [&]<class T>() {
    launch(ctx, blocks,
           WriteClaimed<T>{static_cast<T*>(y->data), static_cast<const T*>(source->tensor.data), source->immediate,
                           y->stride[dim], entries, claims});
  });
}

void scatter_add(nr_context* ctx, nr_tensor* y, const nr_tensor* index, const nr_tensor* source, int64_t dim) {
  require_in_range(ctx, *index, y->shape[dim]);
  const int64_t n = numel_of(*index);
  if (n == 0) return;
  const nr_tensor s = over_index(*source, *index);
  auto* keys = static_cast<uint64_t*>(ctx->scratch(ctx, static_cast<size_t>(n) * sizeof(uint64_t)));
  if (!keys) return;
  launch(ctx, blocks_for(n, KeysOfEntries::threads), KeysOfEntries{entries_of(*y, *index, s, dim), keys});
  const nr_tensor to = in_memory_order_of(*index, held_at(*y, *index, dim)), from = in_memory_order_of(*index, s);
  const auto limit = static_cast<uint64_t>(places_reached(*y, *index, dim));
  dispatch(number_types{}, y->dtype, [&]<class T>() {
    OrderedSum<T> sum{static_cast<T*>(y->data),
                      static_cast<const T*>(s.data),
                      {},
                      n,
                      1,
                      limit,
                      strided<2>({&to, &from}),
                      false,
                      y->shape[dim],
                      y->stride[dim],
                      0,
                      nullptr};
    ordered_sum(ctx, sum, keys, limit);
  });
}

void index_add(nr_context* ctx, nr_tensor* y, const nr_tensor* index, const nr_tensor* source, int64_t dim) {
  require_in_range(ctx, *index, y->shape[dim]);
  add_rows(ctx, *y, *index, without_dim(*source, dim), source->stride[dim], dim, -1);
}

}  // namespace neurite::cuda
