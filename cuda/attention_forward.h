// Attention forward (Dao 2023, FlashAttention-2): a block takes a tile of the queries of one key head and walks the
// tiles of its keys, K then V, the next one on its way while the warps multiply: one barrier for each. Scores stay in
// registers and become the left operand of the product with V; each row keeps its maximum so far, the sum of
// exponentials and the weighted sum of values, rescaled when the maximum grows. Tiles that no query of the tile sees
// are skipped. Ways, by template:
//   warps along queries, each with 16 · row_tiles rows; or, for few queries, along keys: 16 rows, and each warp leaves
//   what it saw of every tile for attention_partial.h to combine;
//   wide: rows of any length, by chunks of `width` for the scores, a slice of `width` values for each block.
// Shared memory: two tiles of keys, and the queries (wide: in each of the two, a chunk of them).
#pragma once
#include "attention_partial.h"
#include "attention_product.h"
#include "attention_rules.h"

namespace neurite::cuda {
namespace {

template <class Product, int width, int row_tiles, int keys, bool along_keys, bool wide>
struct AttentionForward {
  using In = typename Product::Element;
  using Sum = typename Product::Sum;
  using Left = typename Product::Left;
  static constexpr int warps = 4, threads = 32 * warps;
  static constexpr int warp_rows = 16 * row_tiles, rows = along_keys ? warp_rows : warps * warp_rows;
  static constexpr int warp_keys = along_keys ? keys / warps : keys;
  static constexpr int score_tiles = warp_keys / 8, value_tiles = width / 8;
  static constexpr int pitch = row_pitch<In, width>;
  static constexpr int stage = (wide ? keys + rows : keys) * pitch;
  static constexpr int query_tile = wide ? 0 : rows * pitch;
  static constexpr size_t shared_bytes = sizeof(In) * (query_tile + 2 * stage);
  static constexpr int parts = along_keys ? warps : 1;  // that a block leaves of a row, if not the result
  static constexpr bool keeps_queries = Product::keeps_left && !wide && row_tiles == 1 && width <= 128;

  AttentionShape s;
  ScoreRules<In> rules;
  HeadRows<const In> q, k, v;
  HeadRows<In> y;
  Sum* lse;
  Sum scale;
  int tiles = 1, slices = 1, chunks = 1, shares = 1, share_keys = 0;
  PartialRows<Sum> partial = {};

  __device__ void operator()() const {
    SIMT_DYN_SHARED(In, memory);
    unsigned index = blockIdx.x;
    const auto next_of = [&](int n) {
      const unsigned i = index % n;
      index /= n;
      return static_cast<int>(i);
    };
    const int share = next_of(shares), slice = next_of(slices);
    const int first = (tiles - 1 - next_of(tiles)) * rows;  // the last ones see most
    const int key_head = next_of(s.key_heads), b = static_cast<int>(index);
    const QueryRows queries = {s, b, key_head, s.keys(b)};
    const int highest = queries.highest(first, first + rows);
    const int begin = share * share_keys, end = begin + share_keys < highest ? begin + share_keys : highest;

    const auto start = [&](int step, int at, int part) {
      In* to = memory + query_tile + step % 2 * stage;
      const bool is_key = part < chunks;
      const HeadRows<const In> from = is_key ? k : v;
      begin_rows<threads, width, keys>(to, end - at, (is_key ? part : slice) * width, is_key ? s.D : s.Dv,
                                       [&](int row) { return from.at(b, key_head, at + row); });
      if (wide && is_key) start_queries(to + keys * pitch, queries, first, part * width);
      async_commit();
    };
    int step = 0;
    // Waits for a tile and begins the one after it.
    const auto take = [&](int at, int part) -> const In* {
      async_wait<0>();
      __syncthreads();
      if (part < chunks)
        start(step + 1, at, part + 1);
      else if (at + keys < end)
        start(step + 1, at + keys, 0);
      return memory + query_tile + step++ % 2 * stage;
    };

    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int row = along_keys ? first : first + warp * warp_rows, key = along_keys ? warp * warp_keys : 0;
    WarpRows state(queries, row);
    if (begin < end) {
      if (!wide) start_queries(memory, queries, first, 0);
      start(0, begin, 0);
    }
    Left kept[keeps_queries ? width / Product::depth : 1][row_tiles];
    for (int at = begin; at < end; at += keys) {
      const bool is_seen = at + key < state.highest;  // by this warp
      Sum score[row_tiles][score_tiles][4] = {};
      for (int part = 0; part < chunks; part++) {
        const In* tile = take(at, part);
        if (!is_seen) continue;
        const In* left = (wide ? tile + keys * pitch : memory) + (row - first) * pitch;
        if (keeps_queries && at == begin)
#pragma unroll
          for (int d = 0; d < (keeps_queries ? width : 0); d += Product::depth)
#pragma unroll
            for (int i = 0; i < row_tiles; i++)
              Product::load(kept[d / Product::depth][i], left + 16 * i * pitch + d, pitch);
#pragma unroll
        for (int d = 0; d < width; d += Product::depth) {
          if constexpr (keeps_queries) {
            Product::add_rows(score, kept[d / Product::depth], tile + key * pitch + d, pitch);
          } else {
            Left a[row_tiles];
#pragma unroll
            for (int i = 0; i < row_tiles; i++) Product::load(a[i], left + 16 * i * pitch + d, pitch);
            Product::add_rows(score, a, tile + key * pitch + d, pitch);
          }
        }
      }
      if (is_seen) weigh(queries, row, at + key, state, score);
      const In* values = take(at, chunks);
      if (!is_seen) continue;
#pragma unroll
      for (int j = 0; j < warp_keys; j += Product::depth) {
        Left a[row_tiles];
#pragma unroll
        for (int i = 0; i < row_tiles; i++) Product::from_sums(a[i], score[i], j / Product::depth);
        Product::add_columns(state.values, a, values + (key + j) * pitch, pitch);
      }
    }
    finish(queries, row, slice, share * parts + (along_keys ? warp : 0), state);
  }

 private:
  // What a lane keeps of the rows of its warp: of tile i the rows g and g + 8.
  struct WarpRows {
    int lowest, highest;  // limits in the warp
    int limit[row_tiles][2];
    Sum top[row_tiles][2], sum[row_tiles][2];
    Sum values[row_tiles][value_tiles][4];

    __device__ WarpRows(const QueryRows& queries, int row)
        : lowest(queries.lowest(row, row + warp_rows)), highest(queries.highest(row, row + warp_rows)), values{} {
#pragma unroll
      for (int i = 0; i < row_tiles; i++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
          limit[i][h] = queries.limit(row + 16 * i + 8 * h + lane_index() / 4);
          top[i][h] = -infinity<Sum>;
          sum[i][h] = 0;
        }
    }
  };

  __device__ void start_queries(In* to, const QueryRows& queries, int first, int column) const {
    begin_rows<threads, width, rows>(to, s.queries() - first, column, s.D,
                                     [&](int row) { return queries.at(q, first + row); });
  }

  // Products become weights, up to the sum that they will be divided by.
  __device__ void weigh(const QueryRows& queries, int first_row, int first_key, WarpRows& state,
                        Sum (&score)[row_tiles][score_tiles][4]) const {
    const bool hides = first_key + warp_keys > state.lowest;
#pragma unroll
    for (int i = 0; i < row_tiles; i++) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
        const int row = first_row + 16 * i + 8 * h + lane_index() / 4, limit = state.limit[i][h];
        Sum best = state.top[i][h];
#pragma unroll
        for (int j = 0; j < score_tiles; j++)
#pragma unroll
          for (int e = 0; e < 2; e++) {
            const int key = first_key + 8 * j + lane_index() % 4 * 2 + e;
            Sum& x = score[i][j][2 * h + e];
            x *= scale;
            if (rules.has_mask() && key < limit) x += rules.bias(queries, row, key);
            if (hides && key >= limit) x = -infinity<Sum>;
            best = x > best ? x : best;
          }
        for (int bits = 1; bits < 4; bits *= 2) {
          const Sum other = __shfl_xor_sync(0xffffffff, best, bits);
          best = other > best ? other : best;
        }
        // Where nothing was seen yet there is nothing to subtract.
        const Sum shift = best == -infinity<Sum> ? Sum(0) : best;
        const Sum factor = exp_score(state.top[i][h] - shift);
        state.top[i][h] = best;
        Sum sum = 0;
#pragma unroll
        for (int j = 0; j < score_tiles; j++)
#pragma unroll
          for (int e = 0; e < 2; e++) sum += score[i][j][2 * h + e] = exp_score(score[i][j][2 * h + e] - shift);
        state.sum[i][h] = state.sum[i][h] * factor + sum;
#pragma unroll
        for (int j = 0; j < value_tiles; j++)
#pragma unroll
          for (int e = 0; e < 2; e++) state.values[i][j][2 * h + e] *= factor;
      }
      if (rules.drops()) drop(queries, first_row + 16 * i, first_key, score[i]);
    }
  }

  // Each lane draws for half of the keys of one row and hands out what it drew.
  __device__ void drop(const QueryRows& queries, int row, int key, Sum (&weight)[score_tiles][4]) const {
    constexpr int run = warp_keys / 2;
    const int lane = lane_index();
    const uint32_t drawn = rules.kept(queries, row + lane % 16, key + lane / 16 * run, run);
#pragma unroll
    for (int h = 0; h < 2; h++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const uint32_t kept = __shfl_sync(0xffffffff, drawn, lane / 4 + 8 * h + 16 * half);
#pragma unroll
        for (int j = half * run / 8; j < (half + 1) * run / 8; j++)
#pragma unroll
          for (int e = 0; e < 2; e++)
            weight[j][2 * h + e] *= kept >> (8 * j - half * run + lane % 4 * 2 + e) & 1 ? rules.keep : Sum(0);
      }
  }

  __device__ void finish(const QueryRows& queries, int first_row, int slice, int part, const WarpRows& state) const {
    const int t = lane_index() % 4, columns = s.Dv - slice * width;
#pragma unroll
    for (int i = 0; i < row_tiles; i++)
#pragma unroll
      for (int h = 0; h < 2; h++) {
        const int row = first_row + 16 * i + 8 * h + lane_index() / 4;
        Sum sum = state.sum[i][h];
        for (int bits = 1; bits < 4; bits *= 2) sum += __shfl_xor_sync(0xffffffff, sum, bits);
        if (row >= s.queries()) continue;
        const int64_t number = queries.number(row);
        if (partial.data) {
          if (t == 0 && slice == 0) {
            partial.top(part, number) = state.top[i][h];
            partial.sum(part, number) = sum;
          }
          write_row(partial.values(part, number) + slice * width, state.values[i], h, Sum(1), columns);
        } else {
          if (t == 0 && slice == 0) lse[number] = log_sum_exp(state.top[i][h], sum);
          write_row(queries.at(y, row) + slice * width, state.values[i], h, sum == 0 ? Sum(0) : Sum(1) / sum, columns);
        }
      }
  }

  template <class Out>
  __device__ static void write_row(Out* to, const Sum (&values)[value_tiles][4], int h, Sum factor, int columns) {
#pragma unroll
    for (int j = 0; j < value_tiles; j++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const int d = 8 * j + lane_index() % 4 * 2 + e;
        if (d < columns) to[d] = convert<Out>(values[j][2 * h + e] * factor);
      }
  }
};

}  // namespace
}  // namespace neurite::cuda
