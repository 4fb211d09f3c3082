// Elementary functions of vectors. float: argument reduction and minimax polynomials (Remez fits of our own, relative
// error below 1e-8 before rounding), within 3 ulp, with IEEE special cases. double, pow, fmod, and arguments of sin and
// cos beyond 5e4, go lane by lane through libm.
#pragma once
#include "cpu/simd.h"

namespace neurite::NR_ISA {
namespace {

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

inline vf tanh(vf x) {
  const vf a = min(vf(10.0f), abs(x));
  const vf t = expm1(a + a);
  return copysign(t / (t + vf(2.0f)), x);
}

// Below 1 an odd polynomial; above, 1 - e^-R(x), where R fits -log(erfc).
inline vf erf(vf x) {
  static constexpr float small[] = {0x1.20dd74p+0f, -0x1.81273ep-2f,  0x1.ce2d20p-4f, -0x1.b7fbb4p-6f,
                                    0x1.5419f6p-8f, -0x1.a485ecp-11f, 0x1.4ae4d0p-14f};
  static constexpr float large[] = {0x1.661db0p-12f, 0x1.2088eap+0f, 0x1.46baecp-1f,  0x1.a65340p-4f,
                                    -0x1.65cb72p-6f, 0x1.825af0p-9f, -0x1.86dd76p-13f};
  const vf a = min(vf(4.0f), abs(x));
  const vf y = select(a < vf(1.0f), a * polynomial(a * a, small), vf(1.0f) - exp(-polynomial(a, large)));
  return copysign(y, x);
}

// sin(x + quarter · pi/2). pi/2 in four parts, the first three of so few bits that k times them is exact.
inline vf sin_quarter(vf x, int quarter) {
  static constexpr float sine[] = {-0x1.555544p-3f, 0x1.1106e0p-7f, -0x1.99227cp-13f};
  static constexpr float cosine[] = {0x1.55554ap-5f, -0x1.6c0c04p-10f, 0x1.99daaep-16f};
  const vf k = round(x * vf(0x1.45f306p-1f));
  vf r = fma(k, vf(-0x1.920000p+0f), x);
  r = fma(k, vf(-0x1.fb0000p-12f), r);
  r = fma(k, vf(-0x1.510000p-22f), r);
  r = fma(k, vf(-0x1.0b4612p-34f), r);
  const vi q = round_to_int(k) + vi(quarter);
  const vf z = r * r;
  const vf s = fma(r * z, polynomial(z, sine), r);
  const vf c = fma(z * z, polynomial(z, cosine), fma(z, vf(-0.5f), vf(1.0f)));
  const vf y = select((q & vi(1)) == vi(1), c, s);
  return as_float(as_int(y) ^ ((q & vi(2)) << 30));
}

inline vf sin(vf x) {
  const mf reducible = abs(x) < vf(5e4f);
  const vf y = select(abs(x) < vf(0x1p-12f), x, sin_quarter(x, 0));
  return all(reducible) ? y : select(reducible, y, map_lanes(x, [](float a) { return __builtin_sinf(a); }));
}

inline vf cos(vf x) {
  const mf reducible = abs(x) < vf(5e4f);
  const vf y = sin_quarter(x, 1);
  return all(reducible) ? y : select(reducible, y, map_lanes(x, [](float a) { return __builtin_cosf(a); }));
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
inline vd pow(vd x, vd y) {
  return map_lanes(x, y, [](double a, double b) { return __builtin_pow(a, b); });
}
inline vd fmod(vd x, vd y) {
  return map_lanes(x, y, [](double a, double b) { return __builtin_fmod(a, b); });
}

}  // namespace
}  // namespace neurite::NR_ISA
