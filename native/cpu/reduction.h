// The shape of a reduction: x is seen as outputs × n, a nest over the kept dims (operand 0 is y, 1 is x) and one over
// the reduced dims. Long reductions with few outputs are cut into slabs, whose partial results are combined at the
// end; where they are cut depends on the shape alone.
#pragma once
#include "cpu/dtype.h"
#include "cpu/strided.h"

namespace neurite::NR_ISA {
namespace {

struct reduction {
  nest<2> kept;
  nest<1> reduced;
  int64_t outputs() const { return kept.numel; }
  int64_t n() const { return reduced.numel; }
  // Runs along the kept dims are dense in memory, those along the reduced dims are not.
  bool by_columns(int64_t size) const { return reduced.step(0) != size && kept.step(1) == size && kept.row() > 1; }

  char* first_of(int64_t output) const {
    char* first = nullptr;
    each_row(kept, output, output + 1, [&](char* const* p, int64_t) { first = p[1]; });
    return first;
  }
};

// `ordered`: the reduced dims keep their order, as positions within them count.
inline reduction make_reduction(const nr_tensor& x, const nr_tensor& y, int64_t dims, bool ordered) {
  reduction r;
  const int64_t x_size = element_bytes(x.dtype), y_size = element_bytes(y.dtype);
  int reduced[NR_MAX_DIMS], count = 0;
  int64_t outputs = 1;
  for (int d = 0; d < x.ndim; d++) {
    if (!(dims >> d & 1)) {
      outputs *= x.shape[d];
      continue;
    }
    const auto length = [&](int e) { return x.stride[e] < 0 ? -x.stride[e] : x.stride[e]; };
    int at = count++;
    for (; !ordered && at > 0 && length(reduced[at - 1]) < length(d); at--) reduced[at] = reduced[at - 1];
    reduced[at] = d;
  }
  r.kept.base[0] = static_cast<char*>(y.data);
  r.kept.base[1] = static_cast<char*>(x.data);
  r.kept.numel = outputs;
  int64_t y_stride = outputs;
  for (int d = 0; d < x.ndim; d++) {
    if ((dims >> d & 1) || x.shape[d] == 1) continue;
    y_stride = x.shape[d] ? y_stride / x.shape[d] : 0;
    append_dim(r.kept, x.shape[d], {y_stride * y_size, x.stride[d] * x_size});
  }
  if (r.kept.ndim == 0) append_dim(r.kept, 1, {y_size, x_size});
  r.reduced.base[0] = nullptr;
  for (int i = 0; i < count; i++) {
    const int d = reduced[i];
    r.reduced.numel *= x.shape[d];
    if (x.shape[d] != 1) append_dim(r.reduced, x.shape[d], {x.stride[d] * x_size});
  }
  if (r.reduced.ndim == 0) append_dim(r.reduced, 1, {x_size});
  return r;
}

// What one operation and element type provide. A state reduces one output (begin, add dense runs, end) or a tile of
// neighbouring outputs (begin, add rows, columns_end) into partial results; partials are combined, then finished.
struct reducer {
  int64_t x_size, partial_size, y_size;                 // bytes of an element
  int64_t tile;                                         // columns of a tile at most
  void (*begin)(void* state, int64_t first) = nullptr;  // position of the first element
  void (*add)(void* state, const char* x, int64_t n) = nullptr;
  void (*end)(void* state, void* partial) = nullptr;
  int64_t short_run = 0;  // dense runs up to this length are reduced many at a time: partials of `count`, `step` apart
  void (*short_runs)(const char* x, int64_t step, int64_t n, int64_t count, void* partials) = nullptr;
  void (*columns_begin)(void* state, int64_t first) = nullptr;
  void (*columns_add)(void* state, const char* x, int64_t step, int64_t rows, int64_t columns) = nullptr;
  void (*columns_end)(void* state, void* partials, int64_t columns) = nullptr;
  void (*combine)(void* partials, const void* later, int64_t count) = nullptr;
  void (*finish)(const void* partials, void* y, int64_t count, int64_t n) = nullptr;  // n elements went into each
};

inline constexpr size_t state_bytes = 24 << 10;

// Where a reduction is cut: `slabs` pieces of `length` reduced elements for each of `units` groups of outputs.
struct slab_plan {
  int64_t units, slabs, length, grain;
};

inline slab_plan make_slabs(int64_t units, int64_t columns, int64_t n) {
  constexpr int64_t work = 1 << 15;  // elements of a task
  constexpr int64_t enough = 16;     // tasks that keep every thread busy
  const int64_t possible = n * columns / work;
  int64_t slabs = (enough + units - 1) / units;
  if (slabs > possible) slabs = possible;
  if (slabs < 1) slabs = 1;
  const int64_t length = (n + slabs - 1) / slabs;
  if (length > 0) slabs = (n + length - 1) / length;  // none is empty
  return {units, slabs, length, 1 + work / (length * columns + 1)};
}

// The rows of reduced elements of one output, whose first is `base`, that lie in a slab.
template <class Row>
inline void each_row_of_slab(const reduction& r, const slab_plan& plan, char* base, int64_t slab, const Row& row) {
  if (plan.slabs == 1 && r.reduced.ndim == 1) return row(base, r.n());
  nest<1> l = r.reduced;
  l.base[0] = base;
  const int64_t first = slab * plan.length, last = first + plan.length;
  each_row(l, first, last < r.n() ? last : r.n(), [&](char* const* p, int64_t n) { row(p[0], n); });
}

template <class Emit>
inline void reduce_short_runs(nr_context* ctx, const reduction& r, const reducer& op, const slab_plan& plan,
                              const Emit& emit) {
  const int64_t next = r.kept.step(1);
  parallel_range(ctx, plan.units, plan.grain, [&](int64_t begin, int64_t end) {
    constexpr int64_t most = 256;
    alignas(64) char partials[most * 16];
    each_row(r.kept, begin, end, [&](char* const* p, int64_t n) {
      for (int64_t i = 0; i < n; i += most) {
        const int64_t count = n - i < most ? n - i : most;
        op.short_runs(p[1] + i * next, next, r.n(), count, partials);
        emit(0, begin, partials, count);
        begin += count;
      }
    });
  });
}

template <class Emit>
inline void reduce_runs(nr_context* ctx, const reduction& r, const reducer& op, const slab_plan& plan,
                        const Emit& emit) {
  const int64_t step = r.reduced.step(0), next = r.kept.step(1);
  parallel_range(ctx, plan.slabs * plan.units, plan.grain, [&](int64_t begin, int64_t end) {
    alignas(64) char state[state_bytes];
    const auto one = [&](char* base, int64_t output, int64_t slab) {
      op.begin(state, slab * plan.length);
      each_row_of_slab(r, plan, base, slab, [&](const char* p, int64_t n) {
        if (step == op.x_size) return op.add(state, p, n);
        constexpr int64_t block = 512;
        alignas(64) char dense[block * 8];
        for (int64_t i = 0; i < n; i += block) {
          const int64_t m = n - i < block ? n - i : block;
          gather_row(dense, p + i * step, step, m, op.x_size);
          op.add(state, dense, m);
        }
      });
      alignas(16) char partial[16];
      op.end(state, partial);
      emit(slab, output, partial, 1);
    };
    while (begin < end) {  // outputs of one slab after the other
      const int64_t slab = begin / plan.units, output = begin % plan.units;
      const int64_t last = output + (end - begin) < plan.units ? output + (end - begin) : plan.units;
      int64_t at = output;
      each_row(r.kept, output, last, [&](char* const* p, int64_t n) {
        for (int64_t i = 0; i < n; i++) one(p[1] + i * next, at++, slab);
      });
      begin += last - output;
    }
  });
}

template <class Emit>
inline void reduce_columns(nr_context* ctx, const reduction& r, const reducer& op, const slab_plan& plan,
                           const Emit& emit) {
  const int64_t row = r.kept.row(), tiles = (row + op.tile - 1) / op.tile, step = r.reduced.step(0);
  parallel_range(ctx, plan.units * plan.slabs, plan.grain, [&](int64_t begin, int64_t end) {
    alignas(64) char state[state_bytes];
    alignas(64) char partials[4096];
    for (int64_t at = begin; at < end; at++) {
      const int64_t unit = at / plan.slabs, slab = at % plan.slabs;
      const int64_t column = unit % tiles * op.tile, output = unit / tiles * row + column;
      const int64_t columns = row - column < op.tile ? row - column : op.tile;
      op.columns_begin(state, slab * plan.length);
      each_row_of_slab(r, plan, r.first_of(output), slab,
                       [&](const char* p, int64_t n) { op.columns_add(state, p, step, n, columns); });
      op.columns_end(state, partials, columns);
      emit(slab, output, partials, columns);
    }
  });
}

inline void reduce(nr_context* ctx, const reduction& r, const reducer& op, void* y) {
  const int64_t outputs = r.outputs(), row = r.kept.row();
  if (outputs == 0) return;
  const bool by_columns = r.by_columns(op.x_size);
  const slab_plan plan =
      by_columns ? make_slabs(outputs / row * ((row + op.tile - 1) / op.tile), row < op.tile ? row : op.tile, r.n())
                 : make_slabs(outputs, 1, r.n());
  char* scratch = nullptr;  // [slabs][outputs] partial results
  const int64_t slab_bytes = outputs * op.partial_size;
  if (plan.slabs > 1) {
    scratch = static_cast<char*>(ctx->scratch(ctx, static_cast<size_t>(plan.slabs * slab_bytes)));
    if (!scratch) return;
  }
  const auto emit = [&](int64_t slab, int64_t output, const char* partials, int64_t count) {
    if (scratch)
      __builtin_memcpy(scratch + slab * slab_bytes + output * op.partial_size, partials,
                       static_cast<size_t>(count * op.partial_size));
    else
      op.finish(partials, static_cast<char*>(y) + output * op.y_size, count, r.n());
  };
  const bool is_run = r.reduced.ndim == 1 && r.reduced.step(0) == op.x_size;
  if (by_columns)
    reduce_columns(ctx, r, op, plan, emit);
  else if (is_run && op.short_runs && plan.slabs == 1 && r.n() <= op.short_run)
    reduce_short_runs(ctx, r, op, plan, emit);
  else
    reduce_runs(ctx, r, op, plan, emit);
  if (!scratch) return;
  for (int64_t apart = 1; apart < plan.slabs; apart *= 2)
    for (int64_t s = 0; s + apart < plan.slabs; s += 2 * apart)
      op.combine(scratch + s * slab_bytes, scratch + (s + apart) * slab_bytes, outputs);
  op.finish(scratch, y, outputs, r.n());
}

}  // namespace
}  // namespace neurite::NR_ISA
