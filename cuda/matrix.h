// Tensor cores of sm_75 and later: loading fragments (ldmatrix) and products of a warp (mma.sync), with float32 sums.
// With g = lane / 4 and t = lane % 4, a warp holds (PTX ISA, "Matrix fragments for mma"):
//   A 16 x 16 of 16 bits   a[0] (g, 2t..)  a[1] (g + 8, 2t..)  a[2] (g, 2t + 8..)  a[3] (g + 8, 2t + 8..)
//   B 16 x 8 of 16 bits    b[0] (2t.., g)  b[1] (2t + 8.., g)                       two of them in each register
//   A 16 x 8 of tf32       a[0] (g, t)     a[1] (g + 8, t)     a[2] (g, t + 4)     a[3] (g + 8, t + 4)
//   B 8 x 8 of tf32        b[0] (t, g)     b[1] (t + 4, g)
//   C 16 x 8               c[0..1] (g, 2t..)  c[2..3] (g + 8, 2t..)
// sm_75 knows products of f16 alone; bf16 and tf32 need sm_80.
#pragma once
#include "backend.h"
#include "simt.h"

namespace neurite::cuda {
namespace {

// Whether the chip that is compiled for has products of T, where float stands for tf32.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
template <class T>
constexpr bool has_products = __is_same(T, nr_f16);
#else
template <class T>
constexpr bool has_products = true;
#endif

#if defined(__CUDACC__)
// Four 8 x 8 matrices of 16-bit elements: lanes 8 i .. 8 i + 7 give the addresses of the rows (16 bytes each, aligned)
// of matrix i; r[i] receives elements 2t and 2t + 1 of row g of it, or of its transpose.
__device__ inline void load_matrices(uint32_t (&r)[4], const void* row) {
  const auto from = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(from)
               : "memory");
}
__device__ inline void load_matrices_transposed(uint32_t (&r)[4], const void* row) {
  const auto from = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(from)
               : "memory");
}

// c += a b, of 16-bit floats T.
template <class T>
__device__ inline void multiply(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  if constexpr (__is_same(T, nr_f16)) {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
        "%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    for (int half = 0; half < 2; half++)
      asm volatile(
          "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
          : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
          : "r"(a[2 * half]), "r"(a[2 * half + 1]), "r"(b[half]));
#endif
  } else {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, "
        "%2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
  }
}
// c += a b, of numbers rounded to tf32 (numbers.h).
__device__ inline void multiply_tf32(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}
#else
inline void load_matrices(uint32_t (&r)[4], const void* row, simt::Place at = simt::Place::current()) {
  simt::load_matrices(r, row, false, at);
}
inline void load_matrices_transposed(uint32_t (&r)[4], const void* row, simt::Place at = simt::Place::current()) {
  simt::load_matrices(r, row, true, at);
}
template <class T>
inline void multiply(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                     simt::Place at = simt::Place::current()) {
  simt::multiply(c, a, b, std::is_same_v<T, nr_f16> ? simt::Format::f16 : simt::Format::bf16, at);
}
inline void multiply_tf32(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                          simt::Place at = simt::Place::current()) {
  simt::multiply(c, a, b, simt::Format::tf32, at);
}
#endif

}  // namespace
}  // namespace neurite::cuda
