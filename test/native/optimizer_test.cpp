// SGD and Adam against PyTorch's update rules in float64, over lists of many shapes and several steps.
#include "reference.h"

using namespace harness;

namespace {

using List = std::vector<Array>;
using Numbers = std::vector<std::vector<double>>;

const std::vector<std::vector<int64_t>> shapes = [] {
  std::vector<std::vector<int64_t>> all(70, {5});  // as many as no launch of a device takes at once
  for (const auto& shape :
       std::vector<std::vector<int64_t>>{{3, 4}, {}, {0}, {1}, {17}, {129, 70}, {40000}, {2, 3, 4}, {16}})
    all.push_back(shape);
  return all;
}();

List arrays(int32_t dtype, uint32_t seed, Layout layout = Layout::contiguous) {
  List list;
  for (const auto& shape : shapes) list.push_back(random(shape, dtype, layout, seed++));
  return list;
}

List zeros(int32_t dtype) {
  List list;
  for (const auto& shape : shapes) {
    list.emplace_back(shape, dtype);
    std::memset(list.back().t.data, 0, static_cast<size_t>(list.back().numel * element_size(dtype)));
  }
  return list;
}

Numbers numbers(const List& list) {
  Numbers all;
  for (const Array& a : list) all.push_back(values(a));
  return all;
}

struct Tensors {
  std::vector<nr_tensor> tensors;
  nr_tensors list;
  explicit Tensors(const List& arrays) {
    for (const Array& a : arrays) tensors.push_back(a.t);
    list = {static_cast<int64_t>(tensors.size()), tensors.data()};
  }
};

void expect_all_close(const List& actual, const Numbers& expected, const std::string& what) {
  for (size_t k = 0; k < actual.size(); k++) expect_close(actual[k], expected[k], what + " " + text(shapes[k]), 2);
}

struct SgdCase {
  double momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false, maximize = false;
};

void steps_sgd(const nr_backend& backend, const SgdCase& c, int32_t dtype, Layout layout) {
  constexpr double lr = 0.1;
  Context ctx;
  List params = arrays(dtype, 1), buffers = zeros(dtype);
  Numbers p = numbers(params), b = numbers(buffers);
  for (int step = 0; step < 3; step++) {
    const List grads = arrays(dtype, 100 + static_cast<uint32_t>(step), layout);
    const Numbers g = numbers(grads);
    for (size_t k = 0; k < p.size(); k++)
      for (size_t i = 0; i < p[k].size(); i++) {
        double d = c.maximize ? -g[k][i] : g[k][i];
        d += c.weight_decay * p[k][i];
        if (c.momentum != 0) {
          b[k][i] = step == 0 ? d : c.momentum * b[k][i] + (1 - c.dampening) * d;
          d = c.nesterov ? d + c.momentum * b[k][i] : b[k][i];
        }
        p[k][i] -= lr * d;
      }
    Tensors pt(params), gt(grads), bt(c.momentum != 0 ? buffers : List{});
    backend.sgd(&ctx, &pt.list, &gt.list, &bt.list, lr, c.momentum, c.dampening, c.weight_decay, c.nesterov, c.maximize,
                step == 0);
  }
  expect_all_close(params, p, "sgd params");
  expect_all_close(buffers, b, "sgd momentums");
}

struct AdamCase {
  double weight_decay = 0;
  bool decoupled = false, amsgrad = false, maximize = false;
};

void steps_adam(const nr_backend& backend, const AdamCase& c, int32_t dtype, Layout layout) {
  constexpr double lr = 0.01, beta1 = 0.9, beta2 = 0.99, eps = 1e-8;
  Context ctx;
  List params = arrays(dtype, 1), averages = zeros(dtype), squares = zeros(dtype), largest = zeros(dtype);
  Numbers p = numbers(params), m = numbers(averages), v = numbers(squares), top = numbers(largest);
  for (int step = 1; step <= 4; step++) {
    const List grads = arrays(dtype, 100 + static_cast<uint32_t>(step), layout);
    const Numbers g = numbers(grads);
    for (size_t k = 0; k < p.size(); k++)
      for (size_t i = 0; i < p[k].size(); i++) {
        double d = c.maximize ? -g[k][i] : g[k][i];
        if (c.decoupled)
          p[k][i] *= 1 - lr * c.weight_decay;
        else
          d += c.weight_decay * p[k][i];
        m[k][i] = beta1 * m[k][i] + (1 - beta1) * d;
        v[k][i] = beta2 * v[k][i] + (1 - beta2) * d * d;
        top[k][i] = std::fmax(top[k][i], v[k][i]);
        const double scale = std::sqrt((c.amsgrad ? top : v)[k][i]) / std::sqrt(1 - std::pow(beta2, step));
        p[k][i] -= lr / (1 - std::pow(beta1, step)) * m[k][i] / (scale + eps);
      }
    Tensors pt(params), gt(grads), mt(averages), vt(squares), tt(c.amsgrad ? largest : List{});
    backend.adam(&ctx, &pt.list, &gt.list, &mt.list, &vt.list, &tt.list, lr, beta1, beta2, eps, c.weight_decay,
                 c.decoupled, c.maximize, step);
  }
  expect_all_close(params, p, "adam params");
  expect_all_close(averages, m, "adam exp_avgs");
  expect_all_close(squares, v, "adam exp_avg_sqs");
  if (c.amsgrad) expect_all_close(largest, top, "adam max_exp_avg_sqs");
}

void leaves_parameters_without_decay_alone(const nr_backend& backend) {
  Context ctx;
  List params, grads;
  params.emplace_back(std::vector<int64_t>{3});
  grads.emplace_back(std::vector<int64_t>{3});
  for (int i = 0; i < 3; i++) {
    params[0].as<float>()[i] = INFINITY;
    grads[0].as<float>()[i] = 1;
  }
  Tensors pt(params), gt(grads), none(List{});
  backend.sgd(&ctx, &pt.list, &gt.list, &none.list, 0.1, 0, 0, 0, false, false, true);
  CHECK(params[0].as<float>()[1] == INFINITY, "%g", params[0].as<float>()[1]);
  backend.sgd(&ctx, &none.list, &none.list, &none.list, 0.1, 0, 0, 0, false, false, true);
  CHECK(ctx.error.empty(), "an empty list is no fault");
}

}  // namespace

int main() {
  each_isa([](const nr_backend& backend) {
    for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64})
      for (const Layout layout : {Layout::contiguous, Layout::transposed, Layout::reversed}) {
        for (const SgdCase& c : {SgdCase{}, SgdCase{0, 0, 0.1}, SgdCase{0.9}, SgdCase{0.9, 0.2, 0.1, false, true},
                                 SgdCase{0.9, 0, 0.1, true}})
          steps_sgd(backend, c, dtype, layout);
        for (const AdamCase& c : {AdamCase{}, AdamCase{0.1}, AdamCase{0.1, true}, AdamCase{0.1, true, true},
                                  AdamCase{0.1, false, true, true}})
          steps_adam(backend, c, dtype, layout);
      }
    leaves_parameters_without_decay_alone(backend);
    expect_same_for_threads([&](Context& ctx) {
      List params = arrays(nr_dtype_f32, 1), grads = arrays(nr_dtype_f32, 50), m = zeros(nr_dtype_f32),
           v = zeros(nr_dtype_f32);
      Tensors pt(params), gt(grads), mt(m), vt(v), none(List{});
      backend.adam(&ctx, &pt.list, &gt.list, &mt.list, &vt.list, &none.list, 0.01, 0.9, 0.999, 1e-8, 0, false, false,
                   1);
      return params[6];
    });
  });
  return report();
}
