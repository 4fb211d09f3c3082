// How a product is cut: y (rows: lines of A, columns: lines of B) into tiles, one for each block, the depth into parts
// where tiles are few, and an operand's tile into chunks of 16 bytes for the threads of a block. A product's operands
// are alike: A has lines m, B has lines n, both have the depth k.
#pragma once
#include "pack.h"

namespace neurite::cuda {
namespace {

// What one block computes.
struct Tile {
  int64_t batch, line_a, line_b;
  int64_t depth, depth_end;
  uint32_t part;
};

struct TileGrid {
  int64_t depth, part_depth;
  uint32_t tiles_a, tiles_b, parts, batches;

  unsigned blocks() const {
    const uint64_t n = uint64_t{tiles_a} * tiles_b * parts * batches;
    return static_cast<unsigned>(n < 0x7fffffff ? n : 0x7fffffff);
  }

  // Eight rows of tiles are walked column by column, so that what they share is still in the L2 cache.
  __device__ Tile locate(uint32_t block, int size_a, int size_b) const {
    constexpr uint32_t rows = 8;
    const uint32_t tiles = tiles_a * tiles_b, tile = block % tiles, rest = block / tiles;
    const uint32_t first = tile / (rows * tiles_b) * rows, within = tile % (rows * tiles_b);
    const uint32_t height = tiles_a - first < rows ? tiles_a - first : rows;
    Tile t;
    t.part = rest % parts;
    t.batch = rest / parts;
    t.line_a = int64_t{first + within % height} * size_a;
    t.line_b = int64_t{within / height} * size_b;
    t.depth = t.part * part_depth;
    t.depth_end = t.depth + part_depth < depth ? t.depth + part_depth : depth;
    return t;
  }
};

inline uint32_t tiles_for(int64_t lines, int64_t size) {
  return static_cast<uint32_t>((lines + size - 1) / size);
}

// The depth is cut into at most `parts` parts of whole tiles.
inline TileGrid make_tile_grid(int64_t batches, int64_t lines_a, int64_t lines_b, int64_t depth, int size_a, int size_b,
                               int size_depth, int64_t parts) {
  const int64_t tiles = tiles_for(depth, size_depth);
  const int64_t per_part = parts > 1 ? (tiles + parts - 1) / parts : tiles;
  TileGrid g = {depth, per_part * size_depth, tiles_for(lines_a, size_a), tiles_for(lines_b, size_b), 1, 1};
  if (per_part > 0) g.parts = static_cast<uint32_t>((tiles + per_part - 1) / per_part);
  g.batches = static_cast<uint32_t>(batches);
  return g;
}

// A thread's chunks of an operand's tile of `lines` × `depth` elements T. Rows of the tile are its lines, with chunks
// along the depth, or, where neighbouring lines lie side by side in memory, steps of the depth with chunks along the
// lines. A thread has chunk(thread) of the rows row(thread), + step, + 2 step …
template <class T, bool chunks_along_depth, int line_count, int depth_count, int thread_count>
struct TilePart {
  static constexpr bool along_depth = chunks_along_depth;
  static constexpr int lines = line_count, depth = depth_count, lanes = pack_size<T>;
  static constexpr int rows = along_depth ? lines : depth, chunks = (along_depth ? depth : lines) / lanes;
  static_assert(chunks > 0 && thread_count % chunks == 0);
  static constexpr int step = thread_count / chunks;
  static constexpr int count = (rows + step - 1) / step;
  static constexpr bool is_even = rows % step == 0;  // no thread has fewer than others

  static __device__ int row(int thread) { return thread / chunks; }
  static __device__ int chunk(int thread) { return thread % chunks; }
  static __device__ bool has(int thread, int i) { return is_even || row(thread) + i * step < rows; }
  static __device__ int first_line(int thread) { return along_depth ? row(thread) : chunk(thread) * lanes; }
  static __device__ int first_depth(int thread) { return along_depth ? chunk(thread) * lanes : row(thread); }
};

}  // namespace
}  // namespace neurite::cuda
