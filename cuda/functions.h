// The functions that the formulas of native/ are written in, of float and double, for one value.
#pragma once
#include <math.h>

#include "simt.h"

#define NR_ISA cuda
#define NR_DEVICE __device__ inline

namespace neurite::cuda {
namespace {

#define NR_FUNCTION(name)                   \
  __device__ inline float name(float x) {   \
    return ::name##f(x);                    \
  }                                         \
  __device__ inline double name(double x) { \
    return ::name(x);                       \
  }
NR_FUNCTION(sqrt)
NR_FUNCTION(exp)
NR_FUNCTION(expm1)
NR_FUNCTION(log)
NR_FUNCTION(log1p)
NR_FUNCTION(sin)
NR_FUNCTION(cos)
NR_FUNCTION(tanh)
NR_FUNCTION(erf)
NR_FUNCTION(floor)
NR_FUNCTION(ceil)
NR_FUNCTION(trunc)
#undef NR_FUNCTION

__device__ inline float abs(float x) {
  return ::fabsf(x);
}
__device__ inline double abs(double x) {
  return ::fabs(x);
}
__device__ inline float round(float x) {  // half to even
  return ::rintf(x);
}
__device__ inline double round(double x) {
  return ::rint(x);
}
__device__ inline float pow(float a, float b) {
  return ::powf(a, b);
}
__device__ inline double pow(double a, double b) {
  return ::pow(a, b);
}
__device__ inline float fmod(float a, float b) {
  return ::fmodf(a, b);
}
__device__ inline double fmod(double a, double b) {
  return ::fmod(a, b);
}

}  // namespace
}  // namespace neurite::cuda

#include "activation_formulas.h"
