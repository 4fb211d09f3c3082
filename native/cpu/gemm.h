// Blocked matrix multiplication around the register tile: C[batch] = A[batch] · B[batch] (+ bias), one task per block
// of C, which walks the whole of K in steps of a block depth. An operand used by several tasks is packed for all of
// them: by each thread for itself, because lines that another core has just read are slow to write, or, when threads
// are many or the copy is large, once by all together. Operands and results are template parameters, so a convolution
// hands in image patches where a matrix product hands in a strided matrix:
//   operand: int64_t variants;           product `batch` reads variant batch % variants
//            static constexpr bool is_costly;  of the right one alone: packing takes long (patches of images)
//            bool is_contiguous();  optional: consecutive p lie side by side
//            void panel(T* dst, variant, first, count, k, depth, width)   dst[i * width + p] = element (first + p, k +
//            i)
//   result:  static constexpr bool is_direct;  true: T* at(batch), row_stride: C is written in place
//            finish(batch, m, n, rows, columns)  where direct, if it exists: called for each tile when its sums are
//            whole write(batch, m, n, rows, columns, const T* block, block_stride) otherwise const T* row_bias(batch),
//            const T* column_bias(): or NULL
#pragma once
#include "cpu/gemm_blocks.h"

namespace neurite::NR_ISA {
namespace {

enum class packing {
  fresh,  // by each task, one depth at a time
  held,   // by a thread, over the whole of K, until another block takes its slot
  ahead,  // by all threads together, before the product
};

// Where the packed blocks of one operand are. A block is `size` elements: over the whole of K, or over one depth when
// packed afresh. Blocks of all variants are numbered through.
template <class T>
struct packed_operand {
  packing how = packing::fresh;
  int64_t size = 0, slots = 1;  // slots: of each thread
  T* all = nullptr;             // packed ahead

  int64_t own_size() const { return how == packing::ahead ? 0 : slots * size; }

  // Block `index`; pack(to) is called when it is not there yet. `own` and `tags` belong to the thread.
  template <class Pack>
  T* find(int64_t index, T* own, int64_t* tags, const Pack& pack) const {
    if (how == packing::ahead) return all + index * size;
    T* at = own + index % slots * size;
    if (how == packing::held && tags[index % slots] != index) {
      pack(at);
      tags[index % slots] = index;
    }
    return at;
  }
};

inline constexpr int64_t held_bytes = int64_t{8} << 20, ahead_bytes = int64_t{64} << 20;
inline constexpr int32_t most_holding_threads = 4;  // with more, packing the same for each costs more than sharing

// `blocks` per variant, each `length` × K. Tasks walk the blocks of the inner operand for each block of the outer one.
template <class T>
packed_operand<T> choose_packing(const nr_context* ctx, const gemm_blocks<T>& cut, int64_t variants, int64_t uses,
                                 int64_t blocks, int64_t length, bool is_inner) {
  constexpr int64_t bytes = sizeof(T);
  packed_operand<T> p;
  p.size = round_up(length * cut.depth, 16);
  if (uses <= 1) return p;
  const int64_t size = round_up(length * cut.K, 16), slots = is_inner ? blocks : 1;
  if (ctx->threads <= most_holding_threads && slots * size * bytes <= held_bytes) {
    p.how = packing::held;
    p.slots = slots;
    p.size = size;
  } else if (size <= ahead_bytes / bytes / (variants * blocks)) {
    p.how = packing::ahead;
    p.size = size;
  }
  return p;
}

template <class Result>
concept has_finish = requires(const Result& r) {
  r.finish(0, 0, 0, 0, 0);
};

template <class T, class A, class B, class Result>
void gemm(workspace& memory, int64_t batches, int64_t M, int64_t N, int64_t K, const A& a, const B& b,
          const Result& result) {
  if (batches == 0 || M == 0 || N == 0) return;
  nr_context* ctx = memory.ctx;
  const gemm_blocks<T> cut(wanted_blocks(ctx), batches, M, N, K, B::is_costly ? costly_blocks : usual_blocks);
  // Threads take consecutive tasks: slices of the longer side, so that what all of them need is the smaller operand.
  const bool rows_inner = N >= M;
  packed_operand<T> pa, pb;
  pa = choose_packing<T>(ctx, cut, a.variants, batches / a.variants * cut.count_n, cut.count_m, cut.rows, rows_inner);
  pb = choose_packing<T>(ctx, cut, b.variants, batches / b.variants * cut.count_m, cut.count_n, cut.columns,
                         !rows_inner);

  const int64_t a_total = pa.how == packing::ahead ? a.variants * cut.count_m * pa.size : 0;
  const int64_t b_total = pb.how == packing::ahead ? b.variants * cut.count_n * pb.size : 0;
  const int64_t c_size = Result::is_direct ? 0 : round_up(cut.rows * cut.columns, 16);
  const int64_t own_size = pa.own_size() + pb.own_size() + c_size;
  const int64_t tag_size = round_up(pa.slots + pb.slots, 8);
  const int64_t tag_bytes = ctx->threads * tag_size * static_cast<int64_t>(sizeof(int64_t));
  const int64_t elements = a_total + b_total + ctx->threads * own_size;
  char* space = memory.take<char>(tag_bytes + elements * static_cast<int64_t>(sizeof(T)));
  if (!space) return;
  int64_t* tags = reinterpret_cast<int64_t*>(space);
  for (int64_t i = 0; i < ctx->threads * tag_size; i++) tags[i] = -1;
  pa.all = reinterpret_cast<T*>(space + tag_bytes);
  pb.all = pa.all + a_total;
  T* buffers = pb.all + b_total;

  const auto pack_a = [&](T* to, int64_t index) {
    const int64_t m = index % cut.count_m * cut.rows, rows = smaller(cut.rows, M - m);
    for (int64_t k = 0; k < K; k += cut.depth)
      pack_row_block(a, to + k * rows, index / cut.count_m, m, rows, k, smaller(cut.depth, K - k));
  };
  const auto pack_b = [&](T* to, int64_t index) {
    const int64_t n = index % cut.count_n * cut.columns, columns = smaller(cut.columns, N - n);
    for (int64_t k = 0; k < K; k += cut.depth)
      pack_column_block(b, to + k * round_up(columns, tile_columns<T>), index / cut.count_n, n, columns, k,
                        smaller(cut.depth, K - k));
  };
  if (a_total) parallel_tasks(ctx, a_total / pa.size, [&](int64_t i, int32_t) { pack_a(pa.all + i * pa.size, i); });
  if (b_total) parallel_tasks(ctx, b_total / pb.size, [&](int64_t i, int32_t) { pack_b(pb.all + i * pb.size, i); });

  parallel_tasks(ctx, batches * cut.count_m * cut.count_n, [&](int64_t task, int32_t thread) {
    const int64_t batch = task / (cut.count_m * cut.count_n), block = task % (cut.count_m * cut.count_n);
    const int64_t im = rows_inner ? block % cut.count_m : block / cut.count_n;
    const int64_t in = rows_inner ? block / cut.count_m : block % cut.count_n;
    const int64_t m = im * cut.rows, rows = smaller(cut.rows, M - m);
    const int64_t n = in * cut.columns, columns = smaller(cut.columns, N - n);
    const int64_t a_variant = batch % a.variants, b_variant = batch % b.variants;
    T* a_own = buffers + thread * own_size;
    T* b_own = a_own + pa.own_size();
    T* c_own = b_own + pb.own_size();
    int64_t* own_tags = tags + thread * tag_size;
    const int64_t ia = a_variant * cut.count_m + im, ib = b_variant * cut.count_n + in;
    T* ap = pa.find(ia, a_own, own_tags, [&](T* to) { pack_a(to, ia); });
    T* bp = pb.find(ib, b_own, own_tags + pa.slots, [&](T* to) { pack_b(to, ib); });
    const T* row_bias = result.row_bias(batch);
    const T* column_bias = result.column_bias();
    tile_target<T> c = {
        c_own, cut.columns, columns, false, row_bias ? row_bias + m : nullptr, column_bias ? column_bias + n : nullptr};
    if constexpr (Result::is_direct) {
      c.at = result.at(batch) + m * result.row_stride + n;
      c.row_stride = result.row_stride;
    }
    for (int64_t step = 0; step < cut.count_k; step++) {
      const int64_t k = step * cut.depth, depth = smaller(cut.depth, K - k);
      if (pa.how == packing::fresh) pack_row_block(a, ap, a_variant, m, rows, k, depth);
      if (pb.how == packing::fresh) pack_column_block(b, bp, b_variant, n, columns, k, depth);
      const T* a_step = pa.how == packing::fresh ? ap : ap + k * rows;
      const T* b_step = pb.how == packing::fresh ? bp : bp + k * round_up(columns, tile_columns<T>);
      multiply_block(a_step, b_step, rows, columns, depth, c, [&](int64_t i, int64_t j, int64_t height, int64_t width) {
        if constexpr (has_finish<Result>) {
          if (step == cut.count_k - 1) result.finish(batch, m + i, n + j, height, width);
        }
      });
      c.accumulate = true;
    }
    if constexpr (!Result::is_direct) result.write(batch, m, n, rows, columns, c_own, cut.columns);
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
