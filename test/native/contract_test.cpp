// Contracts of softmax, cross-entropy, norms, indexing, order, random fills and optimizers: what is right passes, and
// each argument that would let a kernel read or write out of bounds is refused.
#include "contract/contract.h"
#include "reference.h"

using namespace harness;
namespace contract = neurite::contract;

namespace {

#define PASSES(call) CHECK((call) == nullptr, "refused: %s", call)
#define REFUSES(call) CHECK((call) != nullptr, "passed: %s", #call)

constexpr int32_t f32 = nr_dtype_f32, f64 = nr_dtype_f64, bf16 = nr_dtype_bf16, i32 = nr_dtype_i32, i64 = nr_dtype_i64;

nr_tensor strided(Array& a, int d, int64_t stride) {
  nr_tensor t = a.t;
  t.stride[d] = stride;
  return t;
}

void softmax() {
  Array x({3, 4}), y({3, 4}), short_y({3, 3}), ints({3, 4}, i32), scalar({}), wide({3, 4}, f64);
  PASSES(contract::softmax(x, y, 1));
  PASSES(contract::softmax(scalar, scalar, 0));
  for (const int64_t dim : {-1, 2, 1000}) REFUSES(contract::softmax(x, y, dim));
  REFUSES(contract::softmax(x, short_y, 1));
  REFUSES(contract::softmax(x, wide, 1));
  REFUSES(contract::softmax(ints, ints, 1));
  nr_tensor gaps = strided(y, 0, 2);
  REFUSES(contract::log_softmax(x, &gaps, 1));
  REFUSES(contract::softmax_backward(short_y, x, y, 1));
  REFUSES(contract::log_softmax_backward(x, wide, y, 1));
}

void cross_entropy() {
  Array x({5, 7}), target({5}, i64), bad_target({4}, i64), loss({5}), total({}), lse({5}), w({7}), bad_w({6}),
      dx({5, 7});
  const nr_optional no = none(), weight = some(w), bad_weight = some(bad_w);
  PASSES(contract::cross_entropy(x, target, &weight, loss, total, lse, -100, 0));
  REFUSES(contract::cross_entropy(x, target, &bad_weight, loss, total, lse, -100, 0));
  REFUSES(contract::cross_entropy(x, bad_target, &no, loss, total, lse, -100, 0));
  REFUSES(contract::cross_entropy(x, loss, &no, loss, total, lse, -100, 0));
  REFUSES(contract::cross_entropy(x, target, &no, bad_w, total, lse, -100, 0));
  REFUSES(contract::cross_entropy(x, target, &no, loss, loss, lse, -100, 0));
  REFUSES(contract::cross_entropy(x, target, &no, loss, total, w, -100, 0));
  PASSES(contract::cross_entropy_backward(loss, x, target, &no, lse, dx, -100, 0));
  REFUSES(contract::cross_entropy_backward(w, x, target, &no, lse, dx, -100, 0));
  REFUSES(contract::cross_entropy_backward(loss, x, target, &no, w, dx, -100, 0));
  REFUSES(contract::cross_entropy_backward(loss, x, target, &no, lse, loss, -100, 0));
}

void norms() {
  Array x({5, 7}), x3({5, 7, 2}), five({5}), seven({7}), half({7}, bf16), y({5, 7}), y3({5, 7, 2}), z({5, 7});
  const nr_optional no = none(), w = some(seven), bad = some(five), low = some(half);
  nr_optional out = some(seven), bad_out = some(five), nothing = none();
  PASSES(contract::layer_norm(x, &no, &w, &low, y, &nothing, five, five, 1e-5));
  REFUSES(contract::layer_norm(x, &no, &bad, &no, y, &nothing, five, five, 1e-5));
  REFUSES(contract::layer_norm(x, &no, &no, &bad, y, &nothing, five, five, 1e-5));
  REFUSES(contract::layer_norm(x, &no, &no, &no, y, &nothing, seven, five, 1e-5));
  REFUSES(contract::layer_norm(x, &no, &no, &no, y, &nothing, five, seven, 1e-5));
  REFUSES(contract::layer_norm(x3, &no, &no, &no, y3, &nothing, five, five, 1e-5));
  PASSES(contract::layer_norm_backward(x, &no, x, &w, five, five, y, &out, &nothing));
  REFUSES(contract::layer_norm_backward(x, &no, x, &w, five, five, y, &bad_out, &nothing));
  REFUSES(contract::layer_norm_backward(x3, &no, x, &w, five, five, y, &out, &nothing));
  REFUSES(contract::layer_norm_backward(x, &w, x, &w, five, five, y, &out, &nothing));
  PASSES(contract::rms_norm(x, &no, &w, y, &nothing, five, 1e-5));
  REFUSES(contract::rms_norm(x, &no, &bad, y, &nothing, five, 1e-5));
  REFUSES(contract::rms_norm(x, &no, &w, y, &nothing, seven, 1e-5));
  REFUSES(contract::rms_norm(x3, &no, &w, y3, &nothing, five, 1e-5));
  PASSES(contract::rms_norm_backward(x, &no, x, &w, five, y, &out));
  REFUSES(contract::rms_norm_backward(x, &no, x, &w, five, y, &bad_out));
  REFUSES(contract::rms_norm_backward(x, &no, y3, &w, five, y, &out));
  REFUSES(contract::rms_norm_backward(x, &w, x, &w, five, y, &out));
  const nr_optional residual = some(x), wrong = some(x3);
  nr_optional sum = some(z), wrong_sum = some(y3), turned_sum = sum;
  turned_sum.tensor.stride[0] = 1;
  turned_sum.tensor.stride[1] = 5;
  PASSES(contract::layer_norm(x, &residual, &w, &low, y, &sum, five, five, 1e-5));
  REFUSES(contract::layer_norm(x, &residual, &w, &low, y, &nothing, five, five, 1e-5));
  REFUSES(contract::layer_norm(x, &no, &w, &low, y, &sum, five, five, 1e-5));
  REFUSES(contract::layer_norm(x, &wrong, &w, &low, y, &sum, five, five, 1e-5));
  REFUSES(contract::rms_norm(x, &residual, &w, y, &wrong_sum, five, 1e-5));
  REFUSES(contract::rms_norm(x, &residual, &w, y, &turned_sum, five, 1e-5));
  PASSES(contract::batch_norm(x3, &w, &w, &out, &nothing, y3, seven, seven, 0.1, 1e-5));
  REFUSES(contract::batch_norm(x3, &w, &w, &bad_out, &nothing, y3, seven, seven, 0.1, 1e-5));
  REFUSES(contract::batch_norm(x3, &w, &w, &out, &bad_out, y3, seven, seven, 0.1, 1e-5));
  REFUSES(contract::batch_norm(x3, &w, &w, &out, &nothing, y3, five, seven, 0.1, 1e-5));
  REFUSES(contract::batch_norm(x, &w, &w, &out, &nothing, y, seven, seven, 0.1, 1e-5));
  nr_optional repeated = out;
  repeated.tensor.stride[0] = 0;
  REFUSES(contract::batch_norm(x3, &w, &w, &repeated, &nothing, y3, seven, seven, 0.1, 1e-5));
  PASSES(contract::channel_affine(x3, seven, half, y3));
  REFUSES(contract::channel_affine(x3, five, seven, y3));
  REFUSES(contract::channel_affine(x3, seven, five, y3));
  REFUSES(contract::channel_affine(x, seven, seven, y));
  REFUSES(contract::channel_affine(x3, seven, seven, x));
  PASSES(contract::batch_norm_backward(x3, x3, &w, seven, seven, y3, &out, &out));
  REFUSES(contract::batch_norm_backward(x3, x3, &w, seven, five, y3, &out, &out));
}

void gated_units() {
  Array a({5, 6}), b({5, 6}), c({5, 6}), other({6, 5}), wide({5, 12}), odd({5, 7}), half_precision({5, 6}, bf16);
  const nr_tensor repeated = [&] {
    nr_tensor t = c.t;
    t.stride[0] = 0;
    return t;
  }();
  nr_tensor repeated_output = repeated;
  PASSES(contract::gated(a, b, c, nr_activation_silu));
  REFUSES(contract::gated(a, b, c, nr_activation_none));
  REFUSES(contract::gated(a, b, c, nr_activation_count));
  REFUSES(contract::gated(a, b, c, -1));
  REFUSES(contract::gated(a, other, c, nr_activation_silu));
  REFUSES(contract::gated(a, half_precision, c, nr_activation_silu));
  REFUSES(contract::gated(a, b, other, nr_activation_silu));
  REFUSES(contract::gated(a, b, &repeated_output, nr_activation_silu));
  PASSES(contract::gated(a, &repeated, c, nr_activation_silu));
  PASSES(contract::gated_backward(a, a, b, b, c, nr_activation_gelu));
  REFUSES(contract::gated_backward(other, a, b, b, c, nr_activation_gelu));
  REFUSES(contract::gated_backward(a, a, b, other, c, nr_activation_gelu));
  REFUSES(contract::gated_backward(a, a, b, b, &repeated_output, nr_activation_gelu));
  PASSES(contract::gated_halves_backward(a, wide, wide, 1, false, nr_activation_relu));
  REFUSES(contract::gated_halves_backward(a, wide, wide, 0, false, nr_activation_relu));
  REFUSES(contract::gated_halves_backward(a, wide, wide, 2, false, nr_activation_relu));
  REFUSES(contract::gated_halves_backward(a, wide, wide, -1, false, nr_activation_relu));
  REFUSES(contract::gated_halves_backward(a, odd, odd, 1, false, nr_activation_relu));
  REFUSES(contract::gated_halves_backward(a, wide, a, 1, false, nr_activation_relu));
}

void indexing() {
  Array x({5, 7}), index({3}, i64), full({3, 7}, i32), tall({3, 8}, i64), y({3, 7}), floats({3}), ids({5, 7}, i64);
  Array flags({5, 7}, nr_dtype_bool8), short_source({3, 6});
  PASSES(contract::index_select(x, index, y, 0));
  for (const int64_t dim : {-1, 2}) REFUSES(contract::index_select(x, index, y, dim));
  REFUSES(contract::index_select(x, index, y, 1));
  REFUSES(contract::index_select(x, floats, y, 0));
  REFUSES(contract::index_select(x, full, y, 0));
  PASSES(contract::gather(x, full, y, 0));
  REFUSES(contract::gather(x, tall, y, 0));
  REFUSES(contract::gather(x, full, x, 0));
  PASSES(contract::scatter_add(x, full, y, 0));
  REFUSES(contract::scatter_add(x, tall, y, 0));
  REFUSES(contract::scatter_add(x, full, short_source, 0));
  REFUSES(contract::scatter_add(flags, full, flags, 0));
  REFUSES(contract::scatter_add(ids, ids, ids, 0));  // the target is its own index
  nr_tensor repeated = strided(x, 0, 0);
  REFUSES(contract::scatter_add(&repeated, full, y, 0));
  const nr_operand source = operand(y), bad_source = operand(short_source);
  PASSES(contract::scatter(x, full, &source, 0));
  REFUSES(contract::scatter(x, full, &bad_source, 0));
  PASSES(contract::index_add(x, index, y, 0));
  REFUSES(contract::index_add(x, index, x, 0));
  PASSES(contract::embedding(x, index, y));
  REFUSES(contract::embedding(x, index, x));
  PASSES(contract::embedding_backward(y, index, x, -1));
  REFUSES(contract::embedding_backward(x, index, x, -1));
}

void order() {
  Array x({5, 7}), values({5, 7}), index({5, 7}, i64), ints({5, 7}, i32), short_values({5, 6}),
      short_index({5, 6}, i64);
  Array scalar({}), long_values({5, 8}), long_index({5, 8}, i64);
  PASSES(contract::sort(x, values, index, 1, false));
  for (const int64_t dim : {-1, 2}) REFUSES(contract::sort(x, values, index, dim, false));
  REFUSES(contract::sort(scalar, scalar, scalar, 0, false));
  REFUSES(contract::sort(x, ints, index, 0, false));
  REFUSES(contract::sort(x, values, ints, 0, false));
  REFUSES(contract::sort(x, short_values, short_index, 1, false));
  nr_tensor gaps = strided(values, 0, 8);
  REFUSES(contract::sort(x, &gaps, index, 1, false));
  PASSES(contract::topk(x, short_values, short_index, 1, true));
  REFUSES(contract::topk(x, short_values, short_index, 0, true));
  REFUSES(contract::topk(x, short_values, index, 1, true));
  REFUSES(contract::topk(x, long_values, long_index, 1, true));
  for (const int64_t dim : {-1, 2}) REFUSES(contract::topk(x, values, index, dim, true));
  REFUSES(contract::topk(x, scalar, scalar, 0, true));
}

void random_fills() {
  Array y({6}), ints({6}, i64), flags({6}, nr_dtype_bool8), longer({7});
  nr_tensor repeated = strided(y, 0, 0);
  PASSES(contract::uniform(y, 0, 1, {}));
  REFUSES(contract::uniform(y, 1, 0, {}));
  REFUSES(contract::uniform(y, 0, NAN, {}));
  REFUSES(contract::uniform(ints, 0, 1, {}));
  REFUSES(contract::uniform(&repeated, 0, 1, {}));
  REFUSES(contract::normal(y, 0, -1, {}));
  PASSES(contract::randint(ints, 3, 4, {}));
  REFUSES(contract::randint(ints, 3, 3, {}));
  REFUSES(contract::randint(flags, 0, 2, {}));
  PASSES(contract::bernoulli(y, flags, {}));
  REFUSES(contract::bernoulli(longer, flags, {}));
  REFUSES(contract::bernoulli(ints, flags, {}));
  PASSES(contract::dropout(y, y, 0.5, {}));
  for (const double p : {-0.1, 1.1, static_cast<double>(NAN)}) REFUSES(contract::dropout(y, y, p, {}));
  REFUSES(contract::dropout(y, longer, 0.5, {}));
  PASSES(contract::randperm(ints, {}));
  REFUSES(contract::randperm(y, {}));
}

void optimizers() {
  Array p({4, 3}), g({4, 3}), other({3, 4}), low({4, 3}, bf16);
  nr_tensors ps{1, &p.t}, gs{1, &g.t}, others{1, &other.t}, lows{1, &low.t}, empty{0, nullptr};
  PASSES(contract::sgd(&ps, &gs, &empty, 0.1, 0, 0, 0, false, false, true));
  PASSES(contract::sgd(&ps, &gs, &gs, 0.1, 0.9, 0, 0, false, false, true));
  REFUSES(contract::sgd(&ps, &gs, &empty, 0.1, 0.9, 0, 0, false, false, true));
  REFUSES(contract::sgd(&ps, &empty, &empty, 0.1, 0, 0, 0, false, false, true));
  REFUSES(contract::sgd(&ps, &others, &empty, 0.1, 0, 0, 0, false, false, true));
  REFUSES(contract::sgd(&lows, &lows, &empty, 0.1, 0, 0, 0, false, false, true));
  PASSES(contract::adam(&ps, &gs, &gs, &gs, &empty, 0.1, 0.9, 0.99, 1e-8, 0, false, false, 1));
  REFUSES(contract::adam(&ps, &gs, &gs, &gs, &empty, 0.1, 0.9, 0.99, 1e-8, 0, false, false, 0));
  REFUSES(contract::adam(&ps, &gs, &empty, &gs, &empty, 0.1, 0.9, 0.99, 1e-8, 0, false, false, 1));
  REFUSES(contract::adam(&ps, &gs, &gs, &others, &empty, 0.1, 0.9, 0.99, 1e-8, 0, false, false, 1));
  REFUSES(contract::adam(&ps, &gs, &gs, &gs, &lows, 0.1, 0.9, 0.99, 1e-8, 0, false, false, 1));
}

}  // namespace

int main() {
  softmax();
  cross_entropy();
  norms();
  gated_units();
  indexing();
  order();
  random_fills();
  optimizers();
  return report();
}
