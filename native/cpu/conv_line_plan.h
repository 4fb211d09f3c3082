// How a convolution with positions in lanes (conv_line.h) is cut: planes into bands of lines, bands into boxes, and the
// taps of its kernel into runs that read neighbouring rows. Rows are read in place when their elements lie side by side
// and positions move by one; otherwise each band copies its window (conv_window.h), in which every stride is one.
#pragma once
#include "cpu/conv_line.h"
#include "cpu/conv_window.h"

namespace neurite::NR_ISA {
namespace {

// The kernel index of tap t of one axis is first + t * step.
struct tap_axis {
  int64_t first, step;
};
inline constexpr tap_axis every_tap[3] = {{0, 1}, {0, 1}, {0, 1}};

template <class T>
struct line_plan {
  using lane_mask = typename vector_t<T>::mask;
  static constexpr int64_t width = vector_t<T>::width;

  patches p;
  bool in_place;
  int64_t lines, bands;  // lines of a band, bands of a plane
  window band;           // unless in place: what the first band reads
  line_source<T> source;
  line_run* runs;
  lane_mask* lanes;  // of each run in each column of boxes

  // Elements of what a band copies.
  int64_t window_size() const { return in_place ? 0 : round_up(p.channels * band.volume(), 16); }
  int64_t tasks() const { return p.axis[0].positions * bands; }

  // What n lines take: the rows of the kernels they are cut into, and a share per call.
  static int64_t cost(int64_t n) {
    int64_t total = 0;
    for (const int rows : line_heights) {
      total += n / rows * (rows + 1);
      n %= rows;
    }
    return total;
  }

  void cut_lines() {
    const int64_t H = p.axis[1].positions;
    lines = 1;
    int64_t best = H * cost(1);
    for (int64_t n = 2; n <= smaller(H, line_heights[0]); n++) {
      const int64_t total = ceil_div(H, n) * cost(n);
      if (total <= best) best = total, lines = n;
    }
    bands = ceil_div(H, lines);
  }

  // Where tap t of an axis reads for position 0.
  int64_t tap(int i, int64_t t) const { return in_place ? p.axis[i].base + t * p.axis[i].slope : band.axis[i].tap(t); }

  // Taps of each kernel column in the order of the rows they read, cut where a row is left out.
  void find_runs(int64_t* order, const tap_axis (&kernel)[3], const int64_t (&weight)[3]) {
    const int64_t rows = p.axis[1].taps;
    for (int64_t t = 0; t < rows; t++) {
      int64_t at = t;
      for (; at > 0 && tap(1, order[at - 1]) > tap(1, t); at--) order[at] = order[at - 1];
      order[at] = t;
    }
    const auto place = [&](int i, int64_t t) { return (kernel[i].first + t * kernel[i].step) * weight[i]; };
    const int64_t depth_pitch = in_place ? p.axis[0].stride : source.height * source.pitch;
    line_run* run = runs;
    for (int64_t d = 0; d < p.axis[0].taps; d++) {
      for (int64_t w = 0; w < p.axis[2].taps; w++) {
        for (int64_t k = 0; k < rows; run++) {
          *run = {tap(0, d), tap(1, order[k]), tap(2, w), 0, place(0, d) + place(1, order[k]) + place(2, w), 0, 1};
          run->offset = run->z * depth_pitch + run->y * source.pitch + run->x;
          if (k + 1 < rows) run->step = place(1, order[k + 1]) - place(1, order[k]);
          for (k++; k < rows && run->taps < most_run_taps; k++, run->taps++) {
            if (tap(1, order[k]) != run->y + run->taps) break;
            if (place(1, order[k]) - place(1, order[k - 1]) != run->step) break;
          }
        }
      }
    }
    source.run_count = run - runs;
  }

  void find_lanes() {
    const int64_t W = p.axis[2].positions, size = in_place ? p.axis[2].size : band.axis[2].size();
    lane_mask* to = lanes;
    for (int64_t w = 0; w < W; w += width) {
      for (int64_t r = 0; r < source.run_count; r++) {
        const int64_t x = w + runs[r].x;
        *to++ = lane_run<vector_t<T>>(-x, smaller(smaller(width, W - w), size - x));
      }
    }
  }
};

// False: memory is out.
template <class T, class In>
bool make_line_plan(nr_context* ctx, const patches& p, const tap_axis (&kernel)[3], const int64_t (&weight)[3],
                    int64_t weight_stride, line_plan<T>& plan) {
  plan.p = p;
  plan.in_place = std::is_same_v<T, In> && p.axis[1].step == 1 && p.axis[2].step == 1 && p.axis[2].stride == 1;
  plan.cut_lines();
  window& band = plan.band;
  band.axis[0] = window_axis(p.axis[0], 0, 1);
  band.axis[1] = window_axis(p.axis[1], 0, plan.lines);
  band.axis[2] = window_axis(p.axis[2], 0, p.axis[2].positions);
  plan.runs = scratch<line_run>(ctx, p.taps());
  plan.lanes =
      scratch<typename line_plan<T>::lane_mask>(ctx, p.taps() * ceil_div(p.axis[2].positions, line_plan<T>::width));
  int64_t* order = scratch<int64_t>(ctx, p.axis[1].taps);
  if (!plan.runs || !plan.lanes || !order) return false;
  plan.source = {band.axis[0].size(), band.axis[1].size(), band.axis[2].size(), p.channels, band.volume(), plan.runs, 0,
                 weight_stride};
  if (plan.in_place) {
    plan.source.depth = p.axis[0].size;
    plan.source.height = p.axis[1].size;
    plan.source.pitch = p.axis[1].stride;
    plan.source.channel_stride = p.channel_stride;
  }
  plan.find_runs(order, kernel, weight);
  plan.find_lanes();
  return true;
}

// A band of lines, from the one that reads `from`.
template <class T>
struct line_band {
  const T* from;
  int64_t z, y, lines;

  // visit(kind, box, line, column) for every box that a kernel computes.
  template <class Visit>
  [[gnu::always_inline]] void each_box(const line_plan<T>& plan, const Visit& visit) const {
    const int64_t W = plan.p.axis[2].positions;
    int64_t h = 0;
    for (int kind = 0; kind < line_kinds; kind++) {
      for (; lines - h >= line_heights[kind]; h += line_heights[kind]) {
        line_box<T> box = {from + h * plan.source.pitch, z, y + h, 0, plan.lanes};
        for (int64_t w = 0; w < W; w += plan.width) {
          box.count = smaller(plan.width, W - w);
          visit(kind, box, h, w);
          box.from += plan.width;
          box.lanes += plan.source.run_count;
        }
      }
    }
  }
};

// The band of lines from (d, h) of one image and group, copied into `buffer` if need be.
template <class T, class In>
line_band<T> read_band(const line_plan<T>& plan, const In* image, int64_t d, int64_t h, T* buffer) {
  const patches& p = plan.p;
  const int64_t lines = smaller(plan.lines, p.axis[1].positions - h);
  if constexpr (std::is_same_v<T, In>) {
    const int64_t z = d * p.axis[0].step;
    if (plan.in_place) return {image + z * p.axis[0].stride + h * p.axis[1].stride, z, h, lines};
  }
  window view = plan.band;
  view.axis[0] = window_axis(p.axis[0], d, 1);
  view.axis[1] = window_axis(p.axis[1], h, plan.lines);
  for (int64_t c = 0; c < p.channels; c++) view.fill(image + c * p.channel_stride, buffer + c * view.volume());
  return {buffer, 0, 0, lines};
}

}  // namespace
}  // namespace neurite::NR_ISA
