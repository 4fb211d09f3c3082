// How tiled products end in a contiguous y [batches, rows, columns]: the bias of a column is added and the epilogue
// applied.
#pragma once
#include "epilogue.h"
#include "partial_sums.h"

namespace neurite::cuda {
namespace {

template <class T>
struct MatrixEnding : PartialSums<sum_of<T>> {
  using C = sum_of<T>;
  static constexpr int pack = pack_size<T>;
  Epilogue<T> epilogue;
  const T* bias;  // or NULL
  int64_t bias_stride;
  bool is_turned;

  __device__ bool turned() const { return is_turned; }

  template <int N>
  __device__ void finish(const Tile& tile, int64_t row, int64_t column, C (&v)[N]) const {
    this->keep_or_finish(*this, tile, row, column, v);
  }

  template <int N>
  __device__ void finish_sums(int64_t batch, int64_t row, int64_t column, C (&v)[N], int count) const {
    if (bias) {
      for (int i = 0; i < N; i++)
        if (i < count) v[i] += computed(bias[(column + i) * bias_stride]);
    }
    epilogue.finish(this->place(batch, row, column), v, count);
  }
};

}  // namespace
}  // namespace neurite::cuda
