// LSTM, GRU and plain recurrent layers against their definitions and gradients in float64, one sequence after another,
// for odd sizes, lengths, both directions, absent states and gradients, every dtype and instruction set.
#include "reference.h"

using namespace harness;

namespace {

using Row = std::vector<double>;
enum class Kind { lstm, gru, tanh, relu };

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

struct Case {
  Kind kind;
  int64_t T, B, H;
  int32_t dtype = nr_dtype_f32;
  bool reverse = false, lengths = false, states = true;
};

int gates_of(Kind kind) {
  return kind == Kind::lstm ? 4 : kind == Kind::gru ? 3 : 1;
}

int32_t wide(int32_t dtype) {
  return dtype == nr_dtype_f64 ? nr_dtype_f64 : nr_dtype_f32;
}

std::string text(const Case& c) {
  static const char* const names[] = {"lstm", "gru", "rnn tanh", "rnn relu"};
  return std::string(names[static_cast<int>(c.kind)]) + " " + dtype_name(c.dtype) + " T B H " +
         harness::text({c.T, c.B, c.H}) + (c.reverse ? " reverse" : "") + (c.lengths ? " lengths" : "") +
         (c.states ? "" : " from zeros");
}

// Inputs, and what is computed from them in float64.
struct Reference {
  Row x, w, b, h0, c0, dy, dh, dc;
  Row y = {}, h = {}, c = {}, dx = {}, dq = {}, dh0 = {}, dc0 = {};
};

// One sequence, forth and back. `at` lists its steps [T, B] in the order of walking.
void walk(const Case& c, const std::vector<size_t>& at, size_t sequence, Reference& r) {
  const size_t H = static_cast<size_t>(c.H), G = static_cast<size_t>(gates_of(c.kind)), first = sequence * H;
  std::vector<Row> h = {Row(r.h0.begin() + first, r.h0.begin() + first + H)}, cells = {Row(H)};
  if (c.kind == Kind::lstm) cells[0].assign(r.c0.begin() + first, r.c0.begin() + first + H);
  std::vector<Row> sums;  // of each step: the gates before their activation; GRU: the candidate's h w' + b last
  for (size_t step = 0; step < at.size(); step++) {
    Row s(G * H + H), next(H), cell(H);
    for (size_t row = 0; row < G * H; row++) {
      double product = 0;
      for (size_t k = 0; k < H; k++) product += r.w[row * H + k] * h[step][k];
      s[row] = r.x[at[step] * G * H + row];
      if (c.kind == Kind::gru && row >= 2 * H) {
        s[row + H] = product + r.b[row - 2 * H];
        s[row] += sigmoid(s[row - 2 * H]) * s[row + H];
      } else {
        s[row] += product;
      }
    }
    for (size_t u = 0; u < H; u++) {
      const auto gate = [&](size_t g) { return s[g * H + u]; };
      if (c.kind == Kind::lstm) {
        cell[u] = sigmoid(gate(1)) * cells[step][u] + sigmoid(gate(0)) * std::tanh(gate(2));
        next[u] = sigmoid(gate(3)) * std::tanh(cell[u]);
      } else if (c.kind == Kind::gru) {
        const double z = sigmoid(gate(1));
        next[u] = (1 - z) * std::tanh(gate(2)) + z * h[step][u];
      } else {
        next[u] = c.kind == Kind::tanh ? std::tanh(gate(0)) : std::max(gate(0), 0.0);
      }
      r.y[at[step] * H + u] = next[u];
    }
    sums.push_back(s);
    h.push_back(next);
    cells.push_back(cell);
  }
  std::copy(h.back().begin(), h.back().end(), r.h.begin() + first);
  std::copy(cells.back().begin(), cells.back().end(), r.c.begin() + first);

  Row dh(r.dh.begin() + first, r.dh.begin() + first + H), dc(r.dc.begin() + first, r.dc.begin() + first + H);
  for (size_t step = at.size(); step-- > 0;) {
    const Row& s = sums[step];
    Row d(G * H), recurrent(G * H), direct(H);
    for (size_t u = 0; u < H; u++) {
      const double g = dh[u] + r.dy[at[step] * H + u];
      const auto gate = [&](size_t k) { return s[k * H + u]; };
      const auto slope = [](double v) { return v * (1 - v); };
      if (c.kind == Kind::lstm) {
        const double i = sigmoid(gate(0)), f = sigmoid(gate(1)), n = std::tanh(gate(2)), o = sigmoid(gate(3));
        const double t = std::tanh(cells[step + 1][u]), dcell = dc[u] + g * o * (1 - t * t);
        d[u] = dcell * n * slope(i);
        d[H + u] = dcell * cells[step][u] * slope(f);
        d[2 * H + u] = dcell * i * (1 - n * n);
        d[3 * H + u] = g * t * slope(o);
        dc[u] = dcell * f;
      } else if (c.kind == Kind::gru) {
        const double reset = sigmoid(gate(0)), z = sigmoid(gate(1)), n = std::tanh(gate(2)), q = gate(3);
        d[2 * H + u] = g * (1 - z) * (1 - n * n);
        d[u] = d[2 * H + u] * q * slope(reset);
        d[H + u] = g * (h[step][u] - n) * slope(z);
        r.dq[at[step] * H + u] = recurrent[2 * H + u] = d[2 * H + u] * reset;
        direct[u] = g * z;
      } else {
        const double v = h[step + 1][u];
        d[u] = c.kind == Kind::tanh ? g * (1 - v * v) : v > 0 ? g : 0;
      }
    }
    for (size_t row = 0; row < G * H; row++) {
      r.dx[at[step] * G * H + row] = d[row];
      if (c.kind != Kind::gru || row < 2 * H) recurrent[row] = d[row];
    }
    dh = direct;
    for (size_t row = 0; row < G * H; row++)
      for (size_t k = 0; k < H; k++) dh[k] += recurrent[row] * r.w[row * H + k];
  }
  std::copy(dh.begin(), dh.end(), r.dh0.begin() + first);
  std::copy(dc.begin(), dc.end(), r.dc0.begin() + first);
}

void run_kernels(const nr_backend& backend, Context& ctx, const Case& c, const Array& x, const Array& w, const Array& b,
                 const nr_optional& h0, const nr_optional& c0, const nr_optional& lengths, const nr_optional& dy,
                 const nr_optional& dh, const nr_optional& dc, Array& y, Array& h, Array& cell, Array& dx, Array& dq,
                 Array& dh0, Array& dc0) {
  nr_optional dh0_out = c.states ? some(dh0) : none(), dc0_out = c.states ? some(dc0) : none();
  Array kept({c.T, c.B, 4 * c.H}, wide(c.dtype)), cells({c.T, c.B, c.H}, wide(c.dtype));
  nr_optional gates = some(kept), cells_out = some(cells);
  const nr_optional bias = some(b);
  if (c.kind == Kind::lstm) {
    backend.lstm(&ctx, x, w, &h0, &c0, &lengths, y, h, cell, &gates, &cells_out, c.reverse);
    backend.lstm_backward(&ctx, &dy, &dh, &dc, w, &c0, &lengths, kept, cells, dx, &dh0_out, &dc0_out, c.reverse);
  } else if (c.kind == Kind::gru) {
    backend.gru(&ctx, x, w, &bias, &h0, &lengths, y, h, &gates, c.reverse);
    backend.gru_backward(&ctx, &dy, &dh, w, &h0, &lengths, y, kept, dx, dq, &dh0_out, c.reverse);
  } else {
    backend.rnn(&ctx, x, w, &h0, &lengths, y, h, c.kind == Kind::relu, c.reverse);
    backend.rnn_backward(&ctx, &dy, &dh, w, &lengths, y, dx, &dh0_out, c.kind == Kind::relu, c.reverse);
  }
}

// Runs one case; returns dx, which depends on everything.
Array compare(const nr_backend& backend, const Case& c, Context& ctx) {
  const int64_t G = gates_of(c.kind);
  const std::vector<int64_t> sequence = {c.T, c.B, c.H}, state = {c.B, c.H};
  const auto draw = [&](std::vector<int64_t> shape, uint32_t seed, Layout layout = Layout::contiguous) {
    const double range = seed == 2 ? 1 / std::sqrt(static_cast<double>(c.H)) : 1;
    return random(std::move(shape), c.dtype, layout, seed, -range, range);
  };
  const Array x = draw({c.T, c.B, G * c.H}, 1),
              w = draw({G * c.H, c.H}, 2, c.reverse ? Layout::transposed : Layout::contiguous);
  const Array b = draw({c.H}, 3), h0 = draw(state, 4), c0 = draw(state, 5), dy = draw(sequence, 6);
  const Array dh = draw(state, 7, Layout::transposed), dc = draw(state, 8);
  Array y(sequence, c.dtype), h(state, c.dtype), cell(state, c.dtype), dx({c.T, c.B, G * c.H}, c.dtype);
  Array dq(sequence, c.dtype), dh0(state, c.dtype), dc0(state, c.dtype), lengths({c.B}, nr_dtype_i64);
  for (int64_t i = 0; i < c.B; i++) lengths.as<int64_t>()[i] = 1 + (i * 7 + 2) % c.T;
  const auto given = [&](const Array& a) { return c.states ? some(a) : none(); };
  run_kernels(backend, ctx, c, x, w, b, given(h0), given(c0), c.lengths ? some(lengths) : none(), some(dy), given(dh),
              given(dc), y, h, cell, dx, dq, dh0, dc0);

  const Row no_state(static_cast<size_t>(c.B * c.H));
  const auto values_of = [&](const Array& a) { return c.states ? values(a) : no_state; };
  Reference r = {values(x),     values(w),  values(b),     values_of(h0),
                 values_of(c0), values(dy), values_of(dh), values_of(dc)};
  r.y.resize(r.dy.size());
  r.dq.resize(r.dy.size());
  r.dx.resize(r.x.size());
  r.h = r.c = r.dh0 = r.dc0 = no_state;
  for (int64_t i = 0; i < c.B; i++) {
    const int64_t n = c.lengths ? lengths.as<int64_t>()[i] : c.T;
    std::vector<size_t> at;
    for (int64_t t = 0; t < n; t++) at.push_back(static_cast<size_t>((c.reverse ? n - 1 - t : t) * c.B + i));
    walk(c, at, static_cast<size_t>(i), r);
  }
  const std::string what = text(c);
  expect_close(y, r.y, what + " y", 8);
  expect_close(h, r.h, what + " h", 8);
  expect_close(dx, r.dx, what + " dx", 16);
  if (c.states) expect_close(dh0, r.dh0, what + " dh0", 16);
  if (c.kind == Kind::lstm) expect_close(cell, r.c, what + " c", 8);
  if (c.kind == Kind::lstm && c.states) expect_close(dc0, r.dc0, what + " dc0", 16);
  if (c.kind == Kind::gru) expect_close(dq, r.dq, what + " dq", 16);
  return dx;
}

void faults(const nr_backend& backend) {
  for (const int64_t bad : {int64_t{0}, int64_t{4}, int64_t{-1}, INT64_MAX}) {
    Context ctx;
    Array x({3, 2, 5}), w({5, 5}), y({3, 2, 5}), h({2, 5}), lengths({2}, nr_dtype_i64);
    lengths.as<int64_t>()[0] = 3;
    lengths.as<int64_t>()[1] = bad;
    const nr_optional given = some(lengths), no = none();
    backend.rnn(&ctx, x, w, &no, &given, y, h, false, false);
    CHECK(ctx.error.rfind("INDEX_OUT_OF_RANGE: expected lengths in [1, 3], got", 0) == 0, "%s", ctx.error.c_str());
  }
}

}  // namespace

int main() {
  each_isa([](const nr_backend& backend) {
    for (const Kind kind : {Kind::lstm, Kind::gru, Kind::tanh, Kind::relu}) {
      const auto check = [&](Case c) {
        Context ctx;
        c.kind = kind;
        compare(backend, c, ctx);
      };
      for (const int64_t T : {1, 2, 5})
        for (const int64_t B : {1, 2, 3, 17})
          for (const int64_t H : {1, 7, 16, 33})
            for (const bool lengths : {false, true})
              check({kind, T, B, H, nr_dtype_f32, (T + B + H) % 2 == 0, lengths, (B + H) % 3 != 0});
      for (const int32_t dtype : {nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16})
        for (const bool reverse : {false, true})
          for (const bool lengths : {false, true}) {
            check({kind, 5, 5, 19, dtype, reverse, lengths, true});
            check({kind, 2, 3, 40, dtype, reverse, lengths, true});
          }
      check({kind, 4, 0, 5});
      check({kind, 9, 40, 48, nr_dtype_f32, true, true});
      // Steps of a single block that several tasks share.
      check({kind, 3, 1, 700, nr_dtype_f32, false, false});
      check({kind, 3, 7, 370, nr_dtype_f32, true, true});
      for (const int64_t B : {1, 6, 40}) {
        const Case c = {kind, 6, B, B == 40 ? 40 : 400, nr_dtype_f32, false, true};
        expect_same_for_threads([&](Context& ctx) { return compare(backend, c, ctx); });
      }
    }
    faults(backend);
  });
  return report();
}
