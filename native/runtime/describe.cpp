#include "runtime/describe.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace neurite {

const char* dtype_name(int32_t dtype) {
  static const char* const names[] = {
#define NR_DTYPE(tag, name, type) name,
#include "dtypes.def"
  };
  return dtype >= 0 && dtype < nr_dtype_count ? names[dtype] : "unknown";
}

size_t dtype_size(int32_t dtype) {
  static const size_t sizes[] = {
#define NR_DTYPE(tag, name, type) sizeof(type),
#include "dtypes.def"
  };
  return sizes[dtype];
}

std::string describe(const nr_tensor& t) {
  std::string text = "[";
  for (int d = 0; d < t.ndim; d++) text += (d ? ", " : "") + std::to_string(t.shape[d]);
  return text + "] " + dtype_name(t.dtype);
}

namespace {

uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

uint16_t to_f16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  if (magnitude >= 65520.0f) return sign | 0x7c00;
  // Adding 0.5 aligns a subnormal half's last bit with the sum's last bit, so the hardware rounds it.
  if (magnitude < 0x1p-14f) return sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(magnitude + 0.5f) - 0x3f000000);
  const auto m = std::bit_cast<uint32_t>(magnitude) - (uint32_t{112} << 23);
  return sign | static_cast<uint16_t>((m + 0xfff + (m >> 13 & 1)) >> 13);
}

template <class T>
uint64_t bits_of(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

template <class T>
struct Encode {
  static uint64_t scalar(const nr_scalar& v) { return bits_of(static_cast<T>(v.i)); }
};
template <>
struct Encode<float> {
  static uint64_t scalar(const nr_scalar& v) { return bits_of(static_cast<float>(v.f)); }
};
template <>
struct Encode<double> {
  static uint64_t scalar(const nr_scalar& v) { return bits_of(v.f); }
};
template <>
struct Encode<nr_f16> {
  static uint64_t scalar(const nr_scalar& v) { return to_f16(static_cast<float>(v.f)); }
};
template <>
struct Encode<nr_bf16> {
  static uint64_t scalar(const nr_scalar& v) { return to_bf16(static_cast<float>(v.f)); }
};
template <>
struct Encode<bool> {
  static uint64_t scalar(const nr_scalar& v) { return v.is_integer ? v.i != 0 : v.f != 0; }
};

}  // namespace

uint64_t encode_scalar(int32_t dtype, const nr_scalar& value) {
  using Encoder = uint64_t (*)(const nr_scalar&);
  static const Encoder encoders[] = {
#define NR_DTYPE(tag, name, type) &Encode<type>::scalar,
#include "dtypes.def"
  };
  return encoders[dtype](value);
}

}  // namespace neurite
