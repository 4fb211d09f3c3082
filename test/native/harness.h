// A small harness for native tests: tensors that own their memory, a context with real threads, and a loop over the
// tables under test, which are those of the instruction sets that this machine can run or that of a device of another
// kind (NEURITE_TEST_LIBRARY, device.h). Each *_test.cpp becomes one CTest executable.
#pragma once
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "backend.h"
#include "check.h"
#include "device.h"
#include "device_table.h"
#include "runtime/cpu_features.h"
#include "runtime/thread_pool.h"

namespace harness {

inline int64_t element_size(int32_t dtype) {
  static constexpr int64_t sizes[] = {
#define NR_DTYPE(tag, name, type) sizeof(type),
#include "dtypes.def"
  };
  return sizes[dtype];
}

// No byte more than asked for, so that AddressSanitizer sees the first one beyond. They are all ones: read before they
// are written, floats show as NaN.
inline void* allocate(size_t bytes) {
  void* p = nullptr;
  if (posix_memalign(&p, 64, bytes) != 0) std::abort();
  std::memset(p, 0xff, bytes);
  return p;
}

// A context over a thread pool; remembers the first failure.
struct Context : nr_context {
  explicit Context(int thread_count = 2) : pool(thread_count) {
    stream = nullptr;
    threads = thread_count;
    parallel = [](nr_context* c, int64_t tasks, void (*body)(void*, int64_t, int32_t), void* state) {
      static_cast<Context*>(c)->pool.run(tasks, body, state);
    };
    scratch = [](nr_context* c, size_t bytes) {
      return static_cast<Context*>(c)->blocks.emplace_back(allocate(bytes), std::free).get();
    };
    fail = &on_fail;
  }
  static void on_fail(nr_context* c, const char* code, const char* format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    std::vsnprintf(text, sizeof text, format, args);
    va_end(args);
    auto* self = static_cast<Context*>(c);
    if (self->error.empty()) self->error = std::string(code) + ": " + text;
  }
  neurite::ThreadPool pool;
  std::string error;
  std::vector<std::unique_ptr<void, void (*)(void*)>> blocks;
};

// Owns `data` of one dtype; converts to and from double for references.
struct Array {
  nr_tensor t{};
  std::shared_ptr<void> memory;
  int64_t numel = 1;

  Array(std::vector<int64_t> shape, int32_t dtype = nr_dtype_f32) {
    t.dtype = dtype;
    t.ndim = static_cast<int32_t>(shape.size());
    for (int d = t.ndim - 1; d >= 0; d--) {
      t.shape[d] = shape[d];
      t.stride[d] = numel;
      numel *= shape[d];
    }
    memory.reset(allocate(static_cast<size_t>(numel * element_size(dtype))), std::free);
    t.data = memory.get();
  }
  template <class T>
  T* as() const {
    return static_cast<T*>(t.data);
  }
  operator const nr_tensor*() const { return &t; }
  operator nr_tensor*() { return &t; }
};

inline Array random_f32(std::vector<int64_t> shape, uint32_t seed = 1, float low = -1, float high = 1) {
  Array a(std::move(shape));
  std::mt19937 rng(seed);
  std::uniform_real_distribution<float> draw(low, high);
  for (int64_t i = 0; i < a.numel; i++) a.as<float>()[i] = draw(rng);
  return a;
}

inline nr_optional none() {
  return {};
}
inline nr_optional some(const Array& a) {
  return {a.t, true};
}
inline nr_operand operand(const Array& a) {
  return {a.t, 0};
}

// The tables under test.
inline std::vector<const nr_backend*> tables() {
  if (device_under_test()) return {&device_table()};
  return neurite::cpu_backends();
}

// What only the CPU promises is left out on a device, and said to be: if (left_out("…")) return.
inline bool left_out(const char* what) {
  static std::set<std::string> said;
  if (!device_under_test()) return false;
  if (said.insert(what).second) std::printf("left out on %s: %s\n", device_under_test()->library.name, what);
  return true;
}

// The numbers of threads to compare: a device has none of its own.
inline std::vector<int> thread_counts(std::vector<int> counts) {
  if (left_out("the same bits for any number of threads")) counts.resize(1);
  return counts;
}

// Whether a device computes so slowly that tests give it their small sizes and fewer of their drawn cases.
inline bool is_slow() {
  static const bool is_set = std::getenv("NEURITE_TEST_SMALL") != nullptr;
  return device_under_test() && (is_set || std::strstr(device_under_test()->library.name, "emulated"));
}
inline int64_t fewer(int64_t cases) {
  return is_slow() ? (cases + 9) / 10 : cases;
}

// Runs `test` with each of the tables.
inline void each_isa(const std::function<void(const nr_backend&)>& test) {
  for (const nr_backend* backend : tables()) {
    const int before = failures;
    test(*backend);
    std::printf("%-8s %s\n", backend->name, failures == before ? "ok" : "FAILED");
  }
}

inline int report() {
  for (const auto& [kernel, calls] : unsupported) std::printf("not supported: %s, %d calls\n", kernel.c_str(), calls);
  std::printf("%d checks, %d failed\n", checks.load(), failures.load());
  return failures != 0;
}

}  // namespace harness
