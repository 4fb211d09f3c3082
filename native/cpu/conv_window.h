// What a box of neighbouring positions of a convolution reads from one channel, copied with its border of zeros and
// sorted along each axis by residue modulo the step: position p then reads tap t at a fixed distance from p, whatever
// the stride and the dilation are.
#pragma once
#include "cpu/conv_shape.h"

namespace neurite::NR_ISA {
namespace {

struct window_axis {
  patch_axis source;
  int64_t count;           // positions
  int64_t low;             // the first source coordinate that a tap of the first position reads
  int64_t phases, length;  // residues that are read, and how many elements of each

  window_axis() = default;
  window_axis(const patch_axis& a, int64_t first, int64_t positions) : source(a), count(positions) {
    const int64_t reach = (a.taps - 1) * a.slope, span = reach < 0 ? -reach : reach;
    low = a.base + first * a.step + smaller(0, reach);
    phases = smaller(a.step, span + 1);
    length = count + span / a.step;
  }

  int64_t size() const { return phases * length; }
  bool is_inside(int64_t at) const { return static_cast<uint64_t>(at) < static_cast<uint64_t>(source.size); }

  // visit(coordinate) slot by slot.
  template <class Visit>
  [[gnu::always_inline]] void each(const Visit& visit) const {
    for (int64_t phase = 0; phase < phases; phase++)
      for (int64_t i = 0; i < length; i++) visit(low + phase + i * source.step);
  }
  int64_t tap(int64_t t) const {
    const int64_t reach = (source.taps - 1) * source.slope, from_low = t * source.slope - smaller(0, reach);
    return from_low % source.step * length + from_low / source.step;
  }
};

struct window {
  window_axis axis[3];

  int64_t volume() const { return axis[0].size() * axis[1].size() * axis[2].size(); }
  int64_t at(int64_t d, int64_t h, int64_t w) const { return (d * axis[1].size() + h) * axis[2].size() + w; }

  // Asks for what fill() will read, line by line, to be brought into the second-level cache;
  // nothing where neighbours lie apart. Inlined, because the compiler drops calls of a function that only prefetches.
  template <class In>
  [[gnu::always_inline]] void fetch(const In* channel) const {
    constexpr int64_t line_elements = 64 / sizeof(In);
    const window_axis &d = axis[0], &h = axis[1], &w = axis[2];
    if (w.source.stride != 1) return;
    const int64_t first = larger(w.low, 0), past = smaller(w.low + w.length * w.source.step, w.source.size);
    d.each([&](int64_t z) NR_INLINE {
      h.each([&](int64_t y) NR_INLINE {
        if (!d.is_inside(z) || !h.is_inside(y)) return;
        const In* line = channel + z * d.source.stride + y * h.source.stride;
        for (int64_t x = first; x < past; x += line_elements) __builtin_prefetch(line + x, 0, 2);
      });
    });
  }

  template <class T, class In>
  void fill(const In* channel, T* out) const {
    const window_axis &d = axis[0], &h = axis[1], &w = axis[2];
    for (int64_t phase = 0; phase < w.phases; phase++) {
      const line_part part(w.source, w.low + phase, w.length);
      T* to = out + phase * w.length;
      d.each([&](int64_t z) NR_INLINE {
        h.each([&](int64_t y) NR_INLINE {
          if (d.is_inside(z) && h.is_inside(y)) {
            read_line(channel + z * d.source.stride + y * h.source.stride, w.source, part, to);
          } else {
            write_zeros(to, w.length);
          }
          to += w.size();
        });
      });
    }
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
