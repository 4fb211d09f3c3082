// Running a kernel on words of memory, by nvcc on a GPU and by g++ in the emulator, and writing down what it made of
// them: a line per case, "name kind words…", the words in hexadecimal.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "simt.h"

namespace fragments {

using Words = std::vector<uint32_t>;

// How results are compared (compare.cpp): exactly, as numbers of a format, or within a tolerance.
struct Kind {
  const char* name;
};
constexpr Kind bits{"bits"}, f16{"f16"}, bf16{"bf16"}, tf32{"tf32"}, sums{"sums"}, loose{"loose"},
    approximate{"approximate"};

[[noreturn]] inline void stop(const char* name, const char* problem) {
  std::fprintf(stderr, "%s: %s\n", name, problem);
  std::exit(1);
}

#if defined(__CUDACC__)
template <class K>
__global__ void __launch_bounds__(K::threads, 1) entry(const __grid_constant__ K kernel) {
  kernel();
}

inline void check(const char* name, cudaError_t status) {
  if (status != cudaSuccess) stop(name, cudaGetErrorString(status));
}
inline int capability() {
  int major = 0, minor = 0;
  check("device", cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
  check("device", cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0));
  return 10 * major + minor;
}

// Words in memory that kernels reach.
class Memory {
 public:
  explicit Memory(const Words& words) : words_(words) {
    check("memory", cudaMalloc(&data_, words.size() * 4));
    check("memory", cudaMemcpy(data_, words.data(), words.size() * 4, cudaMemcpyHostToDevice));
  }
  ~Memory() { cudaFree(data_); }
  Memory(const Memory&) = delete;
  uint32_t* data() { return data_; }
  Words take() {
    check("memory", cudaMemcpy(words_.data(), data_, words_.size() * 4, cudaMemcpyDeviceToHost));
    return words_;
  }

 private:
  Words words_;
  uint32_t* data_ = nullptr;
};

template <class K>
void launch(const char* name, dim3 grid, const K& kernel, size_t dynamic_shared = 0) {
  check(name,
        cudaFuncSetAttribute(entry<K>, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(dynamic_shared)));
  entry<<<grid, K::threads, dynamic_shared>>>(kernel);
  check(name, cudaGetLastError());
  check(name, cudaDeviceSynchronize());
}
#else
inline int capability() {
  return 90;
}

class Memory {
 public:
  explicit Memory(const Words& words) : words_(words) {}
  uint32_t* data() { return words_.data(); }
  Words take() { return words_; }

 private:
  Words words_;
};

template <class K>
void launch(const char* name, dim3 grid, const K& kernel, size_t dynamic_shared = 0) {
  const auto body = [](const void* k) { (*static_cast<const K*>(k))(); };
  const std::string problem = simt::launch(grid, dim3(K::threads), dynamic_shared, body, &kernel);
  if (!problem.empty()) stop(name, problem.c_str());
}
#endif

// K{in, out}() by every thread; what is in `out` at first stays where nobody writes.
template <class K>
Words run(const char* name, int blocks, const Words& in, const Words& out) {
  Memory from(in), to(out);
  launch(name, dim3(blocks), K{from.data(), to.data()});
  return to.take();
}

inline void record(const char* name, Kind kind, const Words& words) {
  std::printf("%s %s", name, kind.name);
  for (uint32_t word : words) std::printf(" %08x", word);
  std::printf("\n");
}

// Every thread of `blocks` blocks makes `outputs` words of `in`.
template <class K>
void try_out(const char* name, Kind kind, int blocks, const Words& in, int outputs) {
  record(name, kind, run<K>(name, blocks, in, Words(static_cast<size_t>(blocks) * K::threads * outputs)));
}

// The same numbers wherever this is compiled.
class Random {
 public:
  explicit Random(uint32_t seed) : rng_(seed) {}
  uint32_t word() { return static_cast<uint32_t>(rng_()); }
  // In [-1, 1), of 24 bits.
  float number() { return static_cast<float>(static_cast<int32_t>(word()) >> 8) * 0x1p-23f; }
  uint32_t float32() { return word_of(number()); }
  // Two 16-bit floats; they lose what they cannot hold.
  uint32_t bf16_pair() { return float32() >> 16 | (float32() & 0xffff0000); }
  uint32_t f16_pair() { return f16_of(number()) | f16_of(number()) << 16; }

  static uint32_t word_of(float x) {
    uint32_t w;
    std::memcpy(&w, &x, sizeof w);
    return w;
  }
  // Of numbers below 2; those below 2^-14 become zero.
  static uint32_t f16_of(float x) {
    const uint32_t w = word_of(x), exponent = w >> 23 & 0xff;
    return (w >> 16 & 0x8000) | (exponent < 113 ? 0 : (exponent - 112) << 10 | (w >> 13 & 0x3ff));
  }
  template <class Draw>
  static Words many(size_t n, const Draw& draw) {
    Words words;
    for (size_t i = 0; i < n; i++) words.push_back(draw());
    return words;
  }

 private:
  std::mt19937 rng_;
};

}  // namespace fragments
