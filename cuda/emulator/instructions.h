// cp.async, ldmatrix and mma.sync; the files of cuda/ that wrap them say what they do.
#pragma once
#include "block.h"

namespace simt {

// What an asynchronous copy will write is NaN until its thread has waited for it.
void begin_async_copy(void* to, const void* from, int bytes, int valid);
void commit_async_copies();
void wait_async_copies(int newest);

void load_matrices(uint32_t (&r)[4], const void* row, bool transposed, Place at);

enum class Format { f16, bf16, tf32 };
void multiply(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Format format, Place at);

}  // namespace simt
