// One pass of the gradient of attention: a block owns a tile of rows and walks tiles of the other side's. Both kinds
// are the same products. With P = exp(scores - lse) and delta = Σ dy·y,
//   of_keys: owns k, v; walks q, dy:  scores k qᵀ, dP v dyᵀ;  dk += dS q · scale,  dv += P dy;
//   else:    owns q, dy; walks k, v:  scores q kᵀ, dP dy vᵀ;  dq += dS k · scale,
// where dS = P ∘ (dP - delta). Scores and dP stay in registers and become left operands of the sums, which are the
// owner's alone: nothing is added up in an order that could change, at the price of computing scores and dP twice.
// Shared memory: the owned tiles, and three of the walked ones in turn, so that the next comes while two are in use;
// wide: two, with the owned ones' chunks beside them, rows being of any length, and a slice of the sums for each block.
#pragma once
#include "attention_product.h"
#include "attention_rules.h"
#include "launch.h"

namespace neurite::cuda {
namespace {

template <class Product, int width, bool of_keys, bool wide>
struct AttentionGradient {
  using In = typename Product::Element;
  using Sum = typename Product::Sum;
  using Left = typename Product::Left;
  static constexpr int warps = 4, threads = 32 * warps, rows = 16 * warps;
  // Fewer where two sums of long rows take most of the registers.
  static constexpr int columns = of_keys && width * sizeof(In) > 128 ? 16 : 32, column_tiles = columns / 8,
                       width_tiles = width / 8;
  static constexpr int pitch = row_pitch<In, width>;
  static constexpr int ring = wide ? 2 : 3, stage = (wide ? columns + rows : columns) * pitch;
  static constexpr int own_tile = wide ? 0 : rows * pitch;
  static constexpr int statistics = of_keys ? 2 * 2 * columns : 0;  // lse and delta of two tiles of queries
  static constexpr size_t shared_bytes = sizeof(In) * (2 * own_tile + ring * stage) + sizeof(Sum) * statistics;

  AttentionShape s;
  ScoreRules<In> rules;
  HeadRows<const In> dy, q, k, v;
  const Sum *lse, *delta;
  Sum scale;  // of the scores, in their unit
  // Results of a run of keys or queries; with several runs, of each of them sums without the last factor.
  HeadRows<In> of_first, of_second;  // dk and dv, or dq and nothing
  Sum factor;                        // of the first
  int tiles = 1, slices = 1, chunks = 1, value_chunks = 1, shares = 1, share_columns = 0;
  Sum *first_shares = nullptr, *second_shares = nullptr;
  int64_t first_numel = 0, second_numel = 0;

  __device__ void operator()() const {
    SIMT_DYN_SHARED(In, memory);
    In* stages = memory + 2 * own_tile;
    Sum* known = reinterpret_cast<Sum*>(stages + ring * stage);
    unsigned index = blockIdx.x;
    const auto next_of = [&](int n) {
      const unsigned i = index % n;
      index /= n;
      return static_cast<int>(i);
    };
    const int share = next_of(shares), slice = next_of(slices), tile = next_of(tiles);
    const int own = (of_keys ? tile : tiles - 1 - tile) * rows;  // those that see or are seen most come first
    const int key_head = next_of(s.key_heads), b = static_cast<int>(index);
    const QueryRows queries = {s, b, key_head, s.keys(b)};
    const int all = of_keys ? s.queries() : queries.highest(own, own + rows);
    const int begin = share * share_columns, end = begin + share_columns < all ? begin + share_columns : all;

    // The first tile from `at` on of which something is seen.
    const auto seen_from = [&](int at) {
      if (of_keys)
        while (at < end && queries.highest(at, at + columns) <= own) at += columns;
      return at;
    };
    const auto start_own = [&](In* to, bool is_value, int column) {
      const HeadRows<const In> from = of_keys ? (is_value ? v : k) : (is_value ? dy : q);
      begin_rows<threads, width, rows>(
          to, (of_keys ? queries.keys : s.queries()) - own, column, is_value ? s.Dv : s.D,
          [&](int row) { return of_keys ? from.at(b, key_head, own + row) : queries.at(from, own + row); });
    };
    const int parts = wide ? chunks + value_chunks + (of_keys ? 2 : 1) : 2;
    const auto start = [&](int step, int at, int part) {
      In* to = stages + step % ring * stage;
      const bool is_sum = part >= chunks + value_chunks;
      const bool is_value = is_sum ? part > chunks + value_chunks : part >= chunks;
      const int column = (is_sum ? slice : is_value ? part - chunks : part) * width;
      const HeadRows<const In> from = of_keys ? (is_value ? dy : q) : (is_value ? v : k);
      begin_rows<threads, width, columns>(to, end - at, column, is_value ? s.Dv : s.D, [&](int row) {
        return of_keys ? queries.at(from, at + row) : from.at(b, key_head, at + row);
      });
      if (wide && !is_sum) start_own(to + columns * pitch, is_value, column);
      const int i = static_cast<int>(threadIdx.x);
      if (of_keys && part == 0 && i < 2 * columns) {
        const int row = at + i % columns;
        async_copy<sizeof(Sum)>(known + step / parts % 2 * 2 * columns + i,
                                (i < columns ? lse : delta) + queries.number(row < end ? row : at),
                                row < end ? sizeof(Sum) : 0);
      }
      async_commit();
    };
    int step = 0;
    // Waits for a tile and begins the one after it.
    const auto take = [&](int at, int part, int following) -> const In* {
      async_wait<0>();
      __syncthreads();
      if (part + 1 < parts)
        start(step + 1, at, part + 1);
      else if (following < end)
        start(step + 1, following, 0);
      return stages + step++ % ring * stage;
    };

    const int warp_row = static_cast<int>(threadIdx.x) / 32 * 16;
    Owner owner(*this, queries, own + warp_row);
    int at = seen_from(begin);
    if (at < end) {
      if (!wide) start_own(memory, false, 0);
      if (!wide) start_own(memory + own_tile, true, 0);
      start(0, at, 0);
    }
    while (at < end) {
      const int following = seen_from(at + columns);
      const Sum* column_known = known + step / parts % 2 * 2 * columns;
      const bool is_seen = of_keys ? queries.highest(at, at + columns) > own + warp_row : at < owner.highest;
      Sum score[1][column_tiles][4] = {}, slope[1][column_tiles][4] = {};
      const In *keys_or_queries = nullptr, *values = nullptr;
      for (int part = 0; part < chunks; part++) {
        keys_or_queries = take(at, part, following);
        const In* left = (wide ? keys_or_queries + columns * pitch : memory) + warp_row * pitch;
        if (is_seen) multiply_rows(score, left, keys_or_queries);
      }
      for (int part = 0; part < value_chunks; part++) {
        values = take(at, chunks + part, following);
        const In* left = (wide ? values + columns * pitch : memory + own_tile) + warp_row * pitch;
        if (is_seen) multiply_rows(slope, left, values);
      }
      if (is_seen) weigh(queries, own + warp_row, at, owner, column_known, score[0], slope[0]);
      if (wide) keys_or_queries = take(at, chunks + value_chunks, following);
      if (is_seen) multiply_columns(owner.first, slope, keys_or_queries);
      if constexpr (of_keys) {
        if (wide) values = take(at, chunks + value_chunks + 1, following);
        if (is_seen) multiply_columns(owner.second, score, values);
      }
      at = following;
    }
    finish(queries, own + warp_row, slice, share, owner);
  }

 private:
  // What a lane keeps of the rows g and g + 8 of its warp.
  struct Owner {
    int lowest, highest;  // limits of a warp of queries
    int limit[2];
    Sum lse[2], delta[2];
    Sum first[1][width_tiles][4], second[1][of_keys ? width_tiles : 1][4];

    __device__ Owner(const AttentionGradient& of, const QueryRows& queries, int row)
        : lowest(0), highest(0), limit{}, lse{}, delta{}, first{}, second{} {
      if (of_keys) return;
      lowest = queries.lowest(row, row + 16);
      highest = queries.highest(row, row + 16);
#pragma unroll
      for (int h = 0; h < 2; h++) {
        const int query = row + 8 * h + lane_index() / 4;
        limit[h] = queries.limit(query);
        if (query >= of.s.queries()) continue;
        lse[h] = of.lse[queries.number(query)] * score_unit<Sum>;
        delta[h] = of.delta[queries.number(query)];
      }
    }
  };

  __device__ static void multiply_rows(Sum (&c)[1][column_tiles][4], const In* left, const In* right) {
#pragma unroll 2
    for (int d = 0; d < width; d += Product::depth) {
      Left a[1];
      Product::load(a[0], left + d, pitch);
      Product::add_rows(c, a, right + d, pitch);
    }
  }

  __device__ static void multiply_columns(Sum (&c)[1][width_tiles][4], const Sum (&weights)[1][column_tiles][4],
                                          const In* right) {
#pragma unroll
    for (int j = 0; j < columns; j += Product::depth) {
      Left a[1];
      Product::from_sums(a[0], weights[0], j / Product::depth);
      Product::add_columns(c, a, right + j * pitch, pitch);
    }
  }

  // Scores become P, dP becomes dS, with dropout's factors in both.
  __device__ void weigh(const QueryRows& queries, int row, int column, const Owner& owner, const Sum* column_known,
                        Sum (&score)[column_tiles][4], Sum (&slope)[column_tiles][4]) const {
    const bool hides = of_keys ? queries.lowest(column, column + columns) < row + 16 : column + columns > owner.lowest;
    const uint32_t drawn = rules.drops() ? draw(queries, row, column) : 0;
#pragma unroll
    for (int j = 0; j < column_tiles; j++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const int c = 8 * j + lane_index() % 4 * 2 + e;
        int limit = 0;
        if (of_keys && (hides || rules.has_mask())) limit = queries.limit(column + c);
#pragma unroll
        for (int h = 0; h < 2; h++) {
          const int r = 8 * h + lane_index() / 4;
          const int query = of_keys ? column + c : row + r, key = of_keys ? row + r : column + c;
          if (!of_keys) limit = owner.limit[h];
          const Sum top = of_keys ? column_known[c] * score_unit<Sum> : owner.lse[h];
          const Sum delta_here = of_keys ? column_known[columns + c] : owner.delta[h];
          Sum x = score[j][2 * h + e] * scale;
          if (rules.has_mask() && key < limit) x += rules.bias(queries, query, key);
          Sum weight = hides && key >= limit ? Sum(0) : exp_score(x - top);
          Sum dp = slope[j][2 * h + e], kept_weight = weight;
          if (rules.drops()) {
            const Sum kept = is_kept(drawn, j, e, h) ? rules.keep : Sum(0);
            dp *= kept;
            kept_weight *= kept;
          }
          score[j][2 * h + e] = kept_weight;
          slope[j][2 * h + e] = weight * (dp - delta_here);
        }
      }
  }

  // Each lane draws for some keys: of a walked query those of all rows, or of half of them where two lanes share it; of
  // a row half of the walked keys.
  __device__ uint32_t draw(const QueryRows& queries, int row, int column) const {
    const int lane = lane_index();
    if (of_keys) return rules.kept(queries, column + lane % columns, row + lane / columns * 8, columns / 2);
    return rules.kept(queries, row + lane % 16, column + lane / 16 * columns / 2, columns / 2);
  }
  __device__ static bool is_kept(uint32_t drawn, int j, int e, int h) {
    const int g = lane_index() / 4, c = 8 * j + lane_index() % 4 * 2 + e, half = columns / 2;
    if (!of_keys) return __shfl_sync(0xffffffff, drawn, 8 * h + g + c / half * 16) >> c % half & 1;
    if (columns == 32) return __shfl_sync(0xffffffff, drawn, c) >> (8 * h + g) & 1;
    return __shfl_sync(0xffffffff, drawn, c + 16 * h) >> g & 1;
  }

  __device__ void finish(const QueryRows& queries, int row, int slice, int share, const Owner& owner) const {
    const int column = slice * width, count = of_keys ? s.S : s.queries();
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const int own = row + 8 * h + lane_index() / 4;
      if (own >= count) continue;
      const int head = of_keys ? queries.key_head : queries.head(own), at = of_keys ? own : queries.position(own);
      const auto write = [&](const HeadRows<In>& to, Sum* sums, int64_t numel, Sum times, int depth, const auto& from) {
        In* result = to.at(queries.batch, head, at);
        if (sums)
          write_row(sums + share * numel + (result - to.data) + column, from, h, Sum(1), depth - column);
        else
          write_row(result + column, from, h, times, depth - column);
      };
      write(of_first, first_shares, first_numel, factor, s.D, owner.first[0]);
      if constexpr (of_keys) write(of_second, second_shares, second_numel, Sum(1), s.Dv, owner.second[0]);
    }
  }

  template <class Out>
  __device__ static void write_row(Out* to, const Sum (&from)[width_tiles][4], int h, Sum times, int depth) {
#pragma unroll
    for (int j = 0; j < width_tiles; j++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const int d = 8 * j + lane_index() % 4 * 2 + e;
        if (d < depth) to[d] = convert<Out>(from[j][2 * h + e] * times);
      }
  }
};

}  // namespace
}  // namespace neurite::cuda
