// Waiting for all that was enqueued, and the faults that nobody has heard of.
#include "addon/exports.h"
#include "addon/guarded.h"
#include "runtime/devices.h"

namespace neurite {

namespace {

// One command on each device; the last of them to run settles the token.
struct Fence {
  std::atomic<int> left;
  uint64_t token;
};

void run_fence(Command* self, nr_context* ctx) {
  Fence* fence = *self->arguments<Fence*>();
  if (FaultPtr fault = Stream::of(ctx).synchronize(self->name)) self->session->add_fault(std::move(fault));
  if (fence->left.fetch_sub(1) > 1) return;
  self->session->settle(fence->token, self->session->take_first_unreported());
  delete fence;
}

void run_wait(Command* self, nr_context* ctx) {
  if (FaultPtr fault = Stream::of(ctx).synchronize(self->name)) self->session->add_fault(std::move(fault));
}

// synchronize(token, device): settles when all that was enqueued has run, on this device or on all (-1); with the first
// fault nobody has heard of, if any.
napi_value synchronize(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2] = {};
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  return guarded(env, [&](Environment& environment) -> std::string {
    double token = 0;
    int32_t number = -1;
    if (napi_get_value_double(env, arguments[0], &token) != napi_ok || !(token >= 1 && token < 9e15) ||
        napi_get_value_int32(env, arguments[1], &number) != napi_ok || number < -1 || number >= kMaxDevices)
      return "INVALID_ARGUMENT: synchronize: expected a token and a device";
    std::vector<Device*> awaited;
    if (number < 0) for_each_device([&](Device& device) { awaited.push_back(&device); });
    if (number >= 0 && device_at(number)) awaited.push_back(device_at(number));
    if (awaited.empty()) return "DEVICE_MISMATCH: synchronize: expected an open device";
    auto* fence = new Fence{static_cast<int>(awaited.size()), static_cast<uint64_t>(token)};
    environment.begin_wait(fence->token, nullptr);
    for (Device* device : awaited) device->stream().enqueue("synchronize", environment.session.get(), fence, run_fence);
    return {};
  });
}

napi_value synchronize_sync(napi_env env, napi_callback_info) {
  return guarded(env, [&](Environment& environment) -> std::string {
    for_each_device([&](Device& device) {
      if (device.stream().accelerator())
        device.stream().enqueue("synchronizeSync", environment.session.get(), 0, run_wait);
    });
    for_each_device([](Device& device) {
      CommandQueue& queue = device.stream().queue();
      queue.wait_completed(queue.pushed());
    });
    return problem_of(environment.session->take_first_unreported());
  });
}

// firstFault(): a fault that was never reported, without waiting.
napi_value first_fault(napi_env env, napi_callback_info) {
  return guarded(env, [&](Environment& environment) -> std::string {
    return problem_of(environment.session->take_first_unreported());
  });
}

}  // namespace

void export_fences(Exports& exports) {
  exports.add("synchronize", synchronize);
  exports.add("synchronizeSync", synchronize_sync);
  exports.add("firstFault", first_fault);
}

}  // namespace neurite
