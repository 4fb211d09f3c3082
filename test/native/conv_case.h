// Convolution cases for native tests: the three directions of one case against float64 loops over the definition, and
// bit-equal results for any number of threads.
#pragma once
#include <map>

#include "elements.h"
#include "harness.h"

namespace harness {

struct ConvCase {
  int64_t B, C, O, groups;
  std::vector<int64_t> in, kernel, stride, padding, dilation;
  bool bias = false;
  bool strided = false;  // x, w and dy are views with gaps
  int64_t activation = nr_activation_none;
  bool residual = false;
};

// A random tensor; with gaps, every second element of the last dim of a larger one, its first two dims exchanged.
inline Array make(std::vector<int64_t> shape, int32_t dtype, uint32_t seed, bool gaps) {
  std::vector<int64_t> stored = shape;
  if (gaps) std::swap(stored[0], stored[1]);
  if (gaps) stored.back() *= 2;
  Array a(stored, dtype);
  std::mt19937 rng(seed);
  std::uniform_real_distribution<double> draw(-1, 1);
  for (int64_t i = 0; i < a.numel; i++) put(a.t, i, draw(rng));
  if (!gaps) return a;
  std::swap(a.t.stride[0], a.t.stride[1]);
  a.t.stride[a.t.ndim - 1] = 2;
  for (int d = 0; d < a.t.ndim; d++) a.t.shape[d] = shape[d];
  return a;
}

inline nr_ints ints(const std::vector<int64_t>& v) {
  nr_ints out = {static_cast<int64_t>(v.size()), {}};
  std::copy(v.begin(), v.end(), out.at);
  return out;
}

// A case padded to three axes, and flat indices into x, w and y.
struct Geometry {
  int64_t B, C, O, G, in[3], out[3], k[3], s[3], p[3], d[3];

  explicit Geometry(const ConvCase& c) : B(c.B), C(c.C), O(c.O), G(c.groups) {
    for (int i = 0; i < 3; i++) {
      const int own = i - (3 - static_cast<int>(c.in.size()));
      const bool has = own >= 0;
      in[i] = has ? c.in[own] : 1;
      k[i] = has ? c.kernel[own] : 1;
      s[i] = has ? c.stride[own] : 1;
      p[i] = has ? c.padding[own] : 0;
      d[i] = has ? c.dilation[own] : 1;
      out[i] = (in[i] + 2 * p[i] - d[i] * (k[i] - 1) - 1) / s[i] + 1;
    }
  }
  int64_t inputs() const { return in[0] * in[1] * in[2]; }
  int64_t outputs() const { return out[0] * out[1] * out[2]; }
  int64_t taps() const { return k[0] * k[1] * k[2]; }

  // visit(x index, w index, y index) for every product of the convolution.
  template <class Visit>
  void each(const Visit& visit) const {
    for (int64_t b = 0; b < B; b++)
      for (int64_t o = 0; o < O; o++)
        for (int64_t at = 0; at < outputs(); at++)
          for (int64_t c = 0; c < C / G; c++)
            for (int64_t tap = 0; tap < taps(); tap++) {
              const int64_t od[3] = {at / (out[1] * out[2]), at / out[2] % out[1], at % out[2]};
              const int64_t kd[3] = {tap / (k[1] * k[2]), tap / k[2] % k[1], tap % k[2]};
              int64_t place = 0;
              bool inside = true;
              for (int i = 0; i < 3; i++) {
                const int64_t x = od[i] * s[i] - p[i] + kd[i] * d[i];
                inside = inside && x >= 0 && x < in[i];
                place = place * in[i] + x;
              }
              if (!inside) continue;
              const int64_t channel = o / (O / G) * (C / G) + c;
              visit((b * C + channel) * inputs() + place, (o * (C / G) + c) * taps() + tap,
                    (b * O + o) * outputs() + at);
            }
  }
};

inline std::vector<double> values(const Array& a) {
  int64_t n = 1;
  for (int d = 0; d < a.t.ndim; d++) n *= a.t.shape[d];
  std::vector<double> out(n);
  for (int64_t i = 0; i < n; i++) {
    int64_t rest = i, offset = 0;
    for (int d = a.t.ndim - 1; d >= 0; d--) {
      offset += rest % a.t.shape[d] * a.t.stride[d];
      rest /= a.t.shape[d];
    }
    out[i] = get(a.t, offset);
  }
  return out;
}

// One context per number of threads, kept from case to case.
inline Context& context(int threads) {
  static std::map<int, std::unique_ptr<Context>> contexts;
  auto& found = contexts[threads];
  if (!found) found = std::make_unique<Context>(threads);
  found->blocks.clear();
  return *found;
}

struct Reference {
  std::vector<double> sum, size;
  std::vector<int64_t> terms;
  explicit Reference(int64_t n) : sum(n), size(n), terms(n) {}
  void add(int64_t i, double term) {
    sum[i] += term;
    size[i] += std::abs(term);
    terms[i]++;
  }
};

inline std::string text(const std::vector<int64_t>& v) {
  std::string out;
  for (int64_t n : v) out.append(std::to_string(n)).append("x");
  return out.substr(0, out.size() - 1);
}

// How far y is from the activated sums, as a part of what is allowed.
inline double worst_error(const Array& y, const Reference& expected, int64_t activation) {
  const int32_t dtype = y.t.dtype;
  const std::vector<double> got = values(y);
  double worst = 0;
  for (size_t i = 0; i < got.size(); i++) {
    const double want = activated(activation, expected.sum[i]);
    // The slope of an activation is below 1.2.
    const double allowed = 1.2 * expected.size[i] * accumulation_error(dtype, expected.terms[i]) +
                           (std::abs(want) + bool(activation) * (1 + std::abs(want))) * rounding_error(dtype) +
                           (dtype == nr_dtype_f16 ? 0x1p-24 : 1e-30);
    const double error = std::abs(got[i] - want) / allowed;
    worst = std::max(worst, error == error ? error : INFINITY);
  }
  return worst;
}

inline void check_worst(const nr_backend& backend, const std::string& name, const ConvCase& c, int32_t dtype,
                        double worst) {
  CHECK(worst <= 1,
        "%s %s dtype %d B %ld C %ld O %ld groups %ld in %s kernel %s stride %s padding %s dilation %s%s%s activation "
        "%ld: %g of what is allowed",
        backend.name, name.c_str(), dtype, static_cast<long>(c.B), static_cast<long>(c.C), static_cast<long>(c.O),
        static_cast<long>(c.groups), text(c.in).c_str(), text(c.kernel).c_str(), text(c.stride).c_str(),
        text(c.padding).c_str(), text(c.dilation).c_str(), c.strided ? " strided" : "", c.residual ? " residual" : "",
        static_cast<long>(c.activation), worst);
}

// What kernel(context, result) writes with every number of threads, alike bit by bit.
template <class Kernel>
Array run(const nr_backend& backend, const std::vector<int>& threads, const char* name,
          const std::vector<int64_t>& shape, int32_t dtype, const Kernel& kernel) {
  std::vector<Array> results;
  for (int count : thread_counts(threads)) {
    Context& ctx = context(count);
    results.emplace_back(shape, dtype);
    kernel(&ctx, results.back());
    CHECK(ctx.error.empty(), "%s", ctx.error.c_str());
  }
  const Array& y = results[0];
  for (const Array& other : results)
    CHECK(std::memcmp(y.t.data, other.t.data, y.numel * element_size(dtype)) == 0, "%s %s: threads differ",
          backend.name, name);
  return y;
}

// [B, C, ...] as [B, ..., C] of that layout, and back as a view.
inline Array channels_last(const Array& a) {
  std::vector<int64_t> shape(a.t.shape, a.t.shape + a.t.ndim);
  std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
  Array out(shape, a.t.dtype);
  const std::vector<double> from = values(a);
  const int64_t channels = a.t.shape[1], positions = channels && a.t.shape[0] ? a.numel / channels / a.t.shape[0] : 0;
  for (int64_t i = 0; i < a.numel; i++)
    put(out.t, (i / channels / positions * positions + i % positions) * channels + i / positions % channels, from[i]);
  return out;
}
inline Array channels_first(Array a) {
  std::rotate(a.t.shape + 1, a.t.shape + a.t.ndim - 1, a.t.shape + a.t.ndim);
  std::rotate(a.t.stride + 1, a.t.stride + a.t.ndim - 1, a.t.stride + a.t.ndim);
  return a;
}

// A forward pass with its epilogue, of weights as they are and packed, of results in both orders: check(name, y,
// activation) gets each, and what the activation was applied to.
template <class Check>
void each_forward(const nr_backend& backend, const std::vector<int>& threads, const ConvCase& c, const Array& x,
                  const Array& w, const Array& bias, const Array& residual, const Check& check) {
  const int32_t dtype = x.t.dtype;
  const int64_t filters = c.O / c.groups, lanes = std::min<int64_t>(filters, 32);
  const nr_ints kernel = ints(c.kernel), stride = ints(c.stride), padding = ints(c.padding),
                dilation = ints(c.dilation);
  int64_t depth = c.C / c.groups;
  for (int64_t k : c.kernel) depth *= k;
  Array packed({c.groups, (filters + 31) / 32, depth, lanes}, dtype);
  backend.conv_pack(&context(1), w, packed, c.groups);
  const nr_optional given = c.bias ? some(bias) : none();
  for (bool is_last : {false, true}) {
    const Array added = is_last ? channels_last(residual) : residual;
    const nr_optional plus = c.residual ? some(added) : none();
    const std::vector<int64_t> shape(added.t.shape, added.t.shape + added.t.ndim);
    const auto view = [&](const Array& y) { return is_last ? channels_first(y) : y; };
    Array kept(shape, dtype);
    nr_optional keep = c.activation ? some(kept) : none();
    const auto plain = [&](nr_context* ctx, Array& y) {
      backend.conv(ctx, x, w, &given, &plus, y, &keep, stride, padding, dilation, c.groups, c.activation, is_last);
    };
    const auto ahead = [&](nr_context* ctx, Array& y) {
      backend.conv_packed(ctx, x, packed, &given, &plus, y, kernel, stride, padding, dilation, c.activation, is_last);
    };
    const char* last = is_last ? "conv, channels last" : "conv";
    check(last, view(run(backend, threads, last, shape, dtype, plain)), c.activation);
    if (c.activation) check("conv, before its activation", view(kept), nr_activation_none);
    last = is_last ? "conv_packed, channels last" : "conv_packed";
    check(last, view(run(backend, threads, last, shape, dtype, ahead)), c.activation);
  }
}

inline std::vector<int64_t> shape_of(int64_t first, int64_t second, const int64_t* axes, size_t ndim) {
  std::vector<int64_t> shape = {first, second};
  shape.insert(shape.end(), axes + 3 - ndim, axes + 3);
  return shape;
}

// All three directions of one case on each of `backends`.
inline void check_conv(const std::vector<const nr_backend*>& backends, const std::vector<int>& threads, int32_t dtype,
                       const ConvCase& c) {
  const Geometry g(c);
  const size_t axes = c.in.size();
  const auto x_shape = shape_of(c.B, c.C, g.in, axes), w_shape = shape_of(c.O, c.C / c.groups, g.k, axes),
             y_shape = shape_of(c.B, c.O, g.out, axes);
  const Array x = make(x_shape, dtype, 1, c.strided), w = make(w_shape, dtype, 2, c.strided),
              dy = make(y_shape, dtype, 3, c.strided), bias = make({c.O, 1}, dtype, 4, false);
  const auto xv = values(x), wv = values(w), dyv = values(dy), bv = values(bias);
  Reference y(dyv.size()), dx(xv.size()), dw(wv.size());
  if (c.bias)
    for (size_t i = 0; i < dyv.size(); i++) y.add(i, bv[static_cast<int64_t>(i) / g.outputs() % c.O]);
  g.each([&](int64_t i, int64_t k, int64_t o) {
    y.add(o, xv[i] * wv[k]);
    dx.add(i, dyv[o] * wv[k]);
    dw.add(k, xv[i] * dyv[o]);
  });
  const Array residual = make(y_shape, dtype, 5, false);
  for (int64_t i = 0; c.residual && i < residual.numel; i++) y.add(i, get(residual.t, i));
  Array flat_bias = bias;
  flat_bias.t.ndim = 1;
  const nr_ints stride = ints(c.stride), padding = ints(c.padding), dilation = ints(c.dilation);
  for (const nr_backend* table : backends) {
    const nr_backend& backend = *table;
    each_forward(backend, threads, c, x, w, flat_bias, residual,
                 [&](const char* name, const Array& got, int64_t activation) {
                   check_worst(backend, name, c, dtype, worst_error(got, y, activation));
                 });
    const Array input = run(backend, threads, "conv_backward_input", x_shape, dtype, [&](nr_context* ctx, Array& out) {
      backend.conv_backward_input(ctx, dy, w, out, stride, padding, dilation, c.groups);
    });
    check_worst(backend, "conv_backward_input", c, dtype, worst_error(input, dx, nr_activation_none));
    const Array weight =
        run(backend, threads, "conv_backward_weight", w_shape, dtype, [&](nr_context* ctx, Array& out) {
          backend.conv_backward_weight(ctx, x, dy, out, stride, padding, dilation, c.groups);
        });
    check_worst(backend, "conv_backward_weight", c, dtype, worst_error(weight, dw, nr_activation_none));
  }
}

}  // namespace harness
