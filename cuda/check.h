// What only the data shows. A kernel takes a check on the host, carries it into its launches by value, and where the
// data is wrong calls check.fail(…) and goes on with a safe value. The first thread that fails wins: it writes the
// check's number into a word of device memory, which later launches read, and what it saw into a record that the host
// reads. Numbers only grow, so that neither needs a reset.
#pragma once
#include <type_traits>

#include "device_library.h"
#include "simt.h"

namespace neurite::cuda {

struct CheckRecord {
  unsigned long long check;
  long long values[3];
};

struct Check {
  unsigned long long number;
  unsigned long long* word;
  CheckRecord* record;

  // The values are those that the check's format names: %lld for integers, %g for floats.
  template <class... Values>
  __device__ void fail(Values... values) const {
    static_assert(sizeof...(Values) <= 3);
    if (atomicMax(word, number) >= number) return;
    long long* to = record->values;
    ((*to++ = bits_of(values)), ...);
    record->check = number;
  }

 private:
  template <class V>
  __device__ static long long bits_of(V value) {
    if constexpr (std::is_floating_point_v<V>)
      return __builtin_bit_cast(long long, static_cast<double>(value));
    else
      return static_cast<long long>(value);
  }
};

// The checks that a launch depends on: it does nothing if one of them failed.
struct Unless {
  const unsigned long long* words;
  int32_t count;  // negative: one has failed, as the host knows
  unsigned long long checks[NR_MAX_UNLESS + 1];

  __device__ bool failed() const {
    for (int i = 0; i < count; i++)
      if (words[checks[i] % NR_MAX_PENDING_CHECKS] == checks[i]) return true;
    return count < 0;
  }
};

// A new check of the command that runs. Code and format are literals: "expected index in [0, %lld), got %lld".
Check take_check(nr_context* ctx, const char* code, const char* format);

// What the command launches from here on does nothing if this check fails: for kernels that must look at all of their
// data before they write in place. One per command.
void require(nr_context* ctx, const Check& check);

// What a launch of the command that runs depends on.
Unless unless_of(const nr_context* ctx);

}  // namespace neurite::cuda
