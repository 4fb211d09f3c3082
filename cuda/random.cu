// Random floats: uniform, normal, and the masks of bernoulli and dropout. One word gives 24 bits, two give 53.
// uniform: low + (high - low) u, never `high` itself. normal: Box-Muller on two words (float64: four) of one block,
// r = sqrt(-2 ln u), a = pi v with u in (0, 1], v in [-1, 1]; the pair of elements is mean + std r (cos a, sin a).
#include <cmath>
#include <cstring>

#include "draw.h"
#include "functions.h"
#include "inspect.h"
#include "table.h"

namespace neurite::cuda {
namespace {

constexpr double two_to_minus_24 = 0x1p-24, two_to_minus_53 = 0x1p-53, pi = 3.14159265358979323846;

// How many elements of T, computed in float or double, a block of words gives.
template <class T>
constexpr int floats_of_block = sizeof(T) == 8 ? 2 : 4;

// The largest T below `high`, or `low` if there is none in between.
template <class T>
double largest_below(double low, double high) {
  using Bits = std::conditional_t<sizeof(T) == 2, uint16_t, std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;
  constexpr Bits sign = Bits(1) << (8 * sizeof(T) - 1);
  T t = convert<T>(high);
  while (convert<double>(t) >= high) {  // the next one down: numbers are ordered as sign and magnitude
    Bits bits;
    memcpy(&bits, &t, sizeof t);
    bits = static_cast<Bits>(bits & sign ? bits + 1 : bits == 0 ? sign + 1 : bits - 1);
    memcpy(&t, &bits, sizeof t);
  }
  return std::fmax(convert<double>(t), low);
}

template <class T>
struct Uniform {
  double low, span, limit;

  __device__ void operator()(const PhiloxBlock& block, const int64_t*, T* out) const {
    for (int e = 0; e < floats_of_block<T>; e++) {
      double v;
      if constexpr (sizeof(T) == 8)
        v = ::fma(static_cast<double>(two_words(block, e) >> 11) * two_to_minus_53, span, low);
      else  // a float times 24 bits is exact in double
        v = low + span * static_cast<double>(block.word[e] >> 8);
      out[e] = convert<T>(static_cast<compute_of<T>>(v > limit ? limit : v));
    }
  }
};

template <class T>
struct Normal {
  compute_of<T> mean, std;

  __device__ void operator()(const PhiloxBlock& block, const int64_t*, T* out) const {
    for (int e = 0; e < floats_of_block<T>; e += 2) {
      compute_of<T> u, angle;
      if constexpr (sizeof(T) == 8) {
        u = (static_cast<double>(two_words(block, 0) >> 11) + 0.5) * two_to_minus_53;
        angle = static_cast<double>(static_cast<int64_t>(two_words(block, 1))) * (pi * 0x1p-63);
      } else {
        u = (static_cast<float>(block.word[e]) + 0.5f) * 0x1p-32f;
        angle = static_cast<float>(static_cast<int32_t>(block.word[e + 1])) * (static_cast<float>(pi) * 0x1p-31f);
      }
      const auto r = std * sqrt(-2 * log(u));
      out[e] = convert<T>(r * cos(angle) + mean);
      out[e + 1] = convert<T>(r * sin(angle) + mean);
    }
  }
};

// Bits is an unsigned integer as wide as an element, `one` the element 1.
template <class Bits, class P>
struct Bernoulli {
  const P* p;
  Bits one;

  __device__ void operator()(const PhiloxBlock& block, const int64_t* at, Bits* out) const {
    for (int e = 0; e < 4; e++) {
      const float u = static_cast<float>(block.word[e] >> 8) * 0x1p-24f;
      out[e] = u < convert<float>(p[at[e]]) ? one : Bits(0);
    }
  }
};

template <class P>
struct RefuseImprobable {
  Check check;
  __device__ void operator()(P given, int64_t position) const {
    const auto p = convert<float>(given);
    if (!(p >= 0 && p <= 1)) check.fail(p, position);
  }
};

template <class T>
struct Dropout {
  const T* x;
  uint32_t dropped;  // 24-bit numbers below it drop
  compute_of<T> scale;

  __device__ void operator()(const PhiloxBlock& block, const int64_t* at, T* out) const {
    for (int e = 0; e < 4; e++) {  // a dropped infinity is 0, not NaN
      const compute_of<T> v = computed(x[at[e]]) * scale;
      out[e] = convert<T>(block.word[e] >> 8 >= dropped ? v : compute_of<T>(0));
    }
  }
};

}  // namespace

void uniform(nr_context* ctx, nr_tensor* y, double low, double high, nr_philox philox) {
  dispatch(floating_types{}, y->dtype, [&]<class T>() {
    const double span =
        sizeof(T) == 8 ? high - low : static_cast<double>(static_cast<float>(high - low)) * two_to_minus_24;
    draw<T, floats_of_block<T>>(ctx, *y, *y, philox, Uniform<T>{low, span, largest_below<T>(low, high)});
  });
}

void normal(nr_context* ctx, nr_tensor* y, double mean, double std, nr_philox philox) {
  dispatch(floating_types{}, y->dtype, [&]<class T>() {
    using C = compute_of<T>;
    draw<T, floats_of_block<T>>(ctx, *y, *y, philox, Normal<T>{static_cast<C>(mean), static_cast<C>(std)});
  });
}

// All probabilities are looked at before anything is drawn: y may be there already.
void bernoulli(nr_context* ctx, const nr_tensor* p, nr_tensor* y, nr_philox philox) {
  const nr_tensor each = broadcast(*p, *y);
  const Check check =
      take_check(ctx, "VALUE_OUT_OF_RANGE", "expected probabilities in [0, 1], got %g at position %lld");
  uint64_t one = 0;
  dispatch(element_types{}, y->dtype, [&]<class T>() {
    const T element = convert<T>(1.0f);
    memcpy(&one, &element, sizeof element);
  });
  dispatch(floating_types{}, p->dtype, [&]<class P>() {
    inspect<P>(ctx, each, RefuseImprobable<P>{check});
    require(ctx, check);
    dispatch_size(y->dtype, [&]<class Bits>() {
      draw<Bits, 4>(ctx, *y, each, philox, Bernoulli<Bits, P>{static_cast<const P*>(p->data), static_cast<Bits>(one)});
    });
  });
}

void dropout(nr_context* ctx, const nr_tensor* x, nr_tensor* y, double p, nr_philox philox) {
  dispatch(floating_types{}, x->dtype, [&]<class T>() {
    const auto dropped = static_cast<uint32_t>(std::ceil(p * 0x1p24));
    const auto scale = static_cast<compute_of<T>>(p < 1 ? 1 / (1 - p) : 0);
    draw<T, 4>(ctx, *y, *x, philox, Dropout<T>{static_cast<const T*>(x->data), dropped, scale});
  });
}

}  // namespace neurite::cuda
