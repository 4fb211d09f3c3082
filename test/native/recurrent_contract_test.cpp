// Contracts of the recurrent layers: what is right passes, and each argument that would let a kernel read or write out
// of bounds is refused.
#include "contract/contract.h"
#include "reference.h"

using namespace harness;
namespace contract = neurite::contract;

namespace {

#define PASSES(call) CHECK((call) == nullptr, "refused: %s", call)
#define REFUSES(call) CHECK((call) != nullptr, "passed: %s", #call)

constexpr int32_t f64 = nr_dtype_f64, bf16 = nr_dtype_bf16, i32 = nr_dtype_i32, i64 = nr_dtype_i64;
constexpr int64_t T = 3, B = 2, H = 5;

nr_optional gaps(Array& a) {
  nr_optional t = some(a);
  t.tensor.stride[0] *= 2;
  return t;
}

void lstm() {
  Array x({T, B, 4 * H}), w({4 * H, H}), y({T, B, H}), state({B, H}), gates({T, B, 4 * H}), wrong({T, B, H + 1});
  Array short_state({B, H - 1}), wide_w({4 * H, H}, f64), lengths({B}, i64), ints({B}, i32), empty({0, B, 4 * H});
  const nr_optional no = none(), s = some(state), bad = some(short_state), n = some(lengths), bad_n = some(ints);
  nr_optional g = some(gates), c = some(y), nothing = none(), bad_g = some(y), spaced = gaps(gates);
  PASSES(contract::lstm(x, w, &s, &no, &n, y, state, state, &g, &c, false));
  PASSES(contract::lstm(x, w, &no, &no, &no, y, state, state, &nothing, &nothing, true));
  REFUSES(contract::lstm(x, w, &bad, &no, &no, y, state, state, &g, &c, false));
  REFUSES(contract::lstm(x, w, &no, &bad, &no, y, state, state, &g, &c, false));
  REFUSES(contract::lstm(x, w, &no, &no, &bad_n, y, state, state, &g, &c, false));
  REFUSES(contract::lstm(x, w, &no, &no, &s, y, state, state, &g, &c, false));
  REFUSES(contract::lstm(x, wide_w, &no, &no, &no, y, state, state, &g, &c, false));
  REFUSES(contract::lstm(x, x, &no, &no, &no, y, state, state, &g, &c, false));
  REFUSES(contract::lstm(y, w, &no, &no, &no, y, state, state, &g, &c, false));
  REFUSES(contract::lstm(empty, w, &no, &no, &no, empty, state, state, &nothing, &nothing, false));
  REFUSES(contract::lstm(x, w, &no, &no, &no, wrong, state, state, &g, &c, false));
  REFUSES(contract::lstm(x, w, &no, &no, &no, y, short_state, state, &g, &c, false));
  REFUSES(contract::lstm(x, w, &no, &no, &no, y, state, short_state, &g, &c, false));
  REFUSES(contract::lstm(x, w, &no, &no, &no, y, state, state, &bad_g, &c, false));
  REFUSES(contract::lstm(x, w, &no, &no, &no, y, state, state, &g, &nothing, false));
  REFUSES(contract::lstm(x, w, &no, &no, &no, y, state, state, &spaced, &c, false));
  nr_optional ds = some(state), bad_ds = some(short_state);
  const nr_optional dy = some(y), bad_dy = some(wrong);
  PASSES(contract::lstm_backward(&dy, &s, &no, w, &s, &n, gates, y, x, &ds, &nothing, false));
  PASSES(contract::lstm_backward(&no, &no, &no, w, &no, &no, gates, y, x, &nothing, &nothing, false));
  REFUSES(contract::lstm_backward(&bad_dy, &no, &no, w, &no, &no, gates, y, x, &nothing, &nothing, false));
  REFUSES(contract::lstm_backward(&dy, &bad, &no, w, &no, &no, gates, y, x, &nothing, &nothing, false));
  REFUSES(contract::lstm_backward(&dy, &no, &bad, w, &no, &no, gates, y, x, &nothing, &nothing, false));
  REFUSES(contract::lstm_backward(&dy, &no, &no, w, &bad, &no, gates, y, x, &nothing, &nothing, false));
  REFUSES(contract::lstm_backward(&dy, &no, &no, w, &no, &bad_n, gates, y, x, &nothing, &nothing, false));
  REFUSES(contract::lstm_backward(&dy, &no, &no, w, &no, &no, y, y, x, &nothing, &nothing, false));
  REFUSES(contract::lstm_backward(&dy, &no, &no, w, &no, &no, gates, gates, x, &nothing, &nothing, false));
  REFUSES(contract::lstm_backward(&dy, &no, &no, w, &no, &no, gates, y, y, &nothing, &nothing, false));
  REFUSES(contract::lstm_backward(&dy, &no, &no, w, &no, &no, gates, y, x, &bad_ds, &nothing, false));
  REFUSES(contract::lstm_backward(&dy, &no, &no, w, &no, &no, gates, y, x, &nothing, &bad_ds, false));
}

void gru() {
  Array x({T, B, 3 * H}), w({3 * H, H}), b({H}), y({T, B, H}), state({B, H}), gates({T, B, 4 * H}), short_b({H - 1});
  Array half_x({T, B, 3 * H}, bf16), half_w({3 * H, H}, bf16), half_y({T, B, H}, bf16), half_state({B, H}, bf16);
  Array half_gates({T, B, 4 * H}, bf16), lengths({B + 1}, i64);
  const nr_optional no = none(), bias = some(b), bad_bias = some(short_b), bad_n = some(lengths), s = some(state);
  nr_optional g = some(gates), nothing = none(), bad_g = some(x), half_g = some(half_gates), spaced = gaps(state);
  PASSES(contract::gru(x, w, &bias, &s, &no, y, state, &g, false));
  PASSES(contract::gru(half_x, half_w, &no, &no, &no, half_y, half_state, &g, false));
  REFUSES(contract::gru(half_x, half_w, &no, &no, &no, half_y, half_state, &half_g, false));
  REFUSES(contract::gru(x, w, &bad_bias, &no, &no, y, state, &g, false));
  REFUSES(contract::gru(x, w, &no, &bias, &no, y, state, &g, false));
  REFUSES(contract::gru(x, w, &no, &no, &bad_n, y, state, &g, false));
  REFUSES(contract::gru(gates, w, &no, &no, &no, y, state, &g, false));
  REFUSES(contract::gru(x, w, &no, &no, &no, x, state, &g, false));
  REFUSES(contract::gru(x, w, &no, &no, &no, y, &spaced.tensor, &g, false));
  REFUSES(contract::gru(x, w, &no, &no, &no, y, state, &bad_g, false));
  const nr_optional dy = some(y);
  PASSES(contract::gru_backward(&dy, &s, w, &s, &no, y, gates, x, y, &nothing, false));
  REFUSES(contract::gru_backward(&s, &no, w, &no, &no, y, gates, x, y, &nothing, false));
  REFUSES(contract::gru_backward(&dy, &dy, w, &no, &no, y, gates, x, y, &nothing, false));
  REFUSES(contract::gru_backward(&dy, &no, w, &dy, &no, y, gates, x, y, &nothing, false));
  REFUSES(contract::gru_backward(&dy, &no, w, &no, &no, x, gates, x, y, &nothing, false));
  REFUSES(contract::gru_backward(&dy, &no, w, &no, &no, y, x, x, y, &nothing, false));
  REFUSES(contract::gru_backward(&dy, &no, w, &no, &no, y, gates, y, y, &nothing, false));
  REFUSES(contract::gru_backward(&dy, &no, w, &no, &no, y, gates, x, x, &nothing, false));
  REFUSES(contract::gru_backward(&dy, &no, w, &no, &no, y, gates, x, y, &spaced, false));
}

void rnn() {
  Array x({T, B, H}), w({H, H}), state({B, H}), short_state({B, H - 1}), flat({B, H}), low({H, H}, i32);
  const nr_optional no = none(), s = some(state), bad = some(short_state), dy = some(x);
  nr_optional nothing = none(), ds = some(state), bad_ds = some(short_state);
  PASSES(contract::rnn(x, w, &s, &no, x, state, true, false));
  REFUSES(contract::rnn(flat, w, &no, &no, x, state, false, false));
  REFUSES(contract::rnn(x, x, &no, &no, x, state, false, false));
  REFUSES(contract::rnn(x, low, &no, &no, x, state, false, false));
  REFUSES(contract::rnn(x, w, &bad, &no, x, state, false, false));
  REFUSES(contract::rnn(x, w, &no, &s, x, state, false, false));
  REFUSES(contract::rnn(x, w, &no, &no, state, state, false, false));
  REFUSES(contract::rnn(x, w, &no, &no, x, short_state, false, false));
  PASSES(contract::rnn_backward(&dy, &no, w, &no, x, x, &ds, false, false));
  REFUSES(contract::rnn_backward(&s, &no, w, &no, x, x, &nothing, false, false));
  REFUSES(contract::rnn_backward(&dy, &bad, w, &no, x, x, &nothing, false, false));
  REFUSES(contract::rnn_backward(&dy, &no, w, &s, x, x, &nothing, false, false));
  REFUSES(contract::rnn_backward(&dy, &no, w, &no, state, x, &nothing, false, false));
  REFUSES(contract::rnn_backward(&dy, &no, w, &no, x, state, &nothing, false, false));
  REFUSES(contract::rnn_backward(&dy, &no, w, &no, x, x, &bad_ds, false, false));
}

}  // namespace

int main() {
  lstm();
  gru();
  rnn();
  return report();
}
