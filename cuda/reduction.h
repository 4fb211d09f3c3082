// The shape of a reduction: x is seen as outputs × n, a walk over the kept dims and one over the reduced dims. Which
// kernel of reduction_kernels.h runs depends on how they lie; where outputs are too few for the chip, their elements
// are cut into slabs by the shape alone, and a second launch joins them.
#pragma once
#include "reduction_kernels.h"

namespace neurite::cuda {
namespace {

// The dims of x that are in the set, or those that are not. Where order does not matter the longest strides come first.
inline Strided<1> some_dims(const nr_tensor& x, int64_t dims, bool ordered) {
  nr_tensor view = x;
  view.ndim = 0;
  const auto length = [](int64_t stride) { return stride < 0 ? -stride : stride; };
  for (int d = 0; d < x.ndim; d++) {
    if (!(dims >> d & 1)) continue;
    int at = view.ndim++;
    for (; !ordered && at > 0 && length(view.stride[at - 1]) < length(x.stride[d]); at--) {
      view.shape[at] = view.shape[at - 1];
      view.stride[at] = view.stride[at - 1];
    }
    view.shape[at] = x.shape[d];
    view.stride[at] = x.stride[d];
  }
  return strided<1>({&view});
}

// True if packs of 16 bytes, `lanes` elements, along `dense` are whole and aligned wherever in x they lie.
inline bool has_packs(const void* x, const Strided<1>& dense, const Strided<1>& other, int lanes) {
  if (dense.ndim == 0 || dense.stride[0][0] != 1 || dense.shape[0] % lanes != 0 || !is_aligned(x, 16)) return false;
  for (int d = 1; d < dense.ndim; d++)
    if (dense.stride[d][0] % lanes != 0) return false;
  for (int d = 0; d < other.ndim; d++)
    if (other.stride[d][0] % lanes != 0) return false;
  return true;
}

inline int power_of_two_up_to(int64_t n, int most) {
  int p = 1;
  while (p < most && 2 * p <= n) p *= 2;
  return p;
}

// Slabs of `length` elements each, none of them empty, for `blocks` blocks that reduce `outputs` outputs each.
struct Slabs {
  int64_t count, length;

  Slabs(int64_t blocks, int64_t outputs, int64_t n, int lanes) {
    constexpr int64_t enough = 512;  // blocks that fill a chip
    constexpr int64_t work = 8192;   // elements that are worth a block
    const int64_t wanted = blocks > 0 ? (enough + blocks - 1) / blocks : 1, possible = n * outputs / work;
    count = wanted < possible ? wanted : possible;
    if (count < 1) count = 1;
    length = ((n + count - 1) / count + lanes - 1) / lanes * lanes;
    if (length > 0) count = (n + length - 1) / length;
  }
};

template <class Op>
class Reduction {
 public:
  using T = typename Op::Element;

  Reduction(nr_context* ctx, const nr_tensor& x, nr_tensor& y, int64_t dims, bool ordered)
      : ctx_(ctx), x_(static_cast<const T*>(x.data)), y_(static_cast<typename Op::Result*>(y.data)) {
    const int64_t all = (int64_t{1} << x.ndim) - 1;
    kept_ = some_dims(x, all & ~dims, true);
    reduced_ = some_dims(x, dims, ordered);
  }

  void run() {
    if (kept_.numel == 0) return;
    if (reduced_.contiguous(0))
      reduce_runs();
    else
      reduce_tiles();
  }

 private:
  void reduce_runs() {
    using Kernel = Runs<Op>;
    const int64_t n = reduced_.numel;
    const int group = power_of_two_up_to(n / (2 * Kernel::lanes), Kernel::threads), rows = Kernel::threads / group;
    launch_slabs(n, blocks_for(kept_.numel, rows), rows, 1, [&](const Results<Op>& results, int64_t length) {
      return Kernel{x_, Op{}, results, kept_, length, group};
    });
  }

  void reduce_tiles() {
    if constexpr (is_floating<T>) {  // integers are seldom worth kernels of their own
      constexpr int lanes = pack_size<T>;
      if (has_packs(x_, kept_, reduced_, lanes)) return reduce_tiles<lanes>(true);
      if (has_packs(x_, reduced_, kept_, lanes)) return reduce_tiles<lanes>(false);
    }
    reduce_tiles<1>(kept_.ndim > 0 && kept_.stride[0][0] == 1);
  }

  template <int lanes>
  void reduce_tiles(bool along_outputs) {
    using Kernel = Tiles<Op, lanes>;
    const int64_t n = reduced_.numel, columns = along_outputs ? kept_.shape[0] / lanes : 1;
    const int64_t steps = along_outputs ? n : n / lanes;
    int width = 1;
    while (width < columns && width < 32) width *= 2;
    while (width < Kernel::threads && Kernel::threads / width >= 2 * steps) width *= 2;  // no thread without elements
    const int outputs = width * (along_outputs ? lanes : 1);
    launch_slabs(n, blocks_for(kept_.numel, outputs),
                 along_outputs && columns < width ? static_cast<int>(columns) : outputs, lanes,
                 [&](const Results<Op>& results, int64_t length) {
                   return Kernel{x_, Op{}, results, kept_, reduced_, length, width, along_outputs};
                 });
  }

  // make(results, length of a slab) is the kernel.
  template <class Make>
  void launch_slabs(int64_t n, unsigned blocks, int outputs, int lanes, const Make& make) {
    const Slabs slabs(blocks, outputs, n, lanes);
    Results<Op> results{y_, nullptr, n, slabs.count};
    if (slabs.count > 1) {
      const auto bytes = static_cast<size_t>(kept_.numel * slabs.count) * sizeof(typename Op::Value);
      results.partials = static_cast<typename Op::Value*>(ctx_->scratch(ctx_, bytes));
      if (!results.partials) return;
    }
    launch(ctx_, dim3(blocks, static_cast<unsigned>(slabs.count)), make(results, slabs.length));
    if (slabs.count == 1) return;
    const JoinSlabs<Op> join{Op{}, results, kept_.numel};
    launch(ctx_, blocks_for(kept_.numel, join.threads / 32), join);
  }

  nr_context* ctx_;
  const T* x_;
  typename Op::Result* y_;
  Strided<1> kept_, reduced_;
};

// What a bool's bits are seen as: they are 0 or 1.
template <class T>
using number_of = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;

// `ordered`: positions within the reduced dims count.
template <class Op>
void reduce(nr_context* ctx, const nr_tensor& x, nr_tensor& y, int64_t dims, bool ordered = false) {
  Reduction<Op>(ctx, x, y, dims, ordered).run();
}

}  // namespace
}  // namespace neurite::cuda
