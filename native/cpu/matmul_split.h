// When a product cuts K: each part of K is a product of its own, whose sums are added up in order afterwards. Results
// of few elements give threads something to share that way; and a matrix that a few rows stream from memory is read in
// runs that are as long as can be. The parts follow from the shape alone.
#pragma once
#include "cpu/matmul_thin.h"

namespace neurite::NR_ISA {
namespace {

template <class T>
inline bool is_streamed(const matmul_plan& p) {
  return is_thin<T>(p) && p.b_stride_n == 1;
}

// How deep the parts are; K where one is enough. What they write and read again stays a small share of what they read
// of a and b.
template <class T>
inline int64_t part_depth(const matmul_plan& p) {
  constexpr int64_t streamed_bytes = int64_t{2} << 20, deep = 4096, most_parts = 64;
  const int64_t sums = p.batches * p.M * p.N, few_sums = is_thin<T>(p) ? 64 : int64_t{1} << 16;
  if (sums == 0) return p.K;
  int64_t depth = p.K;
  if (is_streamed<T>(p)) {
    depth = larger(streamed_bytes / (p.N * int64_t{sizeof(T)}), 32 * p.M);
  } else if (sums <= few_sums) {
    depth = larger(deep, round_up(ceil_div(p.K, most_parts), 8));
  }
  return p.K >= 2 * depth ? depth : p.K;
}

// The product of `parts` parts, each a batch of its own.
inline matmul_plan parts_of(const matmul_plan& p, int64_t parts, int64_t depth) {
  matmul_plan part = p;
  part.K = depth;
  part.batches *= parts;
  const auto add_dim = [&](batch_offsets& offsets, int64_t stride) {
    offsets.shape[offsets.ndim] = parts;
    offsets.stride[offsets.ndim++] = stride * depth;
  };
  add_dim(part.a, p.a_stride_k);
  add_dim(part.b, p.b_stride_k);
  return part;
}

// y = ending(bias + the sum of all parts): part i of a batch lies at sums[batch * parts + i], the rest of K at
// rest[batch] (or NULL).
template <class T>
void add_parts(nr_context* ctx, const matmul_plan& p, int64_t parts, T* sums, const T* rest, const T* bias, T* y,
               const epilogue<T, T>& ending) {
  using V = vector_t<T>;
  constexpr int64_t piece = 4096;
  const int64_t size = p.M * p.N, columns = smaller(p.N, piece), rows = larger(1, piece / p.N);
  const int64_t count_n = ceil_div(p.N, columns), count_m = ceil_div(p.M, rows);
  parallel_tasks(ctx, p.batches * count_m * count_n, [&](int64_t task, int32_t) {
    const int64_t batch = task / (count_m * count_n), block = task % (count_m * count_n);
    const int64_t m = block / count_n * rows, n = block % count_n * columns;
    const int64_t height = smaller(rows, p.M - m), width = smaller(columns, p.N - n), at = m * p.N + n;
    T* first = sums + batch * parts * size + at;
    for (int64_t i = 0; i < height; i++) {
      for (int64_t j = 0; j < width; j += V::width) {
        const int64_t to = i * p.N + j, lanes = width - j;
        V sum = load<V>(first + to, lanes);
        for (int64_t part = 1; part < parts; part++) sum = sum + load<V>(first + part * size + to, lanes);
        if (rest) sum = sum + load<V>(rest + batch * size + at + to, lanes);
        if (bias) sum = sum + load<V>(bias + n + j, lanes);
        store(first + to, sum, lanes);
      }
    }
    ending.finish(first, p.N, y, batch * size + at, p.N, height, width);
  });
}

// product(plan, a, b, y) computes each of the parts.
template <class T, class Product>
void split_matmul(nr_context* ctx, const matmul_plan& p, int64_t depth, const T* a, const T* b, const T* bias, T* y,
                  const epilogue<T, T>& ending, const Product& product) {
  const int64_t parts = p.K / depth, left = p.K - parts * depth, size = p.batches * p.M * p.N;
  T* sums = scratch<T>(ctx, size * (parts + (left > 0)));
  if (!sums) return;
  T* rest = left > 0 ? sums + size * parts : nullptr;
  product(parts_of(p, parts, depth), a, b, sums);
  if (rest) {
    const int64_t k = parts * depth;
    product(parts_of(p, 1, left), a + k * p.a_stride_k, b + k * p.b_stride_k, rest);
  }
  add_parts(ctx, p, parts, sums, rest, bias, y, ending);
}

}  // namespace
}  // namespace neurite::NR_ISA
