// Elementary functions of vectors. float: argument reduction and polynomials fitted for this file, relative error below
// 1e-8 before rounding, within 2 ulp (measured by test/native/vmath_test.cpp), with IEEE special cases. double, pow,
// fmod, and arguments of sin and cos beyond 5e4, go lane by lane through libm.
#pragma once
#include "cpu/simd.h"

namespace neurite::NR_ISA {
namespace {

// a · b + c, rounded once on every instruction set.
inline vf fused(vf a, vf b, vf c) {
#if defined(NR_ISA_scalar)
  return vf(static_cast<float>(static_cast<double>(a.v) * b.v + c.v));
#else
  return fma(a, b, c);
#endif
}

// c[0] + c[1] x + c[2] x² + …, Horner.
template <int terms>
inline vf polynomial(vf x, const float (&c)[terms]) {
  vf y(c[terms - 1]);
  for (int i = terms - 2; i >= 0; i--) y = fma(y, x, vf(c[i]));
  return y;
}

// x = k ln 2 + r with |r| <= ln(2) / 2; k is integral. Returns e^r - 1. The first part of ln 2 has so few bits that
// k times it is exact.
inline vf reduced_expm1(vf x, vf& k) {
  static constexpr float tail[] = {0x1.000000p-1f, 0x1.555556p-3f,  0x1.55549ep-5f,
                                   0x1.11101cp-7f, 0x1.6d8536p-10f, 0x1.a2a686p-13f};
  k = round(x * vf(0x1.715476p+0f));
  const vf r = fma(k, vf(-0x1.0bfbe8p-15f), fma(k, vf(-0x1.62e000p-1f), x));
  return fma(r * r, polynomial(r, tail), r);
}

// log((1 + f) 2^e) + c with 1 + f in [sqrt(1/2), sqrt(2)], where c is small.
inline vf reduced_log(vf f, vf e, vf c) {
  static constexpr float tail[] = {0x1.555548p-2f,  -0x1.000006p-2f, 0x1.99a4b6p-3f,  -0x1.555c4ep-3f, 0x1.233768p-3f,
                                   -0x1.fc220ap-4f, 0x1.e6f06ap-4f,  -0x1.de3c04p-4f, 0x1.145796p-4f};
  const vf z = f * f;
  vf y = fma(f * z, polynomial(f, tail), fma(e, vf(0x1.0bfbe8p-15f), c));
  y = fma(z, vf(-0.5f), y) + f;
  return fma(e, vf(0x1.62e000p-1f), y);
}

// x = (1 + f) 2^e for positive normal x; returns f.
inline vf split_mantissa(vf x, vf& e) {
  const vi bits = as_int(x);
  const vi exponent = (bits - vi(0x3f3504f3)) >> 23;
  e = from_int(exponent);
  return as_float(bits - (exponent << 23)) - vf(1.0f);
}

inline vf exp(vf x) {
  vf k;
  const vf p = reduced_expm1(max(vf(-105.0f), min(vf(90.0f), x)), k);
  return ldexp(p + vf(1.0f), k);
}

inline vf expm1(vf x) {
  vf k;
  const vf p = reduced_expm1(max(vf(-30.0f), min(vf(88.8f), x)), k);
  const vf half = ldexp(vf(0.5f), k);  // 2^k overflows for k = 128, half of it does not
  const vf y = fma(half, p, half - vf(0.5f));
  return select(abs(x) < vf(0x1p-25f), x, y + y);
}

inline vf log(vf x) {
  const vf inf(__builtin_inff());
  const mf subnormal = x < vf(0x1p-126f);
  vf e;
  const vf f = split_mantissa(select(subnormal, x * vf(0x1p23f), x), e);
  const vf y = reduced_log(f, e - select(subnormal, vf(23.0f), vf(0.0f)), vf(0.0f));
  const vf edge = select(x == vf(0.0f), -inf, select(x < vf(0.0f), vf(__builtin_nanf("")), x));
  return select((x > vf(0.0f)) & (x < inf), y, edge);
}

inline vf log1p(vf x) {
  const vf inf(__builtin_inff()), one(1.0f);
  const vf u = x + one;
  const vf lost = select(x > one, one - (u - x), x - (u - one));  // 1 + x == u + lost, exactly
  vf e;
  const vf f = split_mantissa(u, e);
  const vf y = reduced_log(f, e, lost / u);
  const vf edge = select(x == -one, -inf, select(x < -one, vf(__builtin_nanf("")), x));
  return select((x > -one) & (x < inf) & (x != vf(0.0f)), y, edge);
}

// Near 0 an odd polynomial; further out 1 - 2 / (e^2|x| + 1), where what is taken off is small.
inline vf tanh(vf x) {
  static constexpr float tail[] = {-0x1.555548p-2f, 0x1.110c66p-3f, -0x1.b907cep-5f, 0x1.58267ep-6f, -0x1.94d716p-8f};
  const vf a = min(vf(10.0f), abs(x)), z = a * a;
  const vf near = fma(a * z, polynomial(z, tail), a);
  const vf far = vf(1.0f) - vf(2.0f) / (exp(a + a) + vf(1.0f));
  return copysign(select(a > vf(0.5625f), far, near), x);
}

// A polynomial on each quarter of [0, 4), c[0] + r (c[1] + (c[2] + r (c[3] + …))) with r in [0, 1) and c[2] what c[1]
// lost to rounding; beyond, erf rounds to 1.
inline vf erf(vf x) {
  alignas(64) static constexpr float c[][16] = {
      {0, 0x1.1af54ep-2f, 0x1.0a7ef6p-1f, 0x1.6c1c98p-1f, 0x1.af767ap-1f, 0x1.d8865ep-1f, 0x1.eea556p-1f,
       0x1.f92d08p-1f, 0x1.fd9ae2p-1f, 0x1.ff4048p-1f, 0x1.ffcaa8p-1f, 0x1.fff2d0p-1f, 0x1.fffd1ap-1f, 0x1.ffff70p-1f,
       0x1.ffffe8p-1f, 0x1.fffffcp-1f},
      {0x1.20dd76p-2f, 0x1.0f5d16p-2f, 0x1.c1efcap-3f, 0x1.492e42p-3f, 0x1.a911f0p-4f, 0x1.e46530p-5f, 0x1.e72372p-6f,
       0x1.b05530p-7f, 0x1.529b9ep-8f, 0x1.d4143ap-10f, 0x1.1d8318p-11f, 0x1.3360ccp-13f, 0x1.2408eap-15f,
       0x1.e9b5e8p-18f, 0x1.6a5972p-20f, 0x1.d9371ep-23f},
      {-0x1.f7ac92p-27f, 0x1.7bf208p-33f, 0x1.269404p-29f, 0x1.af1a58p-28f, 0x1.2df784p-29f, -0x1.48d254p-31f,
       0x1.ae092ap-32f, 0x1.91080ap-34f, 0x1.19f344p-33f, 0x1.3bfd2cp-35f, -0x1.e08120p-36f, 0x1.a47b68p-38f,
       -0x1.173360p-41f, 0x1.a019cep-43f, 0x1.9a93d8p-48f, 0x1.7fbe1ap-50f},
      {0x1.407c4ap-22f, -0x1.0f5600p-6f, -0x1.c1eb08p-6f, -0x1.edc764p-6f, -0x1.a9113ep-6f, -0x1.2ec51cp-6f,
       -0x1.6d6618p-7f, -0x1.7a59b8p-8f, -0x1.52bd64p-9f, -0x1.077f96p-10f, -0x1.635d20p-12f, -0x1.a8522ap-14f,
       -0x1.a35b38p-16f, -0x1.b1b274p-18f, -0x1.51ac66p-19f, 0x1.e9321ep-25f},
      {-0x1.815458p-8f, -0x1.3d6212p-8f, -0x1.2d3c90p-9f, 0x1.b6a2a0p-12f, 0x1.1b84a2p-9f, 0x1.58263ap-9f,
       0x1.1d1466p-9f, 0x1.72513ap-10f, 0x1.8cd564p-11f, 0x1.66681ap-12f, 0x1.061786p-13f, 0x1.744d80p-15f,
       0x1.166b3ep-17f, 0x1.4b109ep-18f, 0x1.6a64cep-18f, -0x1.b5063cp-21f},
      {0x1.e14b4cp-18f, 0x1.13af96p-11f, 0x1.84e468p-11f, 0x1.37aa34p-11f, 0x1.162a2ap-12f, -0x1.5776ecp-15f,
       -0x1.8a9540p-13f, -0x1.984c88p-13f, -0x1.224bf8p-13f, -0x1.409a5cp-14f, -0x1.b66a06p-16f, -0x1.cfea5ep-17f,
       0x1.1a2738p-20f, -0x1.c29c74p-19f, -0x1.96e9f8p-18f, 0x1.27ca28p-20f},
      {0x1.b35e5cp-14f, 0x1.931a56p-15f, -0x1.7a92dep-16f, -0x1.063a84p-14f, -0x1.0353dap-14f, -0x1.fd8fdcp-16f,
       -0x1.e65344p-20f, 0x1.942856p-17f, 0x1.db0bb0p-17f, 0x1.4e8e3ap-17f, 0x1.ee5a20p-20f, 0x1.582920p-19f,
       -0x1.6cc854p-20f, 0x1.31df3ap-20f, 0x1.46ceacp-19f, -0x1.f04198p-22f},
  };
  const vf t = min(vf(0x1.fffffep+3f), abs(x) * vf(4.0f));
  const vi quarter = to_int(t);
  const vf r = t - from_int(quarter);
  vf y = lookup(c[6], quarter);
  for (int k = 5; k >= 2; k--) y = fma(y, r, lookup(c[k], quarter));
  y = fused(lookup(c[1], quarter), r, fused(r, y, lookup(c[0], quarter)));
  return copysign(y, x);
}

// Sine and cosine of x less the nearest multiple of pi/2, which is `quarter` times that. pi/2 in four parts, the first
// three of so few bits that their multiples are exact; what rounding takes from the reduced argument r is added to its
// sine and cosine, to first order.
struct reduced_angle {
  vf sine, cosine;
  vi quarter;

  explicit reduced_angle(vf x) {
    static constexpr float sines[] = {-0x1.555544p-3f, 0x1.1106e0p-7f, -0x1.99227cp-13f};
    static constexpr float cosines[] = {0x1.55554ap-5f, -0x1.6c0c04p-10f, 0x1.99daaep-16f};
    const vf k = round(x * vf(0x1.45f306p-1f)), third(-0x1.510000p-22f), fourth(-0x1.0b4612p-34f);
    const vf first = fma(k, vf(-0x1.fb0000p-12f), fma(k, vf(-0x1.920000p+0f), x)), second = fma(k, third, first);
    const vf r = fused(k, fourth, second), z = r * r;
    const vf lost = fma(k, third, first - second) + fused(k, fourth, second - r);
    sine = fma(r * z, polynomial(z, sines), lost) + r;
    cosine = fma(z * z, polynomial(z, cosines), fma(z, vf(-0.5f), -(r * lost))) + vf(1.0f);
    quarter = round_to_int(k);
  }
  // sin(x + turns · pi/2)
  vf turned(int turns) const {
    const vi q = quarter + vi(turns);
    const vf y = select((q & vi(1)) == vi(1), cosine, sine);
    return as_float(as_int(y) ^ ((q & vi(2)) << 30));
  }
};

inline vf sin(vf x) {
  const mf reducible = abs(x) < vf(5e4f);
  const vf y = select(abs(x) < vf(0x1p-12f), x, reduced_angle(x).turned(0));
  return all(reducible) ? y : select(reducible, y, map_lanes(x, [](float a) { return __builtin_sinf(a); }));
}

inline vf cos(vf x) {
  const mf reducible = abs(x) < vf(5e4f);
  const vf y = reduced_angle(x).turned(1);
  return all(reducible) ? y : select(reducible, y, map_lanes(x, [](float a) { return __builtin_cosf(a); }));
}

// Both, for |x| < 5e4.
inline void sin_cos(vf x, vf& s, vf& c) {
  const reduced_angle a(x);
  s = a.turned(0);
  c = a.turned(1);
}

inline vf pow(vf x, vf y) {
  return map_lanes(x, y, [](float a, float b) { return __builtin_powf(a, b); });
}

inline vf fmod(vf x, vf y) {
  return map_lanes(x, y, [](float a, float b) { return __builtin_fmodf(a, b); });
}

inline vd exp(vd x) {
  return map_lanes(x, [](double a) { return __builtin_exp(a); });
}
inline vd expm1(vd x) {
  return map_lanes(x, [](double a) { return __builtin_expm1(a); });
}
inline vd log(vd x) {
  return map_lanes(x, [](double a) { return __builtin_log(a); });
}
inline vd log1p(vd x) {
  return map_lanes(x, [](double a) { return __builtin_log1p(a); });
}
inline vd tanh(vd x) {
  return map_lanes(x, [](double a) { return __builtin_tanh(a); });
}
inline vd erf(vd x) {
  return map_lanes(x, [](double a) { return __builtin_erf(a); });
}
inline vd sin(vd x) {
  return map_lanes(x, [](double a) { return __builtin_sin(a); });
}
inline vd cos(vd x) {
  return map_lanes(x, [](double a) { return __builtin_cos(a); });
}
inline void sin_cos(vd x, vd& s, vd& c) {
  s = sin(x);
  c = cos(x);
}
inline vd pow(vd x, vd y) {
  return map_lanes(x, y, [](double a, double b) { return __builtin_pow(a, b); });
}
inline vd fmod(vd x, vd y) {
  return map_lanes(x, y, [](double a, double b) { return __builtin_fmod(a, b); });
}

}  // namespace
}  // namespace neurite::NR_ISA
