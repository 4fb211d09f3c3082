// What a device is: a filled table of kernels. Scalar, AVX2, AVX-512 and CUDA are the same concept, one nr_backend
// each. A kernel writes into the outputs it is given, creates no tensor and sees no JavaScript. Its arguments are the
// types below; constness is the role: `const nr_tensor*` is read, `nr_tensor*` is written (a new output or an in-place
// target).
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { NR_MAX_DIMS = 8, NR_MAX_INTS = 16 };

typedef struct nr_f16 {
  uint16_t bits;
} nr_f16;  // IEEE 754 binary16
typedef struct nr_bf16 {
  uint16_t bits;
} nr_bf16;  // upper half of a binary32

typedef enum nr_dtype {
#define NR_DTYPE(tag, name, type) nr_dtype_##tag,
#include "dtypes.def"
  nr_dtype_count
} nr_dtype;

// What products apply to their results, by the formula of that name.
typedef enum nr_activation {
  nr_activation_none,
#define NR_ACTIVATION(name) nr_activation_##name,
#include "activations.def"
  nr_activation_count
} nr_activation;

// A strided view. Strides count elements, may be zero (broadcast) or negative; every element lies inside its storage.
typedef struct nr_tensor {
  void* data;
  int32_t dtype;
  int32_t ndim;
  int64_t shape[NR_MAX_DIMS];
  int64_t stride[NR_MAX_DIMS];
} nr_tensor;

// A tensor or a number. data == NULL: a 0-d value stored in `immediate`, in the bits of tensor.dtype.
typedef struct nr_operand {
  nr_tensor tensor;
  uint64_t immediate;
} nr_operand;

// A tensor that may be absent.
typedef struct nr_optional {
  nr_tensor tensor;
  bool present;
} nr_optional;

typedef struct nr_tensors {
  int64_t count;
  nr_tensor* at;
} nr_tensors;

// A short list of integers: strides, paddings, dims.
typedef struct nr_ints {
  int64_t count;
  int64_t at[NR_MAX_INTS];
} nr_ints;

// A number on its way to a tensor of any dtype; integers keep all 64 bits.
typedef struct nr_scalar {
  double f;   // the value, rounded to double
  int64_t i;  // the value, truncated to an integer
  bool is_integer;
} nr_scalar;

// A position in a Philox4x32-10 stream: key and first counter. An element takes one word, or two in uniform and normal
// of float64 and in randint and randperm of any dtype. A kernel that draws n numbers of k words uses the counters
// [offset, offset + ceil(n k / 4)); element e takes the words e k … e k + k - 1, word i being word i % 4 of counter
// offset + i / 4, in row-major order. The layout of the tensor, the device and the number of threads do not matter.
typedef struct nr_philox {
  uint64_t seed;
  uint64_t offset;
} nr_philox;

// What the runtime lends a running kernel.
typedef struct nr_context {
  void* stream;     // the CUDA stream; unused on the CPU
  int32_t threads;  // how many threads parallel() uses at most, at least 1

  // Runs body(state, task, thread) for every task in [0, tasks), 0 <= thread < threads; returns when all are done.
  // What a task computes must not depend on `thread`, which only indexes scratch.
  void (*parallel)(struct nr_context* ctx, int64_t tasks, void (*body)(void* state, int64_t task, int32_t thread),
                   void* state);

  // 64-byte aligned working memory, valid until the kernel returns. Call it from the kernel's own thread only, before
  // parallel(): ask for threads × bytes and let each thread take its slice. NULL when memory is out (fail was called).
  void* (*scratch)(struct nr_context* ctx, size_t bytes);

  // Marks this command as failed; the first call wins, any thread may call it, the kernel returns soon after.
  // `code` is a stable word such as INDEX_OUT_OF_RANGE, the text is printf-formatted.
  void (*fail)(struct nr_context* ctx, const char* code, const char* format, ...);
} nr_context;

typedef struct nr_backend {
  const char* name;  // "scalar", "avx2", "avx512", "cuda"
#define NR_KERNEL(name, ...) void (*name)(nr_context*, __VA_ARGS__);
#include "kernels.def"
} nr_backend;
