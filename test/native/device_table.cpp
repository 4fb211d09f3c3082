// One shim per kernel, by templates over kernels.def: arguments are deduced from the kernel's C++ signature.
#include <sstream>
#include <tuple>

#include "device_regions.h"

namespace harness {

std::map<std::string, int> unsupported;

bool is_known_unsupported(const char* kernel, const nr_error& error) {
  const char* known = std::getenv("NEURITE_TEST_ALLOW_UNSUPPORTED");
  if (unsupported[kernel]++ == 0) std::printf("%s\n", error.text);
  if (known && std::strcmp(known, "all") == 0) return true;
  std::istringstream names(known ? known : "");
  for (std::string name; std::getline(names, name, ',');)
    if (name == kernel) return true;
  failures++;
  return false;
}

namespace {

// An argument on its way to a device: its tensors are added to the regions of the call, and rebased once those are
// there. Arguments that are no tensors pass as they are.
template <class P>
struct Carried {
  P value;
  Carried(P given, Regions&) : value(given) {}
  void rebase(const Regions&) {}
  P pass() { return value; }
};

template <bool is_written>
struct CarriedTensor {
  nr_tensor tensor;
  CarriedTensor(const nr_tensor* given, Regions& regions) : tensor(*given) { regions.add(tensor, is_written); }
  void rebase(const Regions& regions) { regions.rebase(tensor); }
  nr_tensor* pass() { return &tensor; }
};
template <>
struct Carried<const nr_tensor*> : CarriedTensor<false> {
  using CarriedTensor::CarriedTensor;
};
template <>
struct Carried<nr_tensor*> : CarriedTensor<true> {
  using CarriedTensor::CarriedTensor;
};

template <>
struct Carried<const nr_operand*> {
  nr_operand operand;
  Carried(const nr_operand* given, Regions& regions) : operand(*given) {
    if (operand.tensor.data) regions.add(operand.tensor, false);
  }
  void rebase(const Regions& regions) {
    if (operand.tensor.data) regions.rebase(operand.tensor);
  }
  const nr_operand* pass() { return &operand; }
};

template <bool is_written>
struct CarriedOptional {
  nr_optional optional;
  CarriedOptional(const nr_optional* given, Regions& regions) : optional(*given) {
    if (optional.present) regions.add(optional.tensor, is_written);
  }
  void rebase(const Regions& regions) {
    if (optional.present) regions.rebase(optional.tensor);
  }
  nr_optional* pass() { return &optional; }
};
template <>
struct Carried<const nr_optional*> : CarriedOptional<false> {
  using CarriedOptional::CarriedOptional;
};
template <>
struct Carried<nr_optional*> : CarriedOptional<true> {
  using CarriedOptional::CarriedOptional;
};

template <bool is_written>
struct CarriedList {
  std::vector<nr_tensor> tensors;
  nr_tensors list{};
  CarriedList(const nr_tensors* given, Regions& regions) : tensors(given->at, given->at + given->count) {
    for (const nr_tensor& t : tensors) regions.add(t, is_written);
  }
  void rebase(const Regions& regions) {
    for (nr_tensor& t : tensors) regions.rebase(t);
  }
  nr_tensors* pass() {
    list = {static_cast<int64_t>(tensors.size()), tensors.data()};
    return &list;
  }
};
template <>
struct Carried<const nr_tensors*> : CarriedList<false> {
  using CarriedList::CarriedList;
};
template <>
struct Carried<nr_tensors*> : CarriedList<true> {
  using CarriedList::CarriedList;
};

namespace names {
#define NR_KERNEL(name, ...) constexpr char name[] = #name;
#include "kernels.def"
}  // namespace names

template <auto kernel, const char* name>
struct Shim;
template <class... P, void (*nr_backend::*kernel)(nr_context*, P...), const char* name>
struct Shim<kernel, name> {
  static void run(nr_context* ctx, P... given) {
    Device& device = *device_under_test();
    DeviceContext context(device);
    run_on(device, context, given...);
    if (!context.has_failed()) return;
    if (std::strcmp(context.error.code, "NOT_SUPPORTED") == 0 && is_known_unsupported(name, context.error))
      return (neurite::cpu_backends().back()->*kernel)(ctx, given...);
    ctx->fail(ctx, context.error.code, "%s", context.error.text);
  }

  static void run_on(Device& device, DeviceContext& context, P... given) {
    Regions regions(device);
    std::tuple<Carried<P>...> carried{Carried<P>(given, regions)...};
    nr_error error = {};
    if (!regions.copy_in(&error)) return context.report(error);
    std::apply([&](auto&... each) { (each.rebase(regions), ...); }, carried);
    std::apply([&](auto&... each) { (device.library.table->*kernel)(&context, each.pass()...); }, carried);
    context.finish();
    if (!regions.copy_out(name, &error)) context.report(error);
  }
};

}  // namespace

const nr_backend& device_table() {
  static const nr_backend table = {
      device_under_test()->library.name,
#define NR_KERNEL(name, ...) &Shim<&nr_backend::name, names::name>::run,
#include "kernels.def"
  };
  return table;
}

}  // namespace harness
