// Philox against the known answers of the Random123 distribution, and the random kernels against the documented use of
// its words: element by element, for every dtype, position, layout and thread count; then their moments.
#include "philox.h"
#include "reference.h"

using namespace harness;

namespace {

constexpr nr_philox at{0x123456789abcdef0, 0xfffffffe};  // the first counters carry into the second word

uint32_t word(int64_t i) {
  return neurite::philox_block(at, static_cast<uint64_t>(i / 4)).word[i % 4];
}
uint64_t two_words(int64_t e) {
  return static_cast<uint64_t>(word(2 * e + 1)) << 32 | word(2 * e);
}

void known_answers() {
  struct Answer {
    uint32_t counter[4], key[2], expected[4];
  };
  const Answer answers[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Answer& a : answers) {
    const auto block =
        neurite::philox_block({{a.counter[0], a.counter[1], a.counter[2], a.counter[3]}}, a.key[0], a.key[1]);
    for (int i = 0; i < 4; i++) CHECK(block.word[i] == a.expected[i], "%08x, not %08x", block.word[i], a.expected[i]);
  }
}

constexpr int32_t floats[] = {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16};

double unit(int32_t dtype, int64_t e) {
  return dtype == nr_dtype_f64 ? static_cast<double>(two_words(e) >> 11) * 0x1p-53 : (word(e) >> 8) * 0x1p-24;
}

void takes_the_documented_words(const nr_backend& backend, int64_t n, Layout layout) {
  Context ctx;
  const std::string what = std::to_string(n);
  for (const int32_t dtype : floats) {
    Array y = arranged({n, 1}, dtype, layout);
    std::vector<double> expected;
    for (int64_t e = 0; e < n; e++) expected.push_back(-1 + 3 * unit(dtype, e));
    backend.uniform(&ctx, y, -1, 2, at);
    expect_close(y, expected, what + " uniform", dtype == nr_dtype_f32 ? 0.05 : 1);

    expected.clear();
    for (int64_t e = 0; e < n; e++) {
      const bool wide = dtype == nr_dtype_f64;
      const int64_t first = e / 2 * 2;
      const double u = wide ? ((two_words(first) >> 11) + 0.5) * 0x1p-53 : (word(first) + 0.5) * 0x1p-32;
      const double a = M_PI * (wide ? static_cast<double>(static_cast<int64_t>(two_words(first + 1))) * 0x1p-63
                                    : static_cast<int32_t>(word(first + 1)) * 0x1p-31);
      expected.push_back(0.5 + 2 * std::sqrt(-2 * std::log(u)) * (e % 2 ? std::sin(a) : std::cos(a)));
    }
    backend.normal(&ctx, y, 0.5, 2, at);
    expect_close(y, expected, what + " normal", 2);
  }
  for (const int32_t dtype :
       {nr_dtype_i8, nr_dtype_u8, nr_dtype_i32, nr_dtype_i64, nr_dtype_f32, nr_dtype_f64, nr_dtype_bf16}) {
    Array y = arranged({n, 1}, dtype, layout);
    std::vector<double> expected;
    for (int64_t e = 0; e < n; e++)
      expected.push_back(3 + static_cast<double>(static_cast<unsigned __int128>(two_words(e)) * 90 >> 64));
    backend.randint(&ctx, y, 3, 93, at);
    expect_close(y, expected, what + " randint", 0);
  }
  Array big = arranged({n, 1}, nr_dtype_i64, layout);
  const int64_t low = INT64_MIN / 2, high = INT64_MAX / 2 + 7;
  backend.randint(&ctx, big, low, high, at);
  int64_t e = 0;
  each_offset(big.t, [&](int64_t offset) {
    const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
    const auto scaled = static_cast<uint64_t>(static_cast<unsigned __int128>(two_words(e++)) * range >> 64);
    const int64_t got = static_cast<int64_t*>(big.t.data)[offset];
    CHECK(got == static_cast<int64_t>(static_cast<uint64_t>(low) + scaled), "%lld", static_cast<long long>(got));
  });
}

void draws_bernoulli_and_dropout(const nr_backend& backend, int64_t n, Layout layout) {
  Context ctx;
  for (const int32_t dtype : floats) {
    const Array p = random({n, 3}, dtype, layout, 4, 0, 1), x = random({n, 3}, dtype, layout, 5, 1, 2);
    const auto ps = values(p), xs = values(x);
    for (const int32_t to : {dtype, static_cast<int32_t>(nr_dtype_bool8), static_cast<int32_t>(nr_dtype_i64)}) {
      Array y({n, 3}, to);
      std::vector<double> expected;
      for (int64_t e = 0; e < 3 * n; e++) expected.push_back(unit(nr_dtype_f32, e) < static_cast<float>(ps[e]));
      backend.bernoulli(&ctx, p, y, at);
      expect_close(y, expected, "bernoulli", 0);
    }
    for (const double rate : {0.0, 0.3, 1.0}) {
      Array y({n, 3}, dtype);
      std::vector<double> expected;
      for (int64_t e = 0; e < 3 * n; e++)
        expected.push_back(unit(nr_dtype_f32, e) < rate ? 0 : xs[e] * (rate < 1 ? 1 / (1 - rate) : 0));
      backend.dropout(&ctx, x, y, rate, at);
      expect_close(y, expected, "dropout");
    }
  }
  const Array half = random({1}, nr_dtype_f32, Layout::contiguous, 1, 0.5, 0.5);
  Array spread({n, 3}, nr_dtype_u8);
  backend.bernoulli(&ctx, half, spread, at);
  for (int64_t e = 0; e < 3 * n; e++)
    CHECK(spread.as<uint8_t>()[e] == (word(e) >> 31 == 0), "at %lld", static_cast<long long>(e));
  CHECK(ctx.error.empty(), "%s", ctx.error.c_str());
}

void refuses_probabilities_out_of_range(const nr_backend& backend) {
  for (const float bad : {-0.5f, 1.5f, NAN}) {
    Context ctx;
    Array p = random({10}, nr_dtype_f32, Layout::contiguous, 1, 0, 1), y = random({10});
    const auto before = values(y);
    p.as<float>()[7] = bad;
    backend.bernoulli(&ctx, p, y, at);
    CHECK(ctx.error.rfind("VALUE_OUT_OF_RANGE", 0) == 0 && ctx.error.find("position 7") != std::string::npos, "%s",
          ctx.error.c_str());
    CHECK(values(y) == before, "wrote before checking");
  }
}

void stays_below_high(const nr_backend& backend) {
  for (const int32_t dtype : floats) {
    Context ctx;
    Array y({100000}, dtype);
    backend.uniform(&ctx, y, 1, 1.01, at);
    double top = 0;
    for (double v : values(y)) top = std::fmax(top, v);
    CHECK(top < 1.01, "%s: %.9g", dtype_name(dtype), top);
    backend.uniform(&ctx, y, -2, -2, at);
    CHECK(values(y)[17] == -2, "low == high gives it");
  }
}

void has_the_right_moments(const nr_backend& backend) {
  Context ctx;
  Array y({1 << 20});
  backend.normal(&ctx, y, 0, 1, {7, 0});
  double m[5] = {};
  for (double v : values(y))
    for (int k = 1; k <= 4; k++) m[k] += std::pow(v, k) / y.numel;
  CHECK(std::fabs(m[1]) < 4e-3 && std::fabs(m[2] - 1) < 6e-3 && std::fabs(m[3]) < 1.6e-2 && std::fabs(m[4] - 3) < 4e-2,
        "moments %g %g %g %g", m[1], m[2], m[3], m[4]);
}

void permutes(const nr_backend& backend) {
  Context ctx;
  for (const int64_t n : {0, 1, 2, 31, 32, 33, 1000}) {
    Array y({n}, nr_dtype_i64);
    backend.randperm(&ctx, y, at);
    std::vector<int64_t> expected;  // by swapping: step i exchanges elements i and j of 0 … i
    for (int64_t i = 0; i < n; i++) {
      expected.push_back(i);
      std::swap(expected[static_cast<size_t>(i)],
                expected[static_cast<size_t>(
                    static_cast<unsigned __int128>(two_words(i)) * static_cast<uint64_t>(i + 1) >> 64)]);
    }
    CHECK(n == 0 || std::memcmp(y.t.data, expected.data(), static_cast<size_t>(n) * 8) == 0, "n %lld",
          static_cast<long long>(n));
  }
}

}  // namespace

int main() {
  known_answers();
  each_isa([](const nr_backend& backend) {
    for (const int64_t n : {0, 1, 2, 3, 4, 5, 63, 64, 65, 511, 512, 513, 1023, 1025, 20000})
      takes_the_documented_words(backend, n, Layout::contiguous);
    takes_the_documented_words(backend, 100, Layout::reversed);
    for (const Layout layout : {Layout::contiguous, Layout::transposed, Layout::reversed})
      for (const int64_t n : {0, 1, 5, 1000}) draws_bernoulli_and_dropout(backend, n, layout);
    refuses_probabilities_out_of_range(backend);
    stays_below_high(backend);
    has_the_right_moments(backend);
    permutes(backend);
    expect_same_for_threads([&](Context& ctx) {
      Array y({300001});
      backend.normal(&ctx, y, 0, 1, at);
      return y;
    });
  });
  for (const nr_backend* backend : tables())
    for (const int32_t dtype : floats) {
      Context ctx;
      Array expected({10001}, dtype), y({10001}, dtype);
      neurite::cpu_backends().front()->uniform(&ctx, expected, -0.3, 0.7, at);
      backend->uniform(&ctx, y, -0.3, 0.7, at);
      CHECK(values(y) == values(expected), "%s uniforms of %s differ", dtype_name(dtype), backend->name);
    }
  return report();
}
