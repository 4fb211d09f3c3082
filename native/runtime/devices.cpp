#include "runtime/devices.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "runtime/cpu_features.h"

namespace neurite {

namespace {

std::mutex mutex;                           // held while a device is opened, or a setting changes
std::atomic<Device*> devices[kMaxDevices];  // by number, from 1
std::atomic<Device*> opened[kMaxDevices];   // in the order in which they were opened, the CPU apart
std::atomic<int> opened_count{0};

struct Precision {
  nr_precision of[kProducts] = {nr_precision_highest, nr_precision_high};
};
Precision precision;

void enqueue_precision(Stream& stream) {
  stream.enqueue("set_precision", nullptr, precision, [](Command* self, nr_context* ctx) {
    const auto* wanted = self->arguments<Precision>();
    Stream::of(ctx).accelerator()->set_precision(wanted->of[kMatmul], wanted->of[kConv]);
  });
}

void close_last() {
  for_each_device([](Device& device) { device.stream().queue().stop(); });
  delete opened[--opened_count].load();
}

bool refuse(nr_error* error, const std::string& text) {
  std::snprintf(error->code, sizeof error->code, "DEVICE_UNAVAILABLE");
  std::snprintf(error->text, sizeof error->text, "%s", text.c_str());
  return false;
}

int kind_of(int number) {
  for (int kind = 0; kind < kLibraryCount; kind++)
    if (number >= kLibraries[kind].first && number < kLibraries[kind].first + kLibraries[kind].most) return kind;
  return -1;
}

// Memory for code, working space and other programs stays free.
size_t memory_limit(const nr_device_info& info) {
  return static_cast<size_t>(static_cast<double>(info.free_bytes) * 0.9);
}

}  // namespace

Device& cpu_device() {
  static Device device(choose_cpu_backend(nullptr), default_memory_limit(), default_threads());
  return device;
}

std::string startup_problem() {
  std::string problem;
  choose_cpu_backend(&problem);
  return problem;
}

Device* device_at(int number) {
  return number == 0 ? &cpu_device() : devices[number].load(std::memory_order_acquire);
}

int open_device_count() {
  return opened_count.load(std::memory_order_acquire) + 1;
}

Device& open_device_at(int position) {
  return position == 0 ? cpu_device() : *opened[position - 1].load(std::memory_order_relaxed);
}

int count_devices(int kind, nr_error* error) {
  const nr_device_library* library = load_library(kind, error);
  return library ? library->count(error) : 0;
}

bool describe_device(int kind, int index, nr_device_info* info, nr_error* error) {
  const nr_device_library* library = load_library(kind, error);
  return library && library->describe(index, info, error);
}

Device* open_device(int number, nr_error* error) {
  if (Device* device = device_at(number)) return device;
  const int kind = kind_of(number);
  const int index = number - kLibraries[kind].first;
  std::lock_guard lock(mutex);
  if (Device* device = device_at(number)) return device;
  const int count = count_devices(kind, error);
  if (count <= 0) return nullptr;
  const std::string name = std::string(kLibraries[kind].name) + ":" + std::to_string(index);
  if (index >= count) {
    refuse(error, "expected one of the " + std::to_string(count) + " devices of this machine, got " + name);
    return nullptr;
  }
  nr_device_info info{};
  std::unique_ptr<Accelerator> accelerator = Accelerator::open(*load_library(kind, error), index, error);
  if (!accelerator || !describe_device(kind, index, &info, error)) return nullptr;
  cpu_device();  // ends after all others
  auto* device = new Device(name, std::move(accelerator), memory_limit(info));
  enqueue_precision(device->stream());
  std::atexit(close_last);  // after the library has registered what ends it: runs before
  opened[opened_count].store(device);
  opened_count++;
  devices[number].store(device);
  return device;
}

nr_precision precision_of(Products products) {
  std::lock_guard lock(mutex);
  return precision.of[products];
}

void set_precision(Products products, nr_precision wanted) {
  std::lock_guard lock(mutex);
  precision.of[products] = wanted;
  for_each_device([](Device& device) {
    if (device.stream().accelerator()) enqueue_precision(device.stream());
  });
}

}  // namespace neurite
