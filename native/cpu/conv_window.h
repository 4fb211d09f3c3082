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
  int64_t coordinate(int64_t slot) const { return low + slot / length + slot % length * source.step; }
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
  // nothing where neighbours lie apart.
  template <class In>
  void fetch(const In* channel) const {
    constexpr int64_t line_elements = 64 / sizeof(In);
    const window_axis &d = axis[0], &h = axis[1], &w = axis[2];
    if (w.source.stride != 1) return;
    const int64_t first = larger(w.low, 0), past = smaller(w.low + w.length * w.source.step, w.source.size);
    for (int64_t i = 0; i < d.size(); i++) {
      for (int64_t j = 0; j < h.size(); j++) {
        const int64_t z = d.coordinate(i), y = h.coordinate(j);
        if (z < 0 || z >= d.source.size || y < 0 || y >= h.source.size) continue;
        const In* line = channel + z * d.source.stride + y * h.source.stride;
        for (int64_t x = first; x < past; x += line_elements) __builtin_prefetch(line + x, 0, 2);
      }
    }
  }

  template <class T, class In>
  void fill(const In* channel, T* out) const {
    const window_axis &d = axis[0], &h = axis[1], &w = axis[2];
    for (int64_t i = 0; i < d.size(); i++) {
      const int64_t z = d.coordinate(i);
      for (int64_t j = 0; j < h.size(); j++) {
        const int64_t y = h.coordinate(j);
        if (z < 0 || z >= d.source.size || y < 0 || y >= h.source.size) {
          write_zeros(out, w.size());
          out += w.size();
          continue;
        }
        const In* line = channel + z * d.source.stride + y * h.source.stride;
        for (int64_t phase = 0; phase < w.phases; phase++, out += w.length)
          read_line(line, w.source, w.low + phase, w.length, out);
      }
    }
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
