// How much of the machine this process may use: CPUs and memory, from the settings, the affinity mask and the cgroup.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

#include "runtime/device.h"

namespace neurite {

namespace {

// The number in a cgroup file; 0 when the file is missing or says "max".
double first_number(const char* path) {
  std::ifstream file(path);
  double value = 0;
  return file >> value ? value : 0;
}

double cgroup_cpus() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (v2 >> quota >> period && period > 0) return quota / period;
  quota = first_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  period = first_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  return quota > 0 && period > 0 ? quota / period : 0;
}

}  // namespace

int default_threads() {
  if (const char* wanted = std::getenv("NEURITE_THREADS")) {
    const int threads = std::atoi(wanted);
    if (threads >= 1 && threads <= 1024) return threads;
  }
  int cpus = 1;
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) cpus = std::max(1, CPU_COUNT(&mask));
  const double quota = cgroup_cpus();
  if (quota > 0) cpus = std::min(cpus, std::max(1, static_cast<int>(std::ceil(quota))));
  return cpus;
}

size_t default_memory_limit() {
  double bytes = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
    if (const double limit = first_number(path); limit > 0) bytes = std::min(bytes, limit);
  return static_cast<size_t>(bytes * 0.8);
}

}  // namespace neurite
