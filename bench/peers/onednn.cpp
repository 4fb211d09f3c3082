// oneDNN 2 and 3: matrix products and convolutions in two dimensions. `onednn` takes and gives plain row-major
// operands (channels-last for images) and lays weights out anew in every run where its kernel wants that;
// `onednn-packed` has everything in the layouts that the library chooses, made ahead.
#include <dnnl.hpp>

#include <cstring>
#include <memory>
#include <unordered_map>

#include "serve.h"

namespace {

using dnnl::memory;
using tag = memory::format_tag;
using shape = memory::dims;

dnnl::engine engine(dnnl::engine::kind::cpu, 0);
dnnl::stream stream(engine);

/** What a primitive computes; version 3 has no descriptors apart from those of the primitive. */
template <class primitive, class... values>
typename primitive::primitive_desc describe(const values&... v) {
#if DNNL_VERSION_MAJOR >= 3
  return typename primitive::primitive_desc(engine, v...);
#else
  return typename primitive::primitive_desc(typename primitive::desc(v...), engine);
#endif
}

/** As `describe` for a gradient, which the library wants to see beside its forward pass. */
template <class primitive, class hint, class... values>
typename primitive::primitive_desc describe_gradient(const hint& forward, const values&... v) {
#if DNNL_VERSION_MAJOR >= 3
  return typename primitive::primitive_desc(engine, v..., forward);
#else
  return typename primitive::primitive_desc(typename primitive::desc(v...), engine, forward);
#endif
}

memory filled(const memory::desc& desc) {
  memory m(desc, engine);
  // Ones of float32 in every layout, padding included.
  auto* values = static_cast<float*>(m.get_data_handle());
  std::fill(values, values + desc.get_size() / sizeof(float), 1.0f);
  return m;
}

/** A primitive with its operands, and the reorders of those that are given in another layout than it wants. */
class work {
 public:
  explicit work(dnnl::primitive p) : primitive_(std::move(p)) {}

  /** An operand in the layout that the primitive wants. */
  void hold(int name, const memory::desc& wanted) { operands_[name] = filled(wanted); }

  /** An operand that comes as `given`. */
  void take(int name, const memory::desc& wanted, const memory::desc& given) {
    hold(name, wanted);
    if (wanted != given) before_.push_back(move(filled(given), operands_[name]));
  }

  /** A result that leaves as `given`. */
  void leave(int name, const memory::desc& wanted, const memory::desc& given) {
    hold(name, wanted);
    if (wanted != given) after_.push_back(move(operands_[name], filled(given)));
  }

  void run() {
    for (auto& m : before_) m.reorder.execute(stream, m.from, m.to);
    primitive_.execute(stream, operands_);
    for (auto& m : after_) m.reorder.execute(stream, m.from, m.to);
    stream.wait();
  }

 private:
  struct movement {
    dnnl::reorder reorder;
    memory from, to;
  };
  static movement move(const memory& from, const memory& to) { return {dnnl::reorder(from, to), from, to}; }

  dnnl::primitive primitive_;
  std::unordered_map<int, memory> operands_;
  std::vector<movement> before_, after_;
};

variant timed(bool is_packed, const std::shared_ptr<work>& w) {
  return {is_packed ? "onednn-packed" : "onednn", [w] { w->run(); }, is_packed};
}

memory::desc plain(const shape& dims, tag layout) {
  return {dims, memory::data_type::f32, layout};
}
memory::desc any(const shape& dims) {
  return {dims, memory::data_type::f32, tag::any};
}

std::vector<variant> matmul(const request& asked) {
  long m = long(asked.number("M"));
  long n = long(asked.number("N"));
  long k = long(asked.number("K"));
  long count = long(asked.number("B"));
  std::string layout = asked.text("layout");
  bool is_batched = count > 0;
  auto desc = [&](long rows, long columns, bool is_transposed) {
    if (is_batched) return plain({count, rows, columns}, tag::abc);
    return plain({rows, columns}, is_transposed ? tag::ba : tag::ab);
  };
  auto a = desc(m, k, layout[0] == 'T');
  auto b = desc(k, n, layout[1] == 'T');
  auto y = desc(m, n, false);
  std::vector<variant> found;
  for (bool is_packed : {false, true}) {
    if (is_packed && is_batched) break;
    auto pd = describe<dnnl::matmul>(a, is_packed ? any({k, n}) : b, y);
    auto w = std::make_shared<work>(dnnl::matmul(pd));
    w->hold(DNNL_ARG_SRC, pd.src_desc());
    w->hold(DNNL_ARG_WEIGHTS, pd.weights_desc());
    w->hold(DNNL_ARG_DST, pd.dst_desc());
    found.push_back(timed(is_packed, w));
  }
  return found;
}

struct convolution {
  shape x, w, y, strides, dilates, padding;
  /** Plain layouts of images and weights. */
  memory::desc images(const shape& s) const { return plain(s, tag::nhwc); }
  memory::desc weights() const { return plain(w, w.size() == 5 ? tag::goihw : tag::oihw); }
};

convolution read(const request& asked) {
  auto value = [&](const char* key) { return long(asked.number(key)); };
  long b = value("B"), c = value("C"), o = value("O"), g = value("groups"), k = value("kernel"), size = value("size");
  long stride = value("stride"), padding = value("padding"), dilation = value("dilation");
  long out = (size + 2 * padding - dilation * (k - 1) - 1) / stride + 1;
  return {
      .x = {b, c, size, size},
      .w = g > 1 ? shape{g, o / g, c / g, k, k} : shape{o, c, k, k},
      .y = {b, o, out, out},
      .strides = {stride, stride},
      .dilates = {dilation - 1, dilation - 1},
      .padding = {padding, padding},
  };
}

constexpr auto direct = dnnl::algorithm::convolution_auto;

auto describe_forward(const convolution& c, bool is_packed, bool is_training) {
  auto kind = is_training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  auto image = [&](const shape& s) { return is_packed ? any(s) : c.images(s); };
  return describe<dnnl::convolution_forward>(kind, direct, image(c.x), any(c.w), plain({c.y[1]}, tag::x), image(c.y),
                                             c.strides, c.dilates, c.padding, c.padding);
}

variant forward(const convolution& c, bool is_packed) {
  auto pd = describe_forward(c, is_packed, false);
  auto w = std::make_shared<work>(dnnl::convolution_forward(pd));
  w->hold(DNNL_ARG_SRC, pd.src_desc());
  w->take(DNNL_ARG_WEIGHTS, pd.weights_desc(), is_packed ? pd.weights_desc() : c.weights());
  w->hold(DNNL_ARG_BIAS, pd.bias_desc());
  w->hold(DNNL_ARG_DST, pd.dst_desc());
  return timed(is_packed, w);
}

variant backward_data(const convolution& c, bool is_packed) {
  auto image = [&](const shape& s) { return is_packed ? any(s) : c.images(s); };
  auto pd = describe_gradient<dnnl::convolution_backward_data>(describe_forward(c, is_packed, true), direct, image(c.x),
                                                               any(c.w), image(c.y), c.strides, c.dilates, c.padding,
                                                               c.padding);
  auto w = std::make_shared<work>(dnnl::convolution_backward_data(pd));
  w->hold(DNNL_ARG_DIFF_DST, pd.diff_dst_desc());
  w->take(DNNL_ARG_WEIGHTS, pd.weights_desc(), is_packed ? pd.weights_desc() : c.weights());
  w->hold(DNNL_ARG_DIFF_SRC, pd.diff_src_desc());
  return timed(is_packed, w);
}

variant backward_weight(const convolution& c, bool is_packed) {
  auto image = [&](const shape& s) { return is_packed ? any(s) : c.images(s); };
  auto pd = describe_gradient<dnnl::convolution_backward_weights>(describe_forward(c, is_packed, true), direct,
                                                                  image(c.x), any(c.w), image(c.y), c.strides,
                                                                  c.dilates, c.padding, c.padding);
  auto w = std::make_shared<work>(dnnl::convolution_backward_weights(pd));
  w->hold(DNNL_ARG_SRC, pd.src_desc());
  w->hold(DNNL_ARG_DIFF_DST, pd.diff_dst_desc());
  w->leave(DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc(), is_packed ? pd.diff_weights_desc() : c.weights());
  return timed(is_packed, w);
}

std::vector<variant> rows(const request& asked) {
  std::string bench = asked.text("bench");
  if (bench == "sgemm" || bench == "bmm" || bench == "linear") return matmul(asked);
  if (bench.rfind("conv2d ", 0) != 0) return {};
  auto c = read(asked);
  if (bench == "conv2d fwd") return {forward(c, false), forward(c, true)};
  if (bench == "conv2d bwd-data") return {backward_data(c, false), backward_data(c, true)};
  if (bench == "conv2d bwd-weight") return {backward_weight(c, false), backward_weight(c, true)};
  return {};
}

}  // namespace

int main() {
  auto* v = dnnl_version();
  return serve(std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch), rows);
}
