#include "instructions.h"

#include <bit>
#include <cstring>

#include "race.h"
#include "shared.h"

namespace simt {

namespace {

bool aligned(const void* p, int bytes) {
  return reinterpret_cast<uintptr_t>(p) % static_cast<uintptr_t>(bytes) == 0;
}

void perform_copy(const AsyncCopy& copy) {
  race::read(copy.from, static_cast<size_t>(copy.valid));
  race::write(copy.to, static_cast<size_t>(copy.bytes));
  std::memcpy(copy.to, copy.from, static_cast<size_t>(copy.valid));
  std::memset(static_cast<char*>(copy.to) + copy.valid, 0, static_cast<size_t>(copy.bytes - copy.valid));
}

}  // namespace

void begin_async_copy(void* to, const void* from, int bytes, int valid) {
  if (!in_shared(to)) fail("cp.async to %p, which is not in shared memory", to);
  if (!aligned(to, bytes) || !aligned(from, bytes))
    fail("cp.async of %d bytes from %p to %p: not aligned", bytes, from, to);
  if (valid < 0 || valid > bytes) fail("cp.async of %d bytes, %d of them valid", bytes, valid);
  race::write(to, static_cast<size_t>(bytes));
  std::memset(to, 0xff, static_cast<size_t>(bytes));
  self->copies.push_back({to, from, bytes, valid, self->copy_groups});
}

void commit_async_copies() {
  self->copy_groups++;
}

void wait_async_copies(int newest) {
  const int until = self->copy_groups - newest;  // groups before this one must be there
  size_t kept = 0;
  for (const AsyncCopy& copy : self->copies) {
    if (copy.group < until)
      perform_copy(copy);
    else
      self->copies[kept++] = copy;
  }
  self->copies.resize(kept);
}

namespace {

struct Load {
  const void* row;
  uint32_t* r;
};

template <bool transposed>
void perform_load(Exchange& e) {
  for (int i = 0; i < 4; i++) {
    uint16_t m[8][8];
    for (int row = 0; row < 8; row++)
      std::memcpy(m[row], static_cast<Load*>(e.arguments[8 * i + row])->row, sizeof m[row]);
    for (int lane = 0; lane < 32; lane++) {
      const int g = lane / 4, t = lane % 4;
      const uint16_t low = transposed ? m[2 * t][g] : m[g][2 * t];
      const uint16_t high = transposed ? m[2 * t + 1][g] : m[g][2 * t + 1];
      static_cast<Load*>(e.arguments[lane])->r[i] = low | static_cast<uint32_t>(high) << 16;
    }
  }
}

struct Product {
  float* c;
  const uint32_t *a, *b;
};

float half_of(uint32_t pair, int which, Format format) {
  const auto bits = static_cast<uint16_t>(which ? pair >> 16 : pair);
  return format == Format::f16 ? static_cast<float>(std::bit_cast<_Float16>(bits))
                               : std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// Sums in float64, rounded once: chips differ in how they add up, and so do tests' tolerances allow.
template <Format format>
void perform_multiply(Exchange& e) {
  constexpr int depth = format == Format::tf32 ? 8 : 16;
  float a[16][depth], b[depth][8];
  for (int lane = 0; lane < 32; lane++) {
    const auto* p = static_cast<Product*>(e.arguments[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; i++) {
      const int row = g + i % 2 * 8;
      if constexpr (format == Format::tf32)
        a[row][t + i / 2 * 4] = std::bit_cast<float>(p->a[i] & ~0x1fffu);
      else
        for (int k = 0; k < 2; k++) a[row][2 * t + i / 2 * 8 + k] = half_of(p->a[i], k, format);
    }
    for (int i = 0; i < 2; i++) {
      if constexpr (format == Format::tf32)
        b[t + 4 * i][g] = std::bit_cast<float>(p->b[i] & ~0x1fffu);
      else
        for (int k = 0; k < 2; k++) b[2 * t + 8 * i + k][g] = half_of(p->b[i], k, format);
    }
  }
  for (int lane = 0; lane < 32; lane++) {
    const auto* p = static_cast<Product*>(e.arguments[lane]);
    for (int i = 0; i < 4; i++) {
      const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
      double sum = p->c[i];
      for (int k = 0; k < depth; k++) sum += static_cast<double>(a[row][k]) * b[k][column];
      p->c[i] = static_cast<float>(sum);
    }
  }
}

}  // namespace

void load_matrices(uint32_t (&r)[4], const void* row, bool transposed, Place at) {
  if (!in_shared(row) || !aligned(row, 16)) fail("ldmatrix from %p: expected 16 aligned bytes of shared memory", row);
  race::read(row, 16);
  Load load{row, r};
  exchange(0xffffffff, transposed ? "ldmatrix.trans" : "ldmatrix", &load,
           transposed ? perform_load<true> : perform_load<false>, at);
}

void multiply(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Format format, Place at) {
  Product product{c, a, b};
  exchange(0xffffffff, "mma.sync", &product,
           format == Format::f16    ? perform_multiply<Format::f16>
           : format == Format::bf16 ? perform_multiply<Format::bf16>
                                    : perform_multiply<Format::tf32>,
           at);
}

}  // namespace simt
