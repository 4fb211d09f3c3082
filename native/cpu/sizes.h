// Small arithmetic on sizes, and working memory by elements.
#pragma once
#include "cpu/table.h"

namespace neurite::NR_ISA {
namespace {

inline int64_t ceil_div(int64_t n, int64_t d) {
  return (n + d - 1) / d;
}
inline int64_t round_up(int64_t n, int64_t unit) {
  return ceil_div(n, unit) * unit;
}
inline int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}
inline int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

// Working memory of n elements; NULL when memory is out.
template <class T>
inline T* scratch(nr_context* ctx, int64_t n) {
  return static_cast<T*>(ctx->scratch(ctx, static_cast<size_t>(larger(n, 1)) * sizeof(T)));
}

}  // namespace
}  // namespace neurite::NR_ISA
