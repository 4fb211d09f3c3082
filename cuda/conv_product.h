// Chooses how a convolution's product is computed and launches it. On tensor cores: 16-bit floats, and float32 as tf32
// unless convolutions are to have the highest precision; everything else by ordinary arithmetic. As with matrices
// (mma_matmul.h, matmul_simt.cu) the L2 cache feeds tiles of 128 × 128; chunks of patches overlap from tap to tap, so
// that each image comes from memory about once.
#pragma once
#include "conv_ending.h"
#include "device.h"
#include "matmul_plan.h"
#include "matrix_operand.h"
#include "mma_tile.h"
#include "simt_tile.h"

namespace neurite::cuda {
namespace {

template <class T>
bool has_tensor_cores(const nr_device& device) {
  if constexpr (std::is_same_v<T, nr_f16>)
    return true;
  else if constexpr (std::is_same_v<T, nr_bf16>)
    return device.capability >= 80;
  else
    return std::is_same_v<T, float> && device.capability >= 80 && device.conv != nr_precision_highest;
}

struct ConvTiles {
  // tf32 has twice the fragments, so that a warp has room for half as many sums.
  template <class T>
  using Large = MmaShape<128, 128, 64, 2, sizeof(T) == 4 ? 4 : 2, 4, true>;
  template <class T>
  using Narrow = MmaShape<128, 64, 64, sizeof(T) == 4 ? 4 : 2, 2, 4, true>;  // few filters
  using Medium = MmaShape<64, 64, 128, 2, 2, 3, true>;
  using ThroughRegisters = MmaShape<64, 64, 64, 2, 2, 2, false>;  // below sm_80
  using SimtLarge = SimtShape<4, 2, 8, 8>;
  using SimtMedium = SimtShape<4, 2, 4, 16>;
};

struct ConvProductSize {
  int64_t batches, lines_a, lines_b, depth;

  template <class Shape>
  int64_t tiles() const {
    return batches * tiles_for(lines_a, Shape::a_lines) * tiles_for(lines_b, Shape::b_lines);
  }
};

// Launches multiply(ending, grid), and what adds its parts up.
template <class Shape, class Ending, class Multiply>
void multiply_parts(nr_context* ctx, const ConvProductSize& s, int depth, int64_t blocks_of_processor, Ending ending,
                    const Multiply& multiply) {
  const int64_t parts = matmul_parts(ctx, s.tiles<Shape>(), blocks_of_processor, s.depth, 8 * depth);
  const TileGrid grid =
      make_tile_grid(s.batches, s.lines_a, s.lines_b, s.depth, Shape::a_lines, Shape::b_lines, depth, parts);
  if (grid.parts > 1) {
    const int64_t sums = grid.parts * s.batches * s.lines_a * s.lines_b;
    void* memory = ctx->scratch(ctx, static_cast<size_t>(sums) * sizeof(typename Ending::C));
    if (!memory) return;
    ending.parts = static_cast<typename Ending::C*>(memory);
  }
  multiply(ending, grid);
  if (grid.parts > 1) finish_parts(ctx, ending, grid.parts);
}

template <class Shape, bool a_along, bool b_along, class A, class B, class Ending>
void multiply_mma(nr_context* ctx, const ConvProductSize& s, const A& a, const B& b, const Ending& ending,
                  int64_t blocks_of_processor) {
  using Product = MmaProduct<Shape, A, a_along, B, b_along, Ending>;
  multiply_parts<Shape>(ctx, s, Product::depth, blocks_of_processor, ending,
                        [&](const Ending& e, const TileGrid& grid) {
                          launch(ctx, grid.blocks(), Product{a, b, e, grid}, Shape::shared_bytes);
                        });
}

template <class Shape, class A, class B, class Ending>
void multiply_simt(nr_context* ctx, const ConvProductSize& s, const A& a, const B& b, const Ending& ending,
                   int64_t blocks_of_processor) {
  multiply_parts<Shape>(ctx, s, Shape::depth, blocks_of_processor, ending, [&](const Ending& e, const TileGrid& grid) {
    launch(ctx, grid.blocks(), SimtProduct<Shape, A, B, Ending>{a, b, e, grid});
  });
}

// The ending lacks nothing but the parts. Chunks of A and B lie along the depth or not.
template <class T, bool a_along, bool b_along, class A, class B, class Ending>
void multiply_patches(nr_context* ctx, const ConvProductSize& s, const A& a, const B& b, const Ending& ending) {
  const nr_device& device = device_of(ctx);
  const auto fills = [&](int64_t tiles) { return tiles >= device.multiprocessors; };
  if constexpr (!std::is_same_v<T, double>) {
    using Large = ConvTiles::Large<T>;
    using Narrow = ConvTiles::Narrow<T>;
    const auto on_tensor_cores = [&]<class Shape>(int64_t blocks_of_processor) {
      multiply_mma<Shape, a_along, b_along>(ctx, s, a, b, ending, blocks_of_processor);
    };
    if (has_tensor_cores<T>(device)) {
      if constexpr (std::is_same_v<T, nr_f16>)
        if (device.capability < 80) return on_tensor_cores.template operator()<ConvTiles::ThroughRegisters>(4);
      if (s.lines_b > 64 && fills(s.tiles<Large>())) return on_tensor_cores.template operator()<Large>(1);
      if (s.lines_b <= 64 && fills(s.tiles<Narrow>())) return on_tensor_cores.template operator()<Narrow>(2);
      return on_tensor_cores.template operator()<ConvTiles::Medium>(2);
    }
  }
  if constexpr (std::is_same_v<T, float>)
    if (s.lines_b > 64 && fills(s.tiles<ConvTiles::SimtLarge>()))
      return multiply_simt<ConvTiles::SimtLarge>(ctx, s, a, b, ending, 1);
  if constexpr (!std::is_same_v<T, nr_f16>) multiply_simt<ConvTiles::SimtMedium>(ctx, s, a, b, ending, 2);
}

}  // namespace
}  // namespace neurite::cuda
