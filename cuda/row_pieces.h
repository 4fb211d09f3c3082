// Work on the rows of [rows, n] that reads each row once: a group of 4 to 512 threads holds a row in registers,
// measures it (a maximum, sums) and writes what follows from that. Rows of more than 8192 elements are cut into pieces:
// one launch measures the pieces, another one joins what was measured of a row and finishes its pieces, so that two
// reads and one write of memory are made where one and one are the floor.
//
// What is done is an Op: a struct of pointers with a State and, for a Layout L of the row's elements over threads,
//   load(l, at, column, held)     elements from `at`, `column` in the row, on into registers, an Op::Held<L>
//   measure(l, held) -> State     of the elements held, with the other threads of the group
//   join(l, states, n) -> State   of a row's n pieces, if there are several
//   finish(l, at, row, column, state, held)
// or, where nothing but the state is of use, in place of finish
//   end(row, state)               once per row
#pragma once
#include <initializer_list>

#include "launch.h"
#include "numbers.h"
#include "pack.h"
#include "reduce.h"

namespace neurite::cuda {
namespace {

// Packs of `lanes_` elements, dealt round to the `group_` threads of a row, `each_` elements at most for each of them.
template <class T, int lanes_, int group_, int each_>
struct Layout {
  using Element = T;
  using C = compute_of<T>;
  static constexpr int lanes = lanes_, group = group_, each = each_, capacity = group * each;
  static constexpr int threads = group < 128 ? 128 : group, rows = threads / group;
  static_assert(each % lanes == 0);

  int count;  // elements there are; 0 for a group without a row

  __device__ static int lane() { return static_cast<int>(threadIdx.x) % group; }
  // Where in the row the k-th element of this thread is.
  __device__ static int index(int k) { return (k / lanes * group + lane()) * lanes + k % lanes; }

  template <class F>
  __device__ void each_pack(const F& f) const {
#pragma unroll
    for (int k = 0; k < each; k += lanes)
      if (index(k) < count) f(k, index(k));
  }
  // values[k] of the elements at `from`; `fill` beyond the row.
  __device__ void load(const T* from, C (&values)[each], C fill) const {
    Pack<T, lanes> packs[each / lanes];
    each_pack([&](int k, int i) { packs[k / lanes] = load_pack<T, lanes>(from + i); });
#pragma unroll
    for (int k = 0; k < each; k++) values[k] = index(k) < count ? computed(packs[k / lanes].at[k % lanes]) : fill;
  }
  // The same of parameters that all rows share.
  __device__ void load_shared(const C* from, C (&values)[each]) const {
    constexpr int at_once = lanes < pack_size<C> ? lanes : pack_size<C>;
    each_pack([&](int k, int i) {
      for (int v = 0; v < lanes; v += at_once) {
        const auto pack = load_pack<C, at_once>(from + i + v);
        for (int u = 0; u < at_once; u++) values[k + v + u] = pack.at[u];
      }
    });
  }
  // The k-th element, at i, becomes value(k, i).
  template <class Value>
  __device__ void store(T* to, const Value& value) const {
    each_pack([&](int k, int i) {
      Pack<T, lanes> pack;
      for (int v = 0; v < lanes; v++) pack.at[v] = convert<T>(value(k + v, i + v));
      store_pack(to + i, pack);
    });
  }
  // The sum over the row of term(k, i).
  template <class Term>
  __device__ C sum(const Term& term) const {
    C total = 0;
#pragma unroll
    for (int k = 0; k < each; k++)
      if (index(k) < count) total += term(k, index(k));
    return combine(total, C(0), Sum{});
  }
  // Over the group.
  template <class F>
  __device__ static C combine(C value, C neutral, const F& f) {
    if constexpr (group > 32) {
      return reduce_block<group>(value, neutral, f);
    } else {
#pragma unroll
      for (int bits = group / 2; bits > 0; bits /= 2) value = f(value, __shfl_xor_sync(0xffffffff, value, bits));
      return value;
    }
  }
};

template <class Op>
concept ends = requires(const Op& op, typename Op::State state) {
  op.end(int64_t{0}, state);
};

enum class Phase { all, measure, finish };

template <class Op, class L, Phase phase>
struct RowPieces {
  static constexpr int threads = L::threads;
  Op op;
  typename Op::State* states;  // [rows][pieces]
  int64_t rows, n, pieces;

  __device__ void operator()() const {
    const int64_t piece = int64_t{blockIdx.x} * L::rows + threadIdx.x / L::group;
    const int64_t row = phase == Phase::all ? piece : piece / pieces;
    const int64_t column = phase == Phase::all ? 0 : piece % pieces * L::capacity;
    const int64_t left = row < rows ? n - column : 0;
    const L l{static_cast<int>(left < L::capacity ? left : L::capacity)};
    const int64_t at = row * n + column;
    typename Op::template Held<L> held;
    op.load(l, at, column, held);
    typename Op::State state;
    if constexpr (phase == Phase::finish)
      state = op.join(l, states + row * pieces, pieces);
    else
      state = op.measure(l, held);
    if constexpr (phase == Phase::measure) {
      if (l.lane() == 0) states[piece] = state;
    } else if (row < rows) {
      if constexpr (ends<Op>) {
        if (l.lane() == 0) op.end(row, state);
      } else {
        op.finish(l, at, row, column, state, held);
      }
    }
  }
};

// A warp joins what was measured of a row.
template <class Op, class T>
struct RowEnds {
  using L = Layout<T, 1, 32, 1>;
  static constexpr int threads = L::threads;
  Op op;
  const typename Op::State* states;
  int64_t rows, pieces;

  __device__ void operator()() const {
    const int64_t row = int64_t{blockIdx.x} * L::rows + threadIdx.x / L::group;
    const L l{0};
    const auto state = op.join(l, states + row * pieces, row < rows ? pieces : 0);
    if (l.lane() == 0 && row < rows) op.end(row, state);
  }
};

template <class L, class Op>
void run_row_pieces(nr_context* ctx, const Op& op, int64_t rows, int64_t n) {
  if (n <= L::capacity) {
    const RowPieces<Op, L, Phase::all> kernel{op, nullptr, rows, n, 1};
    return launch(ctx, blocks_for(rows, L::rows), kernel);
  }
  if constexpr (L::group == 512) {
    const int64_t pieces = (n + L::capacity - 1) / L::capacity;
    auto* states = ctx->scratch(ctx, static_cast<size_t>(rows * pieces) * sizeof(typename Op::State));
    if (!states) return;
    const RowPieces<Op, L, Phase::measure> measure{op, static_cast<typename Op::State*>(states), rows, n, pieces};
    launch(ctx, blocks_for(rows * pieces, 1), measure);
    if constexpr (ends<Op>) {
      using Ends = RowEnds<Op, typename L::Element>;
      launch(ctx, blocks_for(rows, Ends::L::rows), Ends{op, measure.states, rows, pieces});
    } else {
      const RowPieces<Op, L, Phase::finish> finish{op, measure.states, rows, n, pieces};
      launch(ctx, blocks_for(rows * pieces, 1), finish);
    }
  }
}

// Runs Op on rows of n elements of T; `packed`: all arrays that it reads and writes are aligned for packs.
template <class T, class Op>
void run_rows(nr_context* ctx, const Op& op, int64_t rows, int64_t n, bool packed) {
  const auto with_lanes = [&]<int lanes>() {
    if (n <= 32) return run_row_pieces<Layout<T, lanes, 4, 8>>(ctx, op, rows, n);
    if (n <= 256) return run_row_pieces<Layout<T, lanes, 32, 8>>(ctx, op, rows, n);
    if (n <= 1024) return run_row_pieces<Layout<T, lanes, 128, 8>>(ctx, op, rows, n);
    run_row_pieces<Layout<T, lanes, 512, 16>>(ctx, op, rows, n);
  };
  if constexpr (sizeof(T) < 8)
    if (packed && n % pack_size<T> == 0) return with_lanes.template operator()<pack_size<T>>();
  with_lanes.template operator()<1>();
}

inline bool are_packed(std::initializer_list<const void*> arrays) {
  for (const void* array : arrays)
    if (!is_aligned(array, 16)) return false;
  return true;
}

}  // namespace
}  // namespace neurite::cuda
