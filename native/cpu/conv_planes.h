// The planes a convolution writes: `size` elements from one to the next, neighbouring positions stride[axis] apart.
#pragma once
#include <stdint.h>

namespace neurite::NR_ISA {
namespace {

template <class Out>
struct conv_planes {
  Out* data;
  int64_t size, stride[3];

  Out* at(int64_t plane, int64_t d, int64_t h, int64_t w) const {
    return data + plane * size + d * stride[0] + h * stride[1] + w * stride[2];
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
