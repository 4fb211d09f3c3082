// Loops over compile-time indices. GCC keeps an array of vectors in registers only if every index into it is a constant
// early in the pipeline, which an unrolled `for` is not: register tiles are written with these instead.
#pragma once
#include <type_traits>
#include <utility>

namespace neurite::NR_ISA {
namespace {

template <class Body, int... i>
[[gnu::always_inline]] inline void unroll_each(const Body& body, std::integer_sequence<int, i...>) {
  (body(std::integral_constant<int, i>{}), ...);
}

// body(0), body(1), …, body(n - 1); `body` is a generic lambda marked NR_INLINE.
template <int n, class Body>
[[gnu::always_inline]] inline void unroll(const Body& body) {
  unroll_each(body, std::make_integer_sequence<int, n>{});
}

#define NR_INLINE __attribute__((always_inline))

}  // namespace
}  // namespace neurite::NR_ISA
