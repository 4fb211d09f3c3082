// attention and attention_backward against the definition in float64: thousands of drawn cases (a fixed seed) of sizes,
// dtypes, layouts, grouped heads, masks, causal diagonals, key lengths and dropout; special values; large cases, whose
// bits must not depend on the number of threads.
#include "philox.h"
#include "reference.h"

using namespace harness;

namespace {

struct Case {
  int64_t B, heads, share, T, S, D, Dv;  // key heads, query heads for each of them
  int32_t dtype = nr_dtype_f32;
  int64_t diagonal;
  double scale = 0.3, p = 0;
  bool lengths = false;
  int mask = 0;       // 0: none, 1: bool, 2: added
  int mask_dims = 0;  // bit d: the mask broadcasts along dim d
  int layout = 0;     // of q, k and v
  uint32_t seed = 1;

  int64_t query_heads() const { return heads * share; }
  std::string text() const {
    char line[200];
    std::snprintf(line, sizeof line, "B%d H%dx%d T%d S%d D%d/%d %s diagonal %d p %g lengths %d mask %d/%d layout %d",
                  int(B), int(heads), int(share), int(T), int(S), int(D), int(Dv), dtype_name(dtype), int(diagonal), p,
                  lengths, mask, mask_dims, layout);
    return line;
  }
};

// [B, H, N, D] as a user may have it: plain, one of the three parts of a projection [B, N, 3, H, D], with D outermost,
// backwards, or one batch entry for all.
Array operand_of(int64_t B, int64_t H, int64_t N, int64_t D, const Case& c, uint32_t seed) {
  Array a({B, N, 3, H, D}, c.dtype);
  nr_tensor& t = a.t;
  t.ndim = 4;
  const int64_t shape[] = {B, H, N, D};
  const int64_t strides[5][4] = {{H * N * D, N * D, D, 1},
                                 {N * 3 * H * D, D, 3 * H * D, 1},
                                 {1, B, B * H, B * H * N},
                                 {H * N * D, N * D, D, -1},
                                 {0, N * D, D, 1}};
  for (int d = 0; d < 4; d++) t.shape[d] = shape[d], t.stride[d] = strides[c.layout][d];
  a.numel = B * H * N * D;
  if (c.layout == 3 && D > 0) t.data = static_cast<char*>(t.data) + (D - 1) * element_size(c.dtype);
  std::mt19937 rng(seed);
  std::uniform_real_distribution<double> draw(-1, 1);
  each_offset(t, [&](int64_t offset) { put(t, offset, draw(rng)); });
  return a;
}

struct Inputs {
  Array q, k, v, dy, mask, lengths;
  nr_optional mask_given, lengths_given;

  explicit Inputs(const Case& c)
      : q(operand_of(c.B, c.query_heads(), c.T, c.D, c, 10 * c.seed)),
        k(operand_of(c.B, c.heads, c.S, c.D, c, 10 * c.seed + 1)),
        v(operand_of(c.B, c.heads, c.S, c.Dv, c, 10 * c.seed + 2)),
        dy(operand_of(c.B, c.query_heads(), c.T, c.Dv, c, 10 * c.seed + 3)),
        mask({c.mask_dims & 1 ? 1 : c.B, c.mask_dims & 2 ? 1 : c.query_heads(), c.mask_dims & 4 ? 1 : c.T,
              c.mask_dims & 8 ? 1 : c.S},
             c.mask == 1 ? int32_t{nr_dtype_bool8} : c.dtype),
        lengths({c.B}, nr_dtype_i64) {
    std::mt19937 rng(c.seed);
    for (int64_t i = 0; i < mask.numel; i++)
      put(mask.t, i, c.mask == 1 ? rng() % 3 != 0 : rng() % 5 == 0 ? -INFINITY : rng() % 16 / 8.0);
    const int64_t full[] = {c.B, c.query_heads(), c.T, c.S};
    for (int d = 0; d < 4; d++) {
      if (c.mask_dims >> d & 1) mask.t.stride[d] = 0;
      mask.t.shape[d] = full[d];
    }
    for (int64_t b = 0; b < c.B; b++) lengths.as<int64_t>()[b] = rng() % (c.S + 1);
    mask_given = c.mask ? some(mask) : none();
    lengths_given = c.lengths ? some(lengths) : none();
  }
};

// What the kernels write: results with the heads inside.
struct Results {
  Array y, lse, dq, dk, dv;

  Results(const nr_backend& backend, const Case& c, const Inputs& in, Context& ctx)
      : y({c.B, c.T, c.query_heads(), c.Dv}, c.dtype),
        lse({c.B, c.query_heads(), c.T}, c.dtype == nr_dtype_f64 ? nr_dtype_f64 : nr_dtype_f32),
        dq({c.B, c.T, c.query_heads(), c.D}, c.dtype),
        dk({c.B, c.S, c.heads, c.D}, c.dtype),
        dv({c.B, c.S, c.heads, c.Dv}, c.dtype) {
    const nr_philox at = {7, 1000};
    backend.attention(&ctx, in.q, in.k, in.v, &in.mask_given, &in.lengths_given, y, lse, c.scale, c.diagonal, c.p, at);
    nr_tensor heads_first = y.t;
    std::swap(heads_first.shape[1], heads_first.shape[2]);
    std::swap(heads_first.stride[1], heads_first.stride[2]);
    backend.attention_backward(&ctx, in.dy, in.q, in.k, in.v, &in.mask_given, &in.lengths_given, &heads_first, lse, dq,
                               dk, dv, c.scale, c.diagonal, c.p, at);
    CHECK(ctx.error.empty(), "%s: %s", c.text().c_str(), ctx.error.c_str());
  }
};

double at(const Array& a, int64_t b, int64_t h, int64_t i, int64_t j) {
  const int64_t* s = a.t.stride;
  return get(a.t, b * s[0] + h * s[1] + i * s[2] + j * s[3]);
}

struct Expected {
  std::vector<double> y, lse, dq, dk, dv;
};

Expected reference(const Case& c, const Inputs& in) {
  const int64_t H = c.query_heads();
  Expected e = {std::vector<double>(c.B * c.T * H * c.Dv), std::vector<double>(c.B * H * c.T),
                std::vector<double>(c.B * c.T * H * c.D), std::vector<double>(c.B * c.S * c.heads * c.D),
                std::vector<double>(c.B * c.S * c.heads * c.Dv)};
  std::vector<double> w(c.S), dw(c.S), kept(c.S);
  for (int64_t b = 0; b < c.B; b++)
    for (int64_t h = 0; h < H; h++)
      for (int64_t i = 0; i < c.T; i++) {
        const int64_t g = h / c.share, keys = c.lengths ? in.lengths.as<int64_t>()[b] : c.S;
        double top = -INFINITY, sum = 0, inner = 0;
        for (int64_t j = 0; j < c.S; j++) {
          double score = 0;
          for (int64_t d = 0; d < c.D; d++) score += at(in.q, b, h, i, d) * at(in.k, b, g, j, d);
          const double given = c.mask ? at(in.mask, b, h, i, j) : 0;
          w[j] = score * c.scale + (c.mask == 2 ? given : 0);
          if (j > i + c.diagonal || j >= keys || (c.mask == 1 && given == 0)) w[j] = -INFINITY;
          top = std::fmax(top, w[j]);
          const uint64_t element = static_cast<uint64_t>(((b * H + h) * c.T + i) * c.S + j);
          const uint32_t word = neurite::philox_block({7, 1000}, element / 4).word[element % 4];
          kept[j] = (word >> 8) * 0x1p-24 < c.p ? 0 : 1 / (1 - c.p);
        }
        for (double& x : w) sum += x = top == -INFINITY ? 0 : std::exp(x - top);
        e.lse[(b * H + h) * c.T + i] = sum > 0 ? top + std::log(sum) : INFINITY;
        for (int64_t j = 0; j < c.S; j++) {
          w[j] = sum > 0 ? w[j] / sum : 0;
          dw[j] = 0;
          for (int64_t d = 0; d < c.Dv; d++) {
            const double value = at(in.v, b, g, j, d), dy = at(in.dy, b, h, i, d);
            e.y[((b * c.T + i) * H + h) * c.Dv + d] += w[j] * kept[j] * value;
            e.dv[((b * c.S + j) * c.heads + g) * c.Dv + d] += w[j] * kept[j] * dy;
            dw[j] += dy * value * kept[j];
          }
          inner += w[j] * dw[j];
        }
        for (int64_t j = 0; j < c.S; j++)
          for (int64_t d = 0; d < c.D; d++) {
            const double ds = w[j] * (dw[j] - inner) * c.scale;
            e.dq[((b * c.T + i) * H + h) * c.D + d] += ds * at(in.k, b, g, j, d);
            e.dk[((b * c.S + j) * c.heads + g) * c.D + d] += ds * at(in.q, b, h, i, d);
          }
      }
  return e;
}

void check(const Case& c) {
  const Inputs in(c);
  const Expected e = reference(c, in);
  const double slack = 4 + std::sqrt(static_cast<double>(c.T + c.S));
  for (const nr_backend* backend : tables()) {
    Context ctx;
    const Results r(*backend, c, in, ctx);
    const std::string what = std::string(backend->name) + " " + c.text();
    expect_close(r.y, e.y, what + " y", 4);
    expect_close(r.lse, e.lse, what + " lse", 4);
    expect_close(r.dq, e.dq, what + " dq", slack);
    expect_close(r.dk, e.dk, what + " dk", slack);
    expect_close(r.dv, e.dv, what + " dv", slack);
  }
}

Case draw(std::mt19937& rng, uint32_t seed) {
  const auto pick = [&](std::initializer_list<int64_t> from) { return from.begin()[rng() % from.size()]; };
  const auto size = [&](int64_t most) {  // small ones are likelier
    return static_cast<int64_t>(std::exp(rng() % 10000 / 10000.0 * std::log(most + 1.0)));
  };
  Case c = {};
  c.seed = seed;
  c.B = pick({1, 1, 2, 3});
  c.heads = pick({1, 1, 2, 3});
  c.share = pick({1, 1, 1, 2, 4, 5});
  c.T = rng() % 20 == 0 ? 0 : size(rng() % 8 == 0 ? 180 : 50);
  c.S = rng() % 20 == 0 ? 0 : size(rng() % 8 == 0 ? 500 : 90);
  c.D = pick({1, 3, 7, 8, 16, 17, 33, 64, 80});
  c.Dv = pick({c.D, c.D, 1, 15, 16, 31});
  c.dtype = static_cast<int32_t>(pick({nr_dtype_f32, nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16}));
  c.diagonal = rng() % 2 ? c.S : static_cast<int64_t>(rng() % (c.T + c.S + 1)) - c.T;
  c.scale = 0.3;
  c.p = rng() % 5 == 0 ? 0.3 : 0;
  c.lengths = rng() % 4 == 0;
  c.mask = rng() % 2 ? 0 : 1 + rng() % 2;
  c.mask_dims = rng() % 16;
  c.layout = rng() % 5;
  return c;
}

// Sizes around those of the tiles that kernels cut queries, keys and heads into; heads longer than any tile.
Case draw_at_edges(std::mt19937& rng, uint32_t seed) {
  const auto pick = [&](std::initializer_list<int64_t> from) { return from.begin()[rng() % from.size()]; };
  Case c = draw(rng, seed);
  c.B = pick({1, 2});
  c.heads = pick({1, 2});
  c.share = pick({1, 3, 8});
  c.T = pick({1, 2, 15, 16, 17, 63, 64, 65, 129}) / (c.share > 1 ? 2 : 1);
  c.S = pick({1, 31, 32, 33, 63, 64, 65, 127, 129, 260});
  c.D = pick({31, 32, 33, 64, 65, 96, 128, 129, 200, 256, 257, 300});
  c.Dv = pick({c.D, c.D, 32, 65, 128, 130, 264});
  c.diagonal = pick({c.S, c.S - c.T, 0, -1, 7});
  c.scale = 0.1;
  return c;
}

void special_values(const nr_backend& backend) {
  for (const int64_t T : {int64_t{1}, int64_t{40}}) {  // few queries, many
    Context ctx;
    const Case c = {1, 1, 1, T, 50, 4, 4, nr_dtype_f32, 50};
    Inputs in(c);
    in.k.as<float>()[4 * 7] = NAN;
    Results all(backend, c, in, ctx);
    CHECK(std::isnan(all.y.as<float>()[0]) && std::isnan(all.y.as<float>()[4 * T - 1]), "a NaN among the keys");
    Case fewer = c;
    fewer.lengths = true;
    Inputs hidden(fewer);
    hidden.k.as<float>()[4 * 7] = hidden.v.as<float>()[4 * 7] = NAN;
    hidden.lengths.as<int64_t>()[0] = 7;
    Results some_keys(backend, fewer, hidden, ctx);
    CHECK(!std::isnan(some_keys.y.as<float>()[0]) && !std::isnan(some_keys.dq.as<float>()[4 * T - 1]),
          "what lies behind the length is not read");
    CHECK(some_keys.dk.as<float>()[4 * 7] == 0, "and has no gradient");
    Inputs infinite(c);
    infinite.k.as<float>()[4 * 7] = INFINITY;
    infinite.q.as<float>()[0] = 1;
    Results one(backend, c, infinite, ctx);
    CHECK(std::isnan(one.y.as<float>()[0]), "an infinite score, as in PyTorch");
    hidden.lengths.as<int64_t>()[0] = 51;
    Array y({1, T, 1, 4}), lse({1, 1, T});
    Context failing;
    backend.attention(&failing, hidden.q, hidden.k, hidden.v, &hidden.mask_given, &hidden.lengths_given, y, lse, 1, 50,
                      0, {});
    CHECK(failing.error == "INDEX_OUT_OF_RANGE: expected key lengths in [0, 50], got 51 for batch entry 0", "%s",
          failing.error.c_str());
  }
}

// A lowest finite number in a mask is a number: where all of a row have it, all keys count alike.
void lowest_scores(const nr_backend& backend) {
  Context ctx;
  Case c = {1, 1, 1, 2, 8, 4, 4, nr_dtype_f32, 8};
  c.mask = 2;
  Inputs in(c);
  for (int64_t i = 0; i < 16; i++) in.mask.as<float>()[i] = -3.4028234663852886e38f;
  const Results r(backend, c, in, ctx);
  double mean = 0;
  for (int64_t j = 0; j < 8; j++) mean += in.v.as<float>()[4 * j] / 8;
  CHECK(std::abs(r.y.as<float>()[0] - mean) < tolerance(nr_dtype_f32));
}

void same_for_threads(const nr_backend& backend, const Case& c) {
  if (left_out("the same bits for any number of threads")) return;
  const Inputs in(c);
  Context one(1), three(3);
  const Results a(backend, c, in, one), b(backend, c, in, three);
  const auto same = [](const Array& x, const Array& y) {
    return std::memcmp(x.t.data, y.t.data, static_cast<size_t>(x.numel * element_size(x.t.dtype))) == 0;
  };
  CHECK(same(a.y, b.y) && same(a.lse, b.lse), "%s: y of 1 and 3 threads differ", c.text().c_str());
  CHECK(same(a.dq, b.dq) && same(a.dk, b.dk) && same(a.dv, b.dv), "%s: gradients of 1 and 3 threads differ",
        c.text().c_str());
}

}  // namespace

int main() {
  std::mt19937 rng(20);
  for (uint32_t i = 0; i < fewer(2000); i++) check(draw(rng, i));
  for (uint32_t i = 0; i < 60; i++) check(draw_at_edges(rng, i));
  // Several blocks of keys, runs and shares of one head.
  check({1, 1, 1, 70, 900, 16, 16, nr_dtype_f32, 830});
  check({1, 1, 2, 1, 2000, 64, 128, nr_dtype_f32, 2000});
  check({1, 1, 1, 1, 1500, 128, 64, nr_dtype_bf16, 1500});
  check({1, 1, 1, 300, 300, 128, 16, nr_dtype_f32, 0});
  each_isa([](const nr_backend& backend) {
    special_values(backend);
    lowest_scores(backend);
    same_for_threads(backend, {1, 1, 3, 150, 700, 24, 24, nr_dtype_f32, 400});
    same_for_threads(backend, {2, 2, 2, 1, 1300, 24, 24, nr_dtype_f32, 1300});
    same_for_threads(backend, {3, 12, 1, 33, 65, 16, 16, nr_dtype_f64, 0});
  });
  return report();
}
