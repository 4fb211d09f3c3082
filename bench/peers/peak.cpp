// The machine's limits: float32 multiply-adds per second for each instruction set, and the bandwidth of reading and
// copying within L2, L3 and DRAM, each thread with data of its own. One run takes about 10 ms, against which starting
// the threads does not count.
#include <immintrin.h>
#include <sys/mman.h>

#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "serve.h"

namespace {

#ifdef __AVX512F__
using widest = __m512;
#else
using widest = __m256;
#endif

/** Independent chains of multiply-adds hide their latency; the indices are constants so that each lives in a register.
 */
template <class vec, size_t... chain>
void multiply_add(long steps, std::index_sequence<chain...>) {
  vec acc[] = {vec{} + float(chain)...};
  vec factor = vec{} + 0.999999f;
  vec term = vec{} + 0.25f;
  for (long step = 0; step < steps; step++) ((acc[chain] = acc[chain] * factor + term), ...);
  (..., [&] { asm volatile("" : : "v"(acc[chain])); }());
}

/** Four quarters at once: several streams keep more lines on their way than one. */
void read_all(const float* x, size_t n) {
  constexpr size_t width = sizeof(widest) / sizeof(float);
  constexpr size_t streams = 4;
  widest sums[2 * streams] = {};
  for (size_t at = 0; at < n / streams; at += 2 * width) {
#pragma GCC unroll 8
    for (size_t i = 0; i < 2 * streams; i++) {
      sums[i] += *reinterpret_cast<const widest*>(x + i / 2 * (n / streams) + at + i % 2 * width);
    }
  }
  for (auto& sum : sums) asm volatile("" : : "v"(sum));
}

void store_around_caches(float* to, widest v) {
#ifdef __AVX512F__
  _mm512_stream_ps(to, v);
#else
  _mm256_stream_ps(to, v);
#endif
}

void copy_all(float* y, const float* x, size_t n, bool around_caches) {
  constexpr size_t width = sizeof(widest) / sizeof(float);
  for (size_t at = 0; at < n; at += width) {
    widest v = *reinterpret_cast<const widest*>(x + at);
    if (around_caches)
      store_around_caches(y + at, v);
    else
      *reinterpret_cast<widest*>(y + at) = v;
  }
  _mm_sfence();
}

/** Puts a thread on the processor with this index among those that the process may use. */
void place(pthread_t thread, int index) {
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    return set;
  }();
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &allowed) && index-- == 0) CPU_SET(cpu, &one);
  }
  if (CPU_COUNT(&one)) pthread_setaffinity_np(thread, sizeof one, &one);
}

void on_threads(int threads, const std::function<void(int)>& work) {
  place(pthread_self(), 0);
  std::vector<std::thread> others;
  for (int i = 1; i < threads; i++) {
    others.emplace_back(work, i);
    place(others.back().native_handle(), i);
  }
  work(0);
  for (auto& t : others) t.join();
}

template <class vec, size_t chains>
std::vector<variant> peak(int threads) {
  constexpr long steps = 1 << 18;
  double flops = 2.0 * sizeof(vec) / sizeof(float) * chains * steps * threads;
  auto run = [=] { on_threads(threads, [](int) { multiply_add<vec>(steps, std::make_index_sequence<chains>()); }); };
  return {{"hardware", run, false, "gflops", flops}};
}

std::vector<variant> bandwidth(const request& asked) {
  int threads = int(asked.number("threads"));
  std::string test = asked.text("test");
  // The bytes of a thread; a copy's source and target share them.
  size_t bytes = size_t(asked.number("bytes"));
  size_t count = bytes / sizeof(float);
  constexpr size_t huge_page = size_t(1) << 21;
  using block = std::unique_ptr<float, decltype(&std::free)>;
  auto blocks = std::make_shared<std::vector<block>>();
  for (int i = 0; i < threads; i++) {
    blocks->emplace_back(static_cast<float*>(std::aligned_alloc(huge_page, (bytes + huge_page - 1) & -huge_page)),
                         &std::free);
    madvise(blocks->back().get(), bytes, MADV_HUGEPAGE);
    std::memset(blocks->back().get(), 1, bytes);
  }
  int repeats = int(std::max<size_t>(1, (size_t(1) << 30) / bytes));
  auto run = [=] {
    on_threads(threads, [&](int i) {
      float* x = (*blocks)[size_t(i)].get();
      for (int r = 0; r < repeats; r++) {
        if (test == "read")
          read_all(x, count);
        else
          copy_all(x + count / 2, x, count / 2, test == "copy-nt");
      }
    });
  };
  return {{"hardware", run, false, "gbs", double(bytes) * repeats * threads}};
}

}  // namespace

int main() {
  return serve("peak", [](const request& asked) -> std::vector<variant> {
    int threads = int(asked.number("threads"));
    if (asked.text("isa") == "avx2") return peak<__m256, 12>(threads);
#ifdef __AVX512F__
    if (asked.text("isa") == "avx512") return peak<__m512, 24>(threads);
#endif
    if (asked.text("bench") == "bandwidth") return bandwidth(asked);
    return {};
  });
}
