// How the columns of a strided convolution's gradient (conv_columns.h) are cut into tasks: blocks of channels, and for
// each of them some whole images, or bands of one image along the first axis that has more than one position. The
// columns of a task stay in the second-level cache; where bands meet, both compute what reaches the inputs of either.
#pragma once
#include "cpu/conv_shape.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t columns_bytes = int64_t{384} << 10, most_columns_bytes = int64_t{16} << 20;

struct index_range {
  int64_t first, past;

  int64_t count() const { return past - first; }
};

struct columns_task {
  int64_t group;
  index_range channels, images, inputs[3], outputs[3];  // outputs: those that reach the inputs

  int64_t positions() const { return outputs[0].count() * outputs[1].count() * outputs[2].count(); }
};

struct columns_cut {
  const conv_shape* shape;
  int axis;                  // along which images are cut
  int64_t across;            // outputs for each along that axis
  int64_t channels, blocks;  // of a group
  int64_t images, parts;     // of the batch
  int64_t inputs, bands;     // along the axis

  columns_cut(int32_t threads, const conv_shape& s, int64_t element) : shape(&s) {
    axis = 0;
    while (axis < 2 && s.axis[axis].in == 1 && s.axis[axis].out == 1) axis++;
    across = 1;
    for (int i = axis + 1; i < 3; i++) across *= s.axis[i].out;
    const conv_axis& a = s.axis[axis];
    const int64_t taps = s.taps(), budget = columns_bytes / element, reach = (a.kernel - 1) * a.dilation / a.stride;
    const int64_t least = smaller(s.channels, ceil_div(2 * tile_rows, taps));
    images = 1;
    inputs = a.in;
    channels = larger(least, smaller(smaller(s.channels, block_rows_f32 * 4 / element / taps),
                                     budget / larger(1, taps * positions())));
    const int64_t lines = budget / larger(1, channels * taps * across);
    if (lines < a.out) inputs = smaller(a.in, a.stride * larger(1 + reach, lines - 1 - reach));
    if (inputs == a.in) images = larger(1, smaller(s.batch, budget / larger(1, channels * taps * positions())));
    count();
    const int64_t wanted = threads == 1 ? 1 : 4 * threads;
    while (tasks() < wanted) {
      if (images > 1) {
        images = ceil_div(images, 2);
      } else if (channels > least) {
        channels = larger(least, ceil_div(channels, 2));
      } else if (inputs > 8 * a.stride * (1 + reach)) {
        inputs = round_up(ceil_div(inputs, 2), a.stride);
      } else {
        break;
      }
      count();
    }
    channels = ceil_div(s.channels, blocks);
  }

  void count() {
    blocks = ceil_div(shape->channels, channels);
    parts = ceil_div(shape->batch, images);
    bands = ceil_div(shape->axis[axis].in, inputs);
  }
  int64_t tasks() const { return shape->groups * blocks * parts * bands; }

  // At most so many outputs of an image reach a band.
  int64_t positions() const {
    const conv_axis& a = shape->axis[axis];
    return smaller(a.out, (inputs - 1 + (a.kernel - 1) * a.dilation) / a.stride + 1) * across;
  }
  // Of inputs in a task.
  int64_t lines() const {
    return axis == 2 ? shape->axis[1].in * shape->axis[0].in : inputs * (axis == 0 ? shape->axis[1].in : 1);
  }
  int64_t pitch() const { return round_up(images * positions(), 16) + 16; }

  // Tasks that share weights follow each other.
  columns_task task(int64_t index) const {
    columns_task t;
    const int64_t band = index % bands * inputs, part = index / bands % parts * images,
                  block = index / bands / parts % blocks * channels;
    t.group = index / bands / parts / blocks;
    t.channels = {block, smaller(shape->channels, block + channels)};
    t.images = {part, smaller(shape->batch, part + images)};
    for (int i = 0; i < 3; i++) {
      const conv_axis& a = shape->axis[i];
      t.inputs[i] = {0, a.in};
      t.outputs[i] = {0, a.out};
      if (i != axis) continue;
      t.inputs[i] = {band, smaller(a.in, band + inputs)};
      t.outputs[i].past = smaller(a.out, (t.inputs[i].past - 1 + a.padding) / a.stride + 1);
      t.outputs[i].first =
          smaller(t.outputs[i].past, larger(0, ceil_div(band + a.padding - (a.kernel - 1) * a.dilation, a.stride)));
    }
    return t;
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
