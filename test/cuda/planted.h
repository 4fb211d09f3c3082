// Kernels for the emulator's test: some right, some with a bug in them.
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "async_copy.h"
#include "matrix.h"
#include "numbers.h"

namespace planted {

using namespace neurite::cuda;

struct BlockSum {
  const float* x;
  float* y;
  int n;
  bool waits;
  void operator()() const {
    SIMT_SHARED(float, parts, [8]);
    float sum = 0;
    for (int i = static_cast<int>(threadIdx.x); i < n; i += 256) sum += x[i];
    for (int bits = 16; bits > 0; bits /= 2) sum += __shfl_xor_sync(0xffffffff, sum, bits);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
    if (waits) __syncthreads();
    if (threadIdx.x != 0) return;
    sum = 0;
    for (float part : parts) sum += part;
    y[blockIdx.x] = sum;
  }
};

struct Transpose {
  const float* x;
  float* y;
  void operator()() const {
    SIMT_SHARED(float, tile, [32][33]);
    for (unsigned i = threadIdx.y; i < 32; i += blockDim.y) tile[i][threadIdx.x] = x[i * 32 + threadIdx.x];
    __syncthreads();
    for (unsigned i = threadIdx.y; i < 32; i += blockDim.y) y[i * 32 + threadIdx.x] = tile[threadIdx.x][i];
  }
};

struct Votes {
  int* y;
  void operator()() const {
    atomicAdd(&y[0], 1);
    const uint32_t votes = __ballot_sync(0xffffffff, threadIdx.x / 8 % 2 == 0);
    if (threadIdx.x == 0) atomicExch(&y[1], static_cast<int>(votes));
    atomicMax(&y[2], static_cast<int>(threadIdx.x));
    const int even = __syncthreads_count(threadIdx.x % 2 == 0);
    if (threadIdx.x == 5) atomicExch(&y[3], even);
  }
};

// Two buffers of 64 elements: while one is read, the next copy goes on. The last six elements are beyond the end.
struct Pipeline {
  const float* x;
  float* y;
  bool waits;
  void copy(float* to, int tile) const {
    const int at = tile * 64 + static_cast<int>(threadIdx.x) * 2;
    async_copy<8>(to + threadIdx.x * 2, x + at, at < 250 ? 8 : 0);
    async_commit();
  }
  void operator()() const {
    SIMT_SHARED(double, memory, [64]);  // copies of 8 bytes want its alignment
    float* first = reinterpret_cast<float*>(memory);
    float* second = first + 64;
    copy(first, 0);
    for (int tile = 0; tile < 4; tile++) {
      float* now = tile % 2 ? second : first;
      if (tile < 3) {
        copy(tile % 2 ? first : second, tile + 1);
        if (waits) async_wait<1>();
      } else if (waits) {
        async_wait<0>();
      }
      __syncthreads();
      y[tile * 64 + threadIdx.x] = now[threadIdx.x];
      y[tile * 64 + 32 + threadIdx.x] = now[32 + threadIdx.x];
      __syncthreads();
    }
  }
};

// Warp 0 fills what warp 1 reads.
struct Handover {
  float* y;
  void operator()() const {
    SIMT_SHARED(float, box, [32]);
    const int lane = static_cast<int>(threadIdx.x % 32);
    if (threadIdx.x < 32) {
      box[31 - lane] = static_cast<float>(2 * (31 - lane));
      named_barrier_arrive(1, 64);
    } else {
      named_barrier_sync(1, 64);
      y[lane] = box[lane];
    }
  }
};

// c [16, 8] = a [16, 16] b [16, 8].
template <class T>
struct Product {
  const T *a, *b;
  float* c;
  void operator()() const {
    SIMT_SHARED(Pack16, rows, [16][2]);
    SIMT_SHARED(Pack16, columns, [16]);
    T* shared_a = reinterpret_cast<T*>(rows);
    T* shared_b = reinterpret_cast<T*>(columns);
    const int lane = static_cast<int>(threadIdx.x);
    for (int i = lane; i < 256; i += 32) shared_a[i] = a[i];
    for (int i = lane; i < 128; i += 32) shared_b[i] = b[i];
    __syncwarp();
    uint32_t fragment_a[4], fragment_b[4];
    load_matrices(fragment_a, shared_a + lane % 16 * 16 + lane / 16 * 8);
    load_matrices_transposed(fragment_b, shared_b + lane % 16 * 8);
    float sums[4] = {};
    multiply<T>(sums, fragment_a, {fragment_b[0], fragment_b[1]});
    for (int i = 0; i < 4; i++) c[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sums[i];
  }
  struct alignas(16) Pack16 {
    uint32_t at[4];
  };
};

// c [16, 8] = a [16, 8] b [8, 8].
struct ProductTf32 {
  const float *a, *b;
  float* c;
  void operator()() const {
    const int lane = static_cast<int>(threadIdx.x), g = lane / 4, t = lane % 4;
    const uint32_t fragment_a[4] = {to_tf32(a[g * 8 + t]), to_tf32(a[(g + 8) * 8 + t]), to_tf32(a[g * 8 + t + 4]),
                                    to_tf32(a[(g + 8) * 8 + t + 4])};
    const uint32_t fragment_b[2] = {to_tf32(b[t * 8 + g]), to_tf32(b[(t + 4) * 8 + g])};
    float sums[4] = {};
    multiply_tf32(sums, fragment_a, fragment_b);
    for (int i = 0; i < 4; i++) c[(g + i / 2 * 8) * 8 + t * 2 + i % 2] = sums[i];
  }
};

struct HalfBarrier {
  void operator()() const {
    if (threadIdx.x < 16) __syncthreads();
  }
};
struct TwoBarriers {
  void operator()() const {
    if (threadIdx.x < 16)
      __syncthreads();
    else
      __syncthreads();
  }
};
struct EndedLane {
  void operator()() const {
    if (threadIdx.x > 0) __shfl_sync(0xffffffff, 1, 1);
  }
};
struct OutsideMask {
  void operator()() const { __shfl_sync(0xffff, 1, 1); }
};
struct TwoExchanges {
  void operator()() const {
    if (threadIdx.x < 16)
      __shfl_sync(0xffffffff, 1, 1);
    else
      __ballot_sync(0xffffffff, 1);
  }
};
struct WrongSource {
  void operator()() const {
    if (threadIdx.x < 16) __shfl_sync(0xffff, 1, 20);
  }
};
struct TooMuch {
  void operator()() const {
    SIMT_SHARED(double, much, [30000]);
    much[threadIdx.x] = 0;
  }
};
struct Unaligned {
  void operator()() const {
    SIMT_SHARED(uint16_t, rows, [33 * 8]);
    uint32_t r[4];
    load_matrices(r, rows + threadIdx.x * 8 + 1);
  }
};

// Each thread reads its neighbour's element.
struct Exchange {
  float* y;
  bool waits;
  void operator()() const {
    SIMT_SHARED(float, box, [64]);
    box[threadIdx.x] = 1;
    if (waits) __syncthreads();
    y[threadIdx.x] = box[threadIdx.x < 32 ? threadIdx.x : threadIdx.x - 32];
  }
};
struct Overwrite {
  float* y;
  bool waits;
  void operator()() const {
    SIMT_SHARED(float, box, [64]);
    box[threadIdx.x] = 1;
    __syncthreads();
    y[threadIdx.x] = box[63 - threadIdx.x];
    if (waits) __syncthreads();
    box[threadIdx.x] = 2;
  }
};
struct SameAddress {
  float* y;
  void operator()() const {
    if (threadIdx.x == 0) y[0] = static_cast<float>(blockIdx.x);
  }
};
struct Beyond {
  float* y;
  void operator()() const { y[threadIdx.x] = 1; }
};
struct BeyondShared {
  void operator()() const {
    SIMT_SHARED(float, box, [31]);
    float* first = box;  // a pointer, of whose bounds the check of indices knows nothing
    first[threadIdx.x] = 1;
  }
};

// True if `work` ends its process and says so with `words`.
template <class Work>
bool dies_of(const char* words, const Work& work) {
  int out[2];
  if (pipe(out) != 0) return false;
  const pid_t child = fork();
  if (child == 0) {
    dup2(out[1], 2);
    close(out[0]);
    work();
    _exit(0);
  }
  close(out[1]);
  std::string text;
  char part[4096];
  for (ssize_t n; (n = read(out[0], part, sizeof part)) > 0;) text.append(part, static_cast<size_t>(n));
  close(out[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return status != 0 && text.find(words) != std::string::npos;
}

}  // namespace planted
