#include "hopper.h"

#include <bit>
#include <cstring>

#include "race.h"
#include "shared.h"

namespace simt {

namespace {

constexpr int kRow = 128, kPiece = 16;

Mbarrier& find(void* barrier) {
  const auto found = self->block->mbarriers.find(barrier);
  if (found == self->block->mbarriers.end()) fail("the mbarrier at %p was not initialised", barrier);
  return found->second;
}

void wake(Mbarrier& b) {
  for (Thread* t : b.waiting) t->state = Thread::ready;
  b.waiting.clear();
}

// Ends the phase if nothing is missing.
void maybe_end_phase(Mbarrier& b) {
  if (b.missing > 0 || b.bytes != 0) return;
  b.phase++;
  b.missing = b.arrivals;
  wake(b);
}

void perform(const TileCopy& copy) {
  const TensorMap& map = copy.map;
  const int64_t per_row = kRow / map.element;
  for (int r = 0; r < map.tile_rows; r++)
    for (int64_t c = 0; c < per_row; c++) {
      const int64_t row = copy.row + r, column = copy.column + c;
      const int64_t byte = c * map.element, piece = byte / kPiece ^ r % 8;
      char* to = copy.to + r * kRow + piece * kPiece + byte % kPiece;
      if (row < 0 || row >= map.rows || column < 0 || column >= map.columns) {
        std::memset(to, 0, static_cast<size_t>(map.element));
      } else {
        const char* from = map.matrix + row * map.row_bytes + column * map.element;
        race::read(from, static_cast<size_t>(map.element));
        std::memcpy(to, from, static_cast<size_t>(map.element));
      }
    }
  race::write(copy.to, static_cast<size_t>(map.tile_rows) * kRow);
}

}  // namespace

void init_mbarrier(void* barrier, int arrivals) {
  if (!in_shared(barrier)) fail("an mbarrier at %p, which is not in shared memory", barrier);
  race::write(barrier, 8);
  self->block->mbarriers[barrier] = {arrivals, arrivals, 0, 0, {}, {}};
}

void arrive_mbarrier(void* barrier, int expected_bytes) {
  Mbarrier& b = find(barrier);
  if (b.missing == 0) fail("more than %d threads arrive at an mbarrier in one phase", b.arrivals);
  race::release(barrier);
  b.bytes += expected_bytes;
  b.missing--;
  maybe_end_phase(b);
}

void wait_mbarrier(void* barrier, uint32_t parity, Place at) {
  Mbarrier& b = find(barrier);
  while ((b.phase & 1) == parity) {
    if (!b.copies.empty()) {
      race::acquire(barrier);  // who began the copies has let go of their places
      const std::vector<TileCopy> copies = std::move(b.copies);
      b.copies.clear();
      for (const TileCopy& copy : copies) {
        perform(copy);
        b.bytes -= copy.map.tile_rows * kRow;
      }
      race::release(barrier);
      maybe_end_phase(b);
      continue;
    }
    b.waiting.push_back(self);
    wait("an mbarrier", at);
  }
  race::acquire(barrier);
}

void begin_tile_copy(void* shared, const TensorMap& map, int row, int column, void* barrier) {
  Mbarrier& b = find(barrier);
  const size_t bytes = static_cast<size_t>(map.tile_rows) * kRow;
  if (!in_shared(shared) || reinterpret_cast<uintptr_t>(shared) % 1024 != 0)
    fail("a tile is copied to %p, which is not a multiple of 1024 in shared memory", shared);
  race::write(shared, bytes);
  std::memset(shared, 0xff, bytes);
  race::release(barrier);
  b.copies.push_back({static_cast<char*>(shared), map, row, column});
  wake(b);  // for those who wait already
}

// The tile's address and the column: what a chip's descriptor says in other words.
namespace {
constexpr uint64_t kTurned = 4;  // beside the 16 columns, or rows, that are meant
}

uint64_t describe_operand(const void* tile, int column) {
  const auto address = reinterpret_cast<uintptr_t>(tile);
  if (!in_shared(tile) || address % 1024 != 0 || column % 16 != 0 || column < 0 || column >= 64)
    fail("an operand at column %d of a tile at %p", column, tile);
  return address | static_cast<uint64_t>(column / 16);
}

uint64_t describe_turned_operand(const void* tile, int row) {
  return describe_operand(tile, row) | kTurned;
}

void expect_turned(uint64_t operand, bool is_turned) {
  if ((operand & kTurned) != (is_turned ? kTurned : 0))
    fail("wgmma: an operand whose depth runs along its %s is taken for the other kind", is_turned ? "columns" : "rows");
}

void begin_product(float* c, int columns, uint64_t a, uint64_t b, bool adds, Format format) {
  self->products.push_back({c, columns, a, b, adds, format == Format::f16, self->product_groups});
}

void commit_products() {
  self->product_groups++;
}

namespace {

float element(uint64_t operand, int row, int k, bool is_f16) {
  const auto* tile = reinterpret_cast<const char*>(operand & ~uint64_t{1023});
  int column = static_cast<int>(operand & 3) * 16 + k;
  if (operand & kTurned) {
    tile += row / 64 * 64 * kRow;
    const int line = row % 64;
    row = column;
    column = line;
  }
  const int byte = column * 2, piece = byte / kPiece ^ row % 8;
  const char* at = tile + row * kRow + piece * kPiece + byte % kPiece;
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return is_f16 ? static_cast<float>(std::bit_cast<_Float16>(bits))
                : std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// A warp makes its 16 rows of the 64 that a warpgroup has.
void perform_product(Exchange& e) {
  const auto& first = *static_cast<WarpgroupProduct*>(e.arguments[0]);
  const int warp = self->warp % 4;
  const auto tile_of = [](uint64_t operand) { return reinterpret_cast<const char*>(operand & ~uint64_t{1023}); };
  if (first.a & kTurned)
    race::read(tile_of(first.a), 64 * kRow);
  else
    race::read(tile_of(first.a) + 16 * warp * kRow, 16 * kRow);
  race::read(tile_of(first.b), static_cast<size_t>(first.columns) * kRow);
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < first.columns; j++) {
      const int lane = i % 8 * 4 + j % 8 / 2;
      float& c = static_cast<WarpgroupProduct*>(e.arguments[lane])->c[j / 8 * 4 + i / 8 * 2 + j % 2];
      double sum = first.adds ? c : 0;
      for (int k = 0; k < 16; k++)
        sum += static_cast<double>(element(first.a, 16 * warp + i, k, first.is_f16)) *
               element(first.b, j, k, first.is_f16);
      c = static_cast<float>(sum);
    }
}

}  // namespace

void wait_products(int newest, Place at) {
  const int until = self->product_groups - newest;
  size_t done = 0;
  for (; done < self->products.size() && self->products[done].group < until; done++)
    exchange(0xffffffff, "wgmma", &self->products[done], perform_product, at);
  self->products.erase(self->products.begin(), self->products.begin() + static_cast<std::ptrdiff_t>(done));
  if (done == 0) exchange(0xffffffff, "wgmma.wait_group", nullptr, nullptr, at);
}

}  // namespace simt
