// Arguments in words, for error messages and traces.
#pragma once
#include <string>

#include "backend.h"

namespace neurite {

const char* dtype_name(int32_t dtype);
size_t dtype_size(int32_t dtype);
std::string describe(const nr_tensor& t);  // "[2, 3] float32"

// The bits of a number in a dtype: rounded to nearest even for 16-bit floats, wrapped for integers.
uint64_t encode_scalar(int32_t dtype, const nr_scalar& value);

}  // namespace neurite
