// Positions of images, counted image by image; 32 bits count those of one image.
#pragma once
#include "strided.h"

namespace neurite::cuda {
namespace {

struct Positions {
  int64_t count, of_image;
  Divisor size[3];

  // Tells the image, and where in it.
  __device__ int64_t locate(int64_t position, int32_t (&at)[3]) const {
    int64_t image = 0;
    auto rest = static_cast<uint32_t>(position);
    const bool is_large = count > 0x7fffffff;
    if (is_large) {
      image = position / of_image;
      rest = static_cast<uint32_t>(position - image * of_image);
    }
#pragma unroll
    for (int i = 2; i >= 0; i--) {
      uint32_t index = rest;
      rest = size[i].split(index);
      at[i] = static_cast<int32_t>(index);
    }
    return is_large ? image : rest;
  }
};

}  // namespace
}  // namespace neurite::cuda
