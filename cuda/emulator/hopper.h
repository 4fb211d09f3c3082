// mbarrier, TMA and wgmma; cuda/hopper.h says what they do. All happens as late as it may: a tile arrives when somebody
// waits for its barrier and is NaN until then, products are made when they are waited for.
#pragma once
#include "block.h"
#include "instructions.h"

namespace simt {

void init_mbarrier(void* barrier, int arrivals);
void arrive_mbarrier(void* barrier, int expected_bytes);
void wait_mbarrier(void* barrier, uint32_t parity, Place at);
void begin_tile_copy(void* shared, const TensorMap& map, int row, int column, void* barrier);

uint64_t describe_operand(const void* tile, int column);
uint64_t describe_turned_operand(const void* tile, int row);
void expect_turned(uint64_t operand, bool is_turned);
void begin_product(float* c, int columns, uint64_t a, uint64_t b, bool adds, Format format);
void commit_products();
void wait_products(int newest, Place at);

}  // namespace simt
