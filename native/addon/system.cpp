// Settings and figures: setup, threads, instruction set, collection, profile. Nothing here is called often, so it is
// written with node-addon-api's classes.
#include <napi.h>

#include <cmath>

#include "addon/exports.h"
#include "addon/guarded.h"
#include "runtime/cpu_features.h"

namespace neurite {

namespace {

using Info = Napi::CallbackInfo;

Environment* environment_of(napi_env env) {
  Environment* environment = nullptr;
  napi_get_instance_data(env, reinterpret_cast<void**>(&environment));
  return environment;
}

Napi::Value problem(const Info& info, const std::string& text) {
  return Napi::String::New(info.Env(), text);
}

// The first argument as a number, NaN when it is none.
double number(const Info& info) {
  return info.Length() > 0 && info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : NAN;
}

std::string isa_names(const char* separator) {
  std::string names;
  for (const nr_backend* table : cpu_backends()) names += (names.empty() ? "" : separator) + std::string(table->name);
  return names;
}

// setup(block, collect, settled): see Environment.
Napi::Value setup(const Info& info) {
  Environment* environment = environment_of(info.Env());
  if (!environment) return problem(info, "NOT_READY: setup: this environment is ending");
  if (info.Length() < 3) return problem(info, "INVALID_ARGUMENT: setup: expected (Float64Array, function, function)");
  const std::string refused = environment->setup(info[0], info[1], info[2]);
  return refused.empty() ? info.Env().Undefined() : problem(info, refused);
}

// info(): { isa, isas, features, threads, problem }.
Napi::Value system_info(const Info& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("isa", cpu_device().table()->name);
  result.Set("isas", isa_names(" "));
  result.Set("features", cpu_feature_names());
  result.Set("threads", cpu_device().stream().threads());
  result.Set("problem", startup_problem());
  return result;
}

Napi::Value set_isa(const Info& info) {
  const std::string name = info.Length() > 0 && info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "";
  for (const nr_backend* table : cpu_backends()) {
    if (name != table->name) continue;
    cpu_device().set_table(table);
    return info.Env().Undefined();
  }
  return problem(info, "INVALID_ARGUMENT: setIsa: expected one of " + isa_names(", ") + ", got " + name.substr(0, 40));
}

Napi::Value set_threads(const Info& info) {
  const double threads = number(info);
  if (!(threads >= 1 && threads <= 1024) || threads != std::floor(threads))
    return problem(info, "INVALID_ARGUMENT: setNumThreads: expected an integer between 1 and 1024");
  cpu_device().stream().set_threads(static_cast<int>(threads));
  return info.Env().Undefined();
}

// collect(): runs the garbage collector and frees dead tensors and cached blocks.
Napi::Value collect(const Info& info) {
  Environment* environment = environment_of(info.Env());
  if (!environment) return problem(info, "NOT_READY: collect: this environment is ending");
  environment->collect(true);
  for_each_device([](Device& device) { device.memory().trim(device.stream().queue().completed(), 0); });
  return info.Env().Undefined();
}

// tensorCounts(): { tensors, collections } of this environment.
Napi::Value tensor_counts(const Info& info) {
  const Environment* environment = environment_of(info.Env());
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("tensors", environment ? environment->tensors.live() : 0);
  result.Set("collections", static_cast<double>(environment ? environment->collections : 0));
  return result;
}

// reclaim(): says that a graph has just been let go; collects if that is worth it.
Napi::Value reclaim(const Info& info) {
  if (Environment* environment = environment_of(info.Env())) environment->reclaim();
  return info.Env().Undefined();
}

Napi::Value profile_start(const Info& info) {
  Environment* environment = environment_of(info.Env());
  if (environment && cpu_device().stream().profiler().start(environment->session.get())) return info.Env().Undefined();
  return problem(info, "BUSY: profile: expected one profile at a time");
}

// profileStop(): [{ name, shapes, enqueued, started, finished }], times in nanoseconds of the steady clock.
Napi::Value profile_stop(const Info& info) {
  Environment* environment = environment_of(info.Env());
  if (!environment) return problem(info, "NOT_READY: profile: this environment is ending");
  const auto events = cpu_device().stream().profiler().stop(environment->session.get());
  Napi::Array list = Napi::Array::New(info.Env(), events.size());
  for (uint32_t i = 0; i < events.size(); i++) {
    Napi::HandleScope scope(info.Env());
    Napi::Object event = Napi::Object::New(info.Env());
    event.Set("name", events[i].name);
    event.Set("shapes", events[i].shapes);
    event.Set("enqueued", static_cast<double>(events[i].enqueued_ns));
    event.Set("started", static_cast<double>(events[i].started_ns));
    event.Set("finished", static_cast<double>(events[i].finished_ns));
    list.Set(i, event);
  }
  return list;
}

}  // namespace

void export_system(Exports& exports) {
  const Napi::Env env(exports.env);
  Napi::Object object(env, exports.object);
  const auto add = [&](const char* name, Napi::Value (*function)(const Info&)) {
    object.Set(name, Napi::Function::New(env, function, name));
  };
  add("setup", setup);
  add("info", system_info);
  add("setIsa", set_isa);
  add("setThreads", set_threads);
  add("collect", collect);
  add("tensorCounts", tensor_counts);
  add("reclaim", reclaim);
  add("profileStart", profile_start);
  add("profileStop", profile_stop);
}

}  // namespace neurite
