// Sizes of sliding windows over 1 to 3 spatial dims, shared by convolution and pooling. Every size is bounded so that
// neither these formulas nor the kernels' index arithmetic can overflow.
#pragma once
#include "contract/contract.h"

namespace neurite::contract {

inline constexpr int64_t largest_extent = int64_t{1} << 30;

inline bool each_within(const nr_ints& list, int64_t low, int64_t high) {
  for (int64_t i = 0; i < list.count; i++)
    if (list.at[i] < low || list.at[i] > high) return false;
  return true;
}

// What one axis' window covers, and what it slides over.
struct window {
  int64_t in, size, stride, padding, dilation;

  bool is_bounded() const {
    return in <= largest_extent && size <= largest_extent && padding <= largest_extent / 4 &&
           in + 2 * padding <= largest_extent && dilation * (size - 1) < largest_extent;
  }
  int64_t slack() const { return in + 2 * padding - dilation * (size - 1) - 1; }
  bool fits() const { return slack() >= 0; }
  int64_t outputs() const { return slack() / stride + 1; }
};

}  // namespace neurite::contract
