// The memory that the tensors of one call reach, on the host and on a device. What overlaps on the host is one block on
// the device, of not a byte more than the tensors reach, and lies there as it does here modulo 64: views of one array
// stay views of one array, alignment is the same, and a sanitizer sees what lies beyond.
#pragma once
#include <algorithm>
#include <vector>

#include "harness.h"

namespace harness {

struct Region {
  char *begin, *end;  // on the host
  bool is_written;
  char* block = nullptr;  // on the device

  size_t bytes() const { return static_cast<size_t>(end - begin); }
  size_t shift() const { return reinterpret_cast<uintptr_t>(begin) % 64; }
  char* device() const { return block + shift(); }
};

// From the first to behind the last byte of t; empty where t has no element.
inline Region reach(const nr_tensor& t, bool is_written) {
  int64_t low = 0, high = 1;
  for (int d = 0; d < t.ndim; d++) {
    if (t.shape[d] == 0) low = high = 0;
    if (t.shape[d] == 0) break;
    (t.stride[d] < 0 ? low : high) += (t.shape[d] - 1) * t.stride[d];
  }
  char* data = static_cast<char*>(t.data);
  return {data + low * element_size(t.dtype), data + high * element_size(t.dtype), is_written};
}

inline std::vector<Region> merged(std::vector<Region> regions) {
  std::sort(regions.begin(), regions.end(), [](const Region& a, const Region& b) { return a.begin < b.begin; });
  std::vector<Region> out;
  for (const Region& r : regions) {
    if (r.begin == r.end) continue;
    if (out.empty() || r.begin >= out.back().end) {
      out.push_back(r);
    } else {
      out.back().end = std::max(out.back().end, r.end);
      out.back().is_written |= r.is_written;
    }
  }
  return out;
}

class Regions {
 public:
  explicit Regions(Device& on) : device_(on), library_(on.library) {}
  ~Regions() {
    for (const Region& r : all_)
      if (r.block) library_.release(device_.handle, r.block, r.bytes() + r.shift());
  }
  Regions(const Regions&) = delete;

  void add(const nr_tensor& t, bool is_written) { all_.push_back(reach(t, is_written)); }

  // All tensors were added: puts them on the device.
  bool copy_in(nr_error* error) {
    all_ = merged(std::move(all_));
    for (Region& r : all_) {
      r.block = static_cast<char*>(library_.allocate(device_.handle, r.bytes() + r.shift()));
      if (!r.block) {
        std::strcpy(error->code, "OUT_OF_MEMORY");
        std::snprintf(error->text, sizeof error->text, "no %zu bytes for a test", r.bytes());
        return false;
      }
      if (!library_.copy_in(device_.handle, r.device(), r.begin, r.bytes(), error)) return false;
    }
    return true;
  }
  // t as it lies on the device. An empty one points nowhere: it must not be read.
  void rebase(nr_tensor& t) const {
    const Region own = reach(t, false);
    if (own.begin == own.end) {
      t.data = reinterpret_cast<void*>(uintptr_t{64});
      return;
    }
    for (const Region& r : all_)
      if (own.begin >= r.begin && own.end <= r.end) {
        t.data = r.device() + (static_cast<char*>(t.data) - r.begin);
        return;
      }
  }
  // What the kernel wrote comes back; what it was to read must be as it was.
  bool copy_out(const char* kernel, nr_error* error) const {
    std::vector<char> seen;
    for (const Region& r : all_) {
      if (!r.is_written) seen.resize(r.bytes());
      char* to = r.is_written ? r.begin : seen.data();
      if (!library_.copy_out(device_.handle, to, r.device(), r.bytes(), error)) return false;
      if (!r.is_written) CHECK(std::memcmp(to, r.begin, r.bytes()) == 0, "%s wrote to what it is to read", kernel);
    }
    return true;
  }

 private:
  Device& device_;
  const nr_device_library& library_;
  std::vector<Region> all_;
};

}  // namespace harness
