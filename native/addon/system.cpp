// Settings and figures: setup, threads, instruction set, memory, profile.
#include <cmath>

#include "addon/exports.h"
#include "addon/guarded.h"
#include "runtime/cpu_features.h"
#include "runtime/describe.h"

namespace neurite {

namespace {

struct Object {
  explicit Object(napi_env env) : env(env) { napi_create_object(env, &value); }
  void set(const char* name, double number) const {
    napi_value v;
    napi_create_double(env, number, &v);
    napi_set_named_property(env, value, name, v);
  }
  void set(const char* name, const std::string& text) const {
    napi_value v;
    napi_create_string_utf8(env, text.c_str(), text.size(), &v);
    napi_set_named_property(env, value, name, v);
  }
  napi_env env;
  napi_value value = nullptr;
};

// setup(block, collect, settled): see Environment.
napi_value setup(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3] = {};
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  Environment* environment = nullptr;
  napi_get_instance_data(env, reinterpret_cast<void**>(&environment));
  if (!environment) return problem_value(env, "NOT_READY: setup: this environment is ending");
  if (count < 3) return problem_value(env, "INVALID_ARGUMENT: setup: expected (Float64Array, function, function)");
  const std::string problem = environment->setup(arguments[0], arguments[1], arguments[2]);
  return problem.empty() ? nullptr : problem_value(env, problem);
}

// info(): { isa, isas, features, threads, problem }.
napi_value info(napi_env env, napi_callback_info) {
  Object result(env);
  std::string isas;
  for (const nr_backend* table : cpu_backends()) isas += (isas.empty() ? "" : " ") + std::string(table->name);
  result.set("isa", std::string(cpu_device().table()->name));
  result.set("isas", isas);
  result.set("features", cpu_feature_names());
  result.set("threads", cpu_device().stream().threads());
  result.set("problem", startup_problem());
  return result.value;
}

napi_value set_isa(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  return guarded(env, [&](Environment&) -> std::string {
    char name[32] = "";
    size_t length = 0;
    napi_get_value_string_utf8(env, argument, name, sizeof name, &length);
    std::string names;
    for (const nr_backend* table : cpu_backends()) {
      if (std::string(name) == table->name) {
        cpu_device().set_table(table);
        return {};
      }
      names += (names.empty() ? "" : ", ") + std::string(table->name);
    }
    return "INVALID_ARGUMENT: setIsa: expected one of " + names + ", got " + name;
  });
}

double number_argument(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  double value = NAN;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count < 1 || napi_get_value_double(env, argument, &value) != napi_ok) return NAN;
  return value;
}

napi_value set_threads(napi_env env, napi_callback_info info) {
  const double threads = number_argument(env, info);
  return guarded(env, [&](Environment&) -> std::string {
    if (!(threads >= 1 && threads <= 1024) || threads != std::floor(threads))
      return "INVALID_ARGUMENT: setNumThreads: expected an integer between 1 and 1024";
    cpu_device().stream().set_threads(static_cast<int>(threads));
    return {};
  });
}

// memoryStats(): figures of the device, and of this environment's tensors.
napi_value memory_stats(napi_env env, napi_callback_info) {
  Environment* environment = nullptr;
  napi_get_instance_data(env, reinterpret_cast<void**>(&environment));
  Device& device = cpu_device();
  const MemoryStats stats = device.memory().stats();
  Object result(env);
  result.set("live", static_cast<double>(stats.live));
  result.set("peak", static_cast<double>(stats.peak));
  result.set("cached", static_cast<double>(stats.cached));
  result.set("limit", static_cast<double>(device.memory().limit()));
  result.set("allocations", static_cast<double>(stats.allocations));
  result.set("growths", static_cast<double>(stats.growths));
  result.set("stalls", static_cast<double>(device.stream().queue().stalls()));
  result.set("tensors", environment ? environment->tensors.live() : 0);
  result.set("collections", environment ? static_cast<double>(environment->collections) : 0);
  return result.value;
}

napi_value reset_peak(napi_env, napi_callback_info) {
  cpu_device().memory().reset_peak();
  return nullptr;
}

napi_value set_memory_limit(napi_env env, napi_callback_info info) {
  const double bytes = number_argument(env, info);
  return guarded(env, [&](Environment&) -> std::string {
    if (!(bytes >= 0 && bytes <= 9e15)) return "INVALID_ARGUMENT: setMemoryLimit: expected a number of bytes";
    cpu_device().memory().set_limit(static_cast<size_t>(bytes));
    return {};
  });
}

// collect(): runs the garbage collector and frees dead tensors and cached blocks.
napi_value collect(napi_env env, napi_callback_info) {
  return guarded(env, [&](Environment& environment) -> std::string {
    environment.collect(true);
    Device& device = cpu_device();
    device.memory().trim(device.stream().queue().completed(), 0);
    return {};
  });
}

napi_value profile_start(napi_env env, napi_callback_info) {
  return guarded(env, [&](Environment& environment) -> std::string {
    if (cpu_device().stream().profiler().start(environment.session.get())) return {};
    return "BUSY: profile: expected one profile at a time";
  });
}

// profileStop(): [{ name, shapes, enqueued, started, finished }], times in nanoseconds of the steady clock.
napi_value profile_stop(napi_env env, napi_callback_info) {
  napi_value list = nullptr;
  napi_value problem = guarded(env, [&](Environment& environment) -> std::string {
    const auto events = cpu_device().stream().profiler().stop(environment.session.get());
    napi_create_array_with_length(env, events.size(), &list);
    for (size_t i = 0; i < events.size(); i++) {
      napi_handle_scope scope;
      napi_open_handle_scope(env, &scope);
      Object event(env);
      event.set("name", std::string(events[i].name));
      event.set("shapes", events[i].shapes);
      event.set("enqueued", static_cast<double>(events[i].enqueued_ns));
      event.set("started", static_cast<double>(events[i].started_ns));
      event.set("finished", static_cast<double>(events[i].finished_ns));
      napi_set_element(env, list, static_cast<uint32_t>(i), event.value);
      napi_close_handle_scope(env, scope);
    }
    return {};
  });
  return problem ? problem : list;
}

}  // namespace

void export_system(Exports& exports) {
  exports.add("setup", setup);
  exports.add("info", info);
  exports.add("setIsa", set_isa);
  exports.add("setThreads", set_threads);
  exports.add("memoryStats", memory_stats);
  exports.add("resetPeak", reset_peak);
  exports.add("setMemoryLimit", set_memory_limit);
  exports.add("collect", collect);
  exports.add("profileStart", profile_start);
  exports.add("profileStop", profile_stop);
}

}  // namespace neurite
