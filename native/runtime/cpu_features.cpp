#include "runtime/cpu_features.h"

#include <cstdlib>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace neurite {

namespace scalar {
extern const nr_backend backend;
}
#if NR_HAS_avx2
namespace avx2 {
extern const nr_backend backend;
}
#endif
#if NR_HAS_avx512
namespace avx512 {
extern const nr_backend backend;
}
#endif

namespace {

struct Features {
  std::string names;
  bool avx2 = false;
  bool avx512 = false;
};

#if defined(__x86_64__)
uint64_t enabled_state() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

Features detect() {
  Features found;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return found;
  const uint32_t leaf1 = c;
  uint32_t b7 = 0, c7 = 0, d7 = 0, a71 = 0;
  if (__get_cpuid_count(7, 0, &a, &b7, &c7, &d7)) {
    uint32_t unused1, unused2, unused3;
    __get_cpuid_count(7, 1, &a71, &unused1, &unused2, &unused3);
  }
  const bool osxsave = leaf1 >> 27 & 1;
  const uint64_t state = osxsave ? enabled_state() : 0;
  const bool ymm = (state & 0x6) == 0x6;    // the system saves XMM and YMM
  const bool zmm = (state & 0xe6) == 0xe6;  // and the mask registers and ZMM
  const auto have = [&](bool bit, bool enabled, const char* name) {
    if (!bit || !enabled) return false;
    if (!found.names.empty()) found.names += ' ';
    found.names += name;
    return true;
  };
  const bool avx = have(leaf1 >> 28 & 1, ymm, "avx");
  const bool fma = have(leaf1 >> 12 & 1, ymm, "fma");
  const bool f16c = have(leaf1 >> 29 & 1, ymm, "f16c");
  const bool avx2 = have(b7 >> 5 & 1, ymm, "avx2");
  const bool f = have(b7 >> 16 & 1, zmm, "avx512f");
  const bool dq = have(b7 >> 17 & 1, zmm, "avx512dq");
  const bool bw = have(b7 >> 30 & 1, zmm, "avx512bw");
  const bool vl = have(b7 >> 31 & 1, zmm, "avx512vl");
  have(c7 >> 11 & 1, zmm, "avx512vnni");
  have(a71 >> 5 & 1, zmm, "avx512bf16");
  have(d7 >> 24 & 1, (state & 0x60000) == 0x60000, "amx");
  found.avx2 = avx && fma && f16c && avx2;
  found.avx512 = found.avx2 && f && dq && bw && vl;
  return found;
}
#else
Features detect() {
  return {};
}
#endif

const Features& features() {
  static const Features found = detect();
  return found;
}

}  // namespace

std::vector<const nr_backend*> cpu_backends() {
  std::vector<const nr_backend*> tables{&scalar::backend};
#if NR_HAS_avx2
  if (features().avx2) tables.push_back(&avx2::backend);
#endif
#if NR_HAS_avx512
  if (features().avx512) tables.push_back(&avx512::backend);
#endif
  return tables;
}

const nr_backend* choose_cpu_backend(std::string* problem) {
  const auto tables = cpu_backends();
  const char* wanted = std::getenv("NEURITE_CPU");
  if (!wanted || !*wanted) return tables.back();
  std::string names;
  for (const auto* table : tables) {
    if (std::string(table->name) == wanted) return table;
    names += names.empty() ? "" : ", ";
    names += table->name;
  }
  if (problem) *problem = std::string("NEURITE_CPU: expected one of ") + names + " on this machine, got " + wanted;
  return tables.back();
}

std::string cpu_feature_names() {
  return features().names;
}

}  // namespace neurite
