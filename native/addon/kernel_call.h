// Turns a kernel of the table into a JavaScript function: its arguments are deduced from its C++ signature. There is
// one Param per argument type: what is stored in the command, how it is read from the block, how the kernel gets it.
#pragma once
#include <algorithm>
#include <tuple>
#include <utility>

#include "addon/call.h"
#include "addon/guarded.h"
#include "runtime/describe.h"

namespace neurite {

template <class P>
struct Param;

template <>
struct Param<const nr_tensor*> {
  using Stored = nr_tensor;
  static void read(Call& call, Stored& s) { call.read_tensor(s); }
  static const nr_tensor* pass(Stored& s, nr_tensor*) { return &s; }
  static void list(Stored& s, std::vector<const nr_tensor*>& all) { all.push_back(&s); }
};
template <>
struct Param<nr_tensor*> : Param<const nr_tensor*> {
  static void read(Call& call, Stored& s) { call.read_target(s); }
  static nr_tensor* pass(Stored& s, nr_tensor*) { return &s; }
};

template <>
struct Param<const nr_operand*> {
  using Stored = nr_operand;
  static void read(Call& call, Stored& s) { call.read_operand(s); }
  static const nr_operand* pass(Stored& s, nr_tensor*) { return &s; }
  static void list(Stored& s, std::vector<const nr_tensor*>& all) { all.push_back(&s.tensor); }
};

template <>
struct Param<const nr_optional*> {
  using Stored = nr_optional;
  static void read(Call& call, Stored& s) {
    s = {};
    s.present = call.next_integer("0 or 1 for an optional tensor", 0, 1) == 1;
    if (s.present) call.read_tensor(s.tensor);
  }
  static const nr_optional* pass(Stored& s, nr_tensor*) { return &s; }
  static void list(Stored& s, std::vector<const nr_tensor*>& all) {
    if (s.present) all.push_back(&s.tensor);
  }
};
template <>
struct Param<nr_optional*> : Param<const nr_optional*> {
  static void read(Call& call, Stored& s) {
    s = {};
    s.present = call.next_integer("0 or 1 for an optional tensor", 0, 1) == 1;
    if (s.present) call.read_target(s.tensor);
  }
  static nr_optional* pass(Stored& s, nr_tensor*) { return &s; }
};

// Lists live behind the arguments; their address is known only where they are used.
template <>
struct Param<const nr_tensors*> {
  struct Stored {
    nr_tensors list;
    size_t first;
  };
  static constexpr bool written = false;
  static void read(Call& call, Stored& s) {
    s.first = call.list_tensors();
    s.list = {call.read_list(false), nullptr};
  }
  static const nr_tensors* pass(Stored& s, nr_tensor* lists) {
    s.list.at = lists + s.first;
    return &s.list;
  }
  static void list(Stored& s, std::vector<const nr_tensor*>& all) {
    for (int64_t i = 0; i < s.list.count && i < 4; i++) all.push_back(s.list.at + i);
  }
};
template <>
struct Param<nr_tensors*> : Param<const nr_tensors*> {
  static void read(Call& call, Stored& s) {
    s.first = call.list_tensors();
    s.list = {call.read_list(true), nullptr};
  }
  static nr_tensors* pass(Stored& s, nr_tensor* lists) {
    s.list.at = lists + s.first;
    return &s.list;
  }
};

// Arguments that are not tensors pass as they are.
template <class T>
struct Plain {
  using Stored = T;
  static T pass(Stored& s, nr_tensor*) { return s; }
  static void list(Stored&, std::vector<const nr_tensor*>&) {}
};
template <>
struct Param<double> : Plain<double> {
  static void read(Call& call, double& s) { s = call.next(); }
};
template <>
struct Param<int64_t> : Plain<int64_t> {
  static void read(Call& call, int64_t& s) {
    s = call.next_integer("an integer", -(int64_t{1} << 53), int64_t{1} << 53);
  }
};
template <>
struct Param<bool> : Plain<bool> {
  static void read(Call& call, bool& s) { s = call.next_integer("0 or 1", 0, 1) == 1; }
};
template <>
struct Param<nr_scalar> : Plain<nr_scalar> {
  static void read(Call& call, nr_scalar& s) { call.read_scalar(s); }
};
template <>
struct Param<nr_ints> : Plain<nr_ints> {
  static void read(Call& call, nr_ints& s) {
    s = {};
    s.count = call.next_integer("a number of integers", 0, NR_MAX_INTS);
    for (int64_t i = 0; i < s.count; i++) Param<int64_t>::read(call, s.at[i]);
  }
};
template <>
struct Param<nr_philox> : Plain<nr_philox> {
  static void read(Call& call, nr_philox& s) {
    const auto high = static_cast<uint64_t>(call.next_integer("32 bits of a seed", 0, UINT32_MAX));
    const auto low = static_cast<uint64_t>(call.next_integer("32 bits of a seed", 0, UINT32_MAX));
    s.seed = high << 32 | low;
    s.offset = static_cast<uint64_t>(call.next_integer("an offset", 0, int64_t{1} << 53));
  }
};

template <class Member>
struct KernelCall;

template <class... P>
struct KernelCall<void (*nr_backend::*)(nr_context*, P...)> {
  using Kernel = void (*)(nr_context*, P...);
  using Contract = const char* (*)(P...);
  struct alignas(16) Arguments {
    std::tuple<typename Param<P>::Stored...> values;
  };
  static_assert(std::is_trivially_destructible_v<Arguments>, "commands are plain data");
  static constexpr auto each = std::index_sequence_for<P...>{};

  static void run(Command* self, nr_context* ctx) { run(self, ctx, each); }
  template <size_t... I>
  static void run(Command* self, nr_context* ctx, std::index_sequence<I...>) {
    auto& values = self->arguments<Arguments>()->values;
    reinterpret_cast<Kernel>(self->kernel)(ctx, Param<P>::pass(std::get<I>(values), self->lists())...);
  }

  template <size_t... I>
  static std::vector<const nr_tensor*> tensors(Arguments& a, nr_tensor* lists, std::index_sequence<I...>) {
    std::vector<const nr_tensor*> all;
    (Param<P>::pass(std::get<I>(a.values), lists), ...);
    (Param<P>::list(std::get<I>(a.values), all), ...);
    return all;
  }
  static std::string describe_command(Command* self) {
    std::string text;
    for (const nr_tensor* t : tensors(*self->arguments<Arguments>(), self->lists(), each))
      text += (text.empty() ? "" : ", ") + describe(*t);
    return text;
  }

  template <size_t... I>
  static void invoke(Call& call, Kernel nr_backend::*member, Contract contract, const napi_value* owners,
                     size_t owner_count, std::index_sequence<I...>) {
    Arguments a;
    (Param<P>::read(call, std::get<I>(a.values)), ...);
    if (!call.ok() || !call.fits(sizeof a)) return;
    if (const char* expected = contract(Param<P>::pass(std::get<I>(a.values), call.lists())...))
      return call.refuse("INVALID_ARGUMENT", std::string("expected ") + expected + ", got " +
                                                 call.describe_tensors(tensors(a, call.lists(), each)));
    if (!call.allocate_outputs(owners, owner_count)) return;
    Command header{};
    header.run = run;
    header.kernel = reinterpret_cast<void (*)()>(call.device()->table()->*member);
    header.describe = describe_command;
    call.enqueue(header, &a, sizeof a);
  }
};

// The JavaScript function of kernel `member`: takes the objects of its new outputs, returns undefined or what is wrong.
template <auto member, auto contract>
napi_value call_kernel(napi_env env, napi_callback_info info) {
  using Caller = KernelCall<std::remove_const_t<decltype(member)>>;
  size_t count = 8;
  napi_value owners[8];
  void* name = nullptr;
  napi_get_cb_info(env, info, &count, owners, nullptr, &name);
  return guarded(env, [&](Environment& environment) -> std::string {
    Call call(environment, static_cast<const char*>(name));
    Caller::invoke(call, member, contract, owners, std::min<size_t>(count, 8), Caller::each);
    return call.problem();
  });
}

}  // namespace neurite
