// Rows of attention whose keys were shared out among blocks and warps: each part leaves its maximum score, its sum of
// exponentials and its weighted sum of values, and here they become one, in the order of the parts.
#pragma once
#include "attention_shape.h"
#include "launch.h"

namespace neurite::cuda {
namespace {

// The numbers of a part of a row lie behind each other, the values first.
template <class T>
struct PartialRows {
  T* data = nullptr;
  int64_t rows = 0;
  int depth = 0;

  int64_t row_size() const { return depth + 2; }
  __device__ T* values(int part, int64_t row) const { return data + (part * rows + row) * (depth + 2); }
  __device__ T& top(int part, int64_t row) const { return values(part, row)[depth]; }
  __device__ T& sum(int part, int64_t row) const { return values(part, row)[depth + 1]; }
};

// A warp for each row; lanes run along its values.
template <class T, class Out>
struct CombineParts {
  static constexpr int threads = 128;
  AttentionShape s;
  PartialRows<T> partial;
  int parts;
  HeadRows<Out> y;
  T* lse;

  __device__ void operator()() const {
    constexpr int warps = threads / 32;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int64_t first = static_cast<int64_t>(blockIdx.x) * warps + threadIdx.x / 32;
    for (int64_t row = first; row < partial.rows; row += static_cast<int64_t>(gridDim.x) * warps) {
      T top = -infinity<T>, sum = 0;
      for (int i = 0; i < parts; i++) top = partial.top(i, row) > top ? partial.top(i, row) : top;
      for (int i = 0; i < parts; i++) sum += partial.sum(i, row) * weight(i, row, top);
      if (lane == 0) lse[row] = log_sum_exp(top, sum);
      const int64_t head = row / s.T;
      Out* to = y.at(static_cast<int>(head / s.heads), static_cast<int>(head % s.heads), static_cast<int>(row % s.T));
      const T factor = sum == 0 ? T(0) : T(1) / sum;
      for (int d = lane; d < s.Dv; d += 32) {
        T total = 0;
        for (int i = 0; i < parts; i++) total += partial.values(i, row)[d] * weight(i, row, top);
        to[d] = convert<Out>(total * factor);
      }
    }
  }

 private:
  // Zero for a part that saw no key; not for one that saw NaN alone, whose maximum looks alike.
  __device__ T weight(int part, int64_t row, T top) const {
    const T own = partial.top(part, row);
    return own == top ? T(1) : exp_score(own - top);
  }
};

}  // namespace
}  // namespace neurite::cuda
