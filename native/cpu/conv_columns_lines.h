// Lines of inputs from the columns that reach them (conv_columns.h): the neighbours of one residue modulo the stride
// read neighbours of a line of columns, for each tap; of two residues, lanes are interleaved.
#pragma once
#include "cpu/conv_columns_cut.h"
#include "cpu/every_second.h"
#include "cpu/lanes.h"

namespace neurite::NR_ISA {
namespace {

// Phases of every residue along each axis.
struct input_phases {
  const conv_phase* axis[3];
  int64_t stride[3];  // 1 where there is one input

  input_phases(const conv_shape& s, conv_phase* memory) {
    for (int i = 0; i < 3; i++) {
      axis[i] = memory;
      stride[i] = count(s.axis[i]);
      for (int64_t r = 0; r < stride[i]; r++) *memory++ = make_conv_phase(s.axis[i], r);
    }
  }
  static int64_t count(const conv_axis& a) { return smaller(a.stride, a.in); }
  static int64_t size(const conv_shape& s) { return count(s.axis[0]) + count(s.axis[1]) + count(s.axis[2]); }

  // At most so many taps along an axis reach an input.
  int64_t most_taps(int i) const {
    int64_t most = 0;
    for (int64_t r = 0; r < stride[i]; r++) most = larger(most, axis[i][r].taps);
    return most;
  }
};

template <class T>
struct column_lines {
  using V = vector_t<T>;
  static constexpr int64_t W = V::width;
  const conv_shape& s;
  const input_phases& phases;
  const columns_task& task;
  int64_t pitch;  // from row to row of columns

  // The lines of columns that reach line (z, y) of inputs: their number, and the offset of each.
  void find(int64_t z, int64_t y, int64_t* sources) const {
    const index_range &d = task.outputs[0], &h = task.outputs[1], &w = task.outputs[2];
    const conv_phase &pz = phases.axis[0][z % phases.stride[0]], &py = phases.axis[1][y % phases.stride[1]];
    int64_t count = 0;
    for (int64_t i = 0; i < pz.taps; i++) {
      const int64_t from_z = z / phases.stride[0] + pz.base + i * pz.slope;
      if (from_z < d.first || from_z >= d.past) continue;
      for (int64_t j = 0; j < py.taps; j++) {
        const int64_t from_y = y / phases.stride[1] + py.base + j * py.slope;
        if (from_y < h.first || from_y >= h.past) continue;
        const int64_t row = (pz.first + i * pz.step) * s.axis[1].kernel + py.first + j * py.step;
        sources[++count] =
            row * s.axis[2].kernel * pitch + ((from_z - d.first) * h.count() + from_y - h.first) * w.count();
      }
    }
    sources[0] = count;
  }

  // Up to W inputs of one residue, the first of them j strides from the first of all.
  V sum(const T* columns, const int64_t* sources, int64_t residue, int64_t j) const {
    const conv_phase& p = phases.axis[2][residue];
    const index_range& w = task.outputs[2];
    V total(T(0));
    for (int64_t t = 0; t < p.taps; t++) {
      const int64_t x = j + p.base + t * p.slope;
      if (x >= w.past || x + W <= w.first) continue;
      const auto lanes = lane_run<V>(w.first - x, w.past - x);
      const T* from = columns + (p.first + t * p.step) * pitch + x - w.first;
      for (int64_t i = 1; i <= sources[0]; i++) total = total + load_lanes(from + sources[i], lanes);
    }
    return total;
  }

  // The task's part of a line of inputs from the columns of one image and channel.
  template <class In>
  void write(const T* columns, const int64_t* sources, In* line) const {
    const int64_t stride = phases.stride[2], past = task.inputs[2].past;
    int64_t i = task.inputs[2].first;
    for (int64_t j = i == 0 ? 0 : i / stride; i < past; i += stride * W, j += W) {
      const int64_t n = past - i;
      if (stride == 1) {
        store(line + i, sum(columns, sources, 0, j), n);
      } else if (stride == 2) {
        const V even = sum(columns, sources, 0, j), odd = sum(columns, sources, 1, j);
        store(line + i, lower_pairs(even, odd), n);
        if (n > W) store(line + i + W, upper_pairs(even, odd), n - W);
      } else {
        for (int64_t r = 0; r < smaller(stride, n); r++) {
          T apart[W];
          store(apart, sum(columns, sources, r, j));
          for (int64_t k = 0; k < W && r + k * stride < n; k++) line[i + r + k * stride] = convert<In>(apart[k]);
        }
      }
    }
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
