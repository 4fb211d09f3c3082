// Devices by number: what there is, opening them, their memory and their precision. Nothing here is called often, so it
// is written with node-addon-api's classes.
#include <napi.h>

#include <cmath>

#include "addon/exports.h"
#include "addon/guarded.h"
#include "runtime/devices.h"

namespace neurite {

namespace {

using Info = Napi::CallbackInfo;

Napi::Value problem(const Info& info, const std::string& text) {
  return Napi::String::New(info.Env(), text);
}

Napi::Value problem(const Info& info, const nr_error& error) {
  return problem(info, std::string(error.code) + ": " + error.text);
}

// An argument as a number, NaN when it is none.
double number(const Info& info, size_t at) {
  return info.Length() > at && info[at].IsNumber() ? info[at].As<Napi::Number>().DoubleValue() : NAN;
}

// An argument as an integer in [0, end), -1 when it is none.
int integer(const Info& info, size_t at, int end) {
  const double value = number(info, at);
  return value >= 0 && value < end && value == std::floor(value) ? static_cast<int>(value) : -1;
}

// The open device that an argument names; nullptr for another number.
Device* device_of(const Info& info, size_t at) {
  const int index = integer(info, at, kMaxDevices);
  return index < 0 ? nullptr : device_at(index);
}

constexpr const char* kNoDevice = "DEVICE_MISMATCH: expected the number of an open device";

// devices(kind): [{ name, totalBytes, freeBytes, major, minor, multiprocessors }], or why there are none.
Napi::Value devices(const Info& info) {
  const int kind = integer(info, 0, kLibraryCount);
  if (kind < 0) return problem(info, "INVALID_ARGUMENT: devices: expected a kind of device");
  nr_error error{};
  const int count = count_devices(kind, &error);
  if (count <= 0) return problem(info, error);
  Napi::Array list = Napi::Array::New(info.Env());
  for (int i = 0; i < count; i++) {
    nr_device_info found{};
    if (!describe_device(kind, i, &found, &error)) return problem(info, error);
    Napi::Object device = Napi::Object::New(info.Env());
    device.Set("name", found.name);
    device.Set("totalBytes", static_cast<double>(found.total_bytes));
    device.Set("freeBytes", static_cast<double>(found.free_bytes));
    device.Set("major", found.capability_major);
    device.Set("minor", found.capability_minor);
    device.Set("multiprocessors", found.multiprocessors);
    list.Set(static_cast<uint32_t>(i), device);
  }
  return list;
}

// openDevice(number): opens it for the process if nobody has.
Napi::Value open(const Info& info) {
  const int index = integer(info, 0, kMaxDevices);
  if (index < 0) return problem(info, "INVALID_ARGUMENT: openDevice: expected the number of a device");
  nr_error error{};
  return open_device(index, &error) ? info.Env().Undefined() : problem(info, error);
}

// firstRefusal(): true for the first caller of the process.
Napi::Value first_refusal(const Info& info) {
  static std::atomic<bool> refused{false};
  return Napi::Boolean::New(info.Env(), !refused.exchange(true));
}

// memoryStats(device): figures of the device.
Napi::Value memory_stats(const Info& info) {
  Device* device = device_of(info, 0);
  if (!device) return problem(info, kNoDevice);
  const MemoryStats stats = device->memory().stats();
  Napi::Object result = Napi::Object::New(info.Env());
  const auto set = [&](const char* name, size_t value) { result.Set(name, static_cast<double>(value)); };
  set("live", stats.live);
  set("peak", stats.peak);
  set("cached", stats.cached);
  set("limit", device->memory().limit());
  set("allocations", stats.allocations);
  set("growths", stats.growths);
  set("stalls", device->stream().queue().stalls());
  return result;
}

Napi::Value reset_peak(const Info& info) {
  Device* device = device_of(info, 0);
  if (!device) return problem(info, kNoDevice);
  device->memory().reset_peak();
  return info.Env().Undefined();
}

// setMemoryLimit(device, bytes)
Napi::Value set_memory_limit(const Info& info) {
  Device* device = device_of(info, 0);
  const double bytes = number(info, 1);
  if (!device) return problem(info, kNoDevice);
  if (!(bytes >= 0 && bytes <= 9e15))
    return problem(info, "INVALID_ARGUMENT: setMemoryLimit: expected a number of bytes");
  device->memory().set_limit(static_cast<size_t>(bytes));
  return info.Env().Undefined();
}

// emptyCache(device): returns cached blocks that no queued command uses to the system.
Napi::Value empty_cache(const Info& info) {
  Device* device = device_of(info, 0);
  if (!device) return problem(info, kNoDevice);
  device->memory().trim(device->stream().queue().completed(), 0);
  return info.Env().Undefined();
}

// precision(products): of matmul (0) or convolutions (1): float32 (0) or tf32 (1).
Napi::Value precision(const Info& info) {
  const int products = integer(info, 0, kProducts);
  if (products < 0) return problem(info, "INVALID_ARGUMENT: precision: expected a kind of product");
  return Napi::Number::New(info.Env(), precision_of(static_cast<Products>(products)));
}

// setPrecision(products, precision)
Napi::Value change_precision(const Info& info) {
  const int products = integer(info, 0, kProducts), wanted = integer(info, 1, nr_precision_high + 1);
  if (products < 0 || wanted < 0)
    return problem(info, "INVALID_ARGUMENT: setPrecision: expected a kind of product and a precision");
  set_precision(static_cast<Products>(products), static_cast<nr_precision>(wanted));
  return info.Env().Undefined();
}

}  // namespace

void export_devices(Exports& exports) {
  const Napi::Env env(exports.env);
  Napi::Object object(env, exports.object);
  const auto add = [&](const char* name, Napi::Value (*function)(const Info&)) {
    object.Set(name, Napi::Function::New(env, function, name));
  };
  add("devices", devices);
  add("openDevice", open);
  add("firstRefusal", first_refusal);
  add("memoryStats", memory_stats);
  add("resetPeak", reset_peak);
  add("setMemoryLimit", set_memory_limit);
  add("emptyCache", empty_cache);
  add("precision", precision);
  add("setPrecision", change_precision);
}

}  // namespace neurite
