#include "addon/environment.h"

#include <algorithm>

#include "runtime/profiler.h"

namespace neurite {

namespace {

constexpr size_t kReclaimFloor = size_t{8} << 20;
constexpr size_t kGrowthFloor = size_t{1} << 20;  // growth below this is not worth a collection
constexpr int kHandleFloor = 16384;

struct Scope {
  explicit Scope(napi_env env) : env(env) { napi_open_handle_scope(env, &scope); }
  ~Scope() { napi_close_handle_scope(env, scope); }
  napi_env env;
  napi_handle_scope scope = nullptr;
};

}  // namespace

struct EnvironmentHooks {
  // When a Worker is terminated Node delivers the last calls with a null environment.
  static void deliver(napi_env env, napi_value, void*, void*) {
    if (!env) return;
    Environment* self = nullptr;
    napi_get_instance_data(env, reinterpret_cast<void**>(&self));
    if (self) self->deliver();
  }
  static void cleanup(void* data) { static_cast<Environment*>(data)->finish(); }
};

Environment* Environment::create(napi_env env) {
  auto* self = new Environment(env);
  Scope scope(env);
  napi_value name;
  napi_create_string_utf8(env, "neurite", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr,
                                  EnvironmentHooks::deliver, &self->wake_);
  napi_unref_threadsafe_function(env, self->wake_);
  napi_threadsafe_function wake = self->wake_;
  self->session =
      std::make_shared<Session>([wake] { napi_call_threadsafe_function(wake, nullptr, napi_tsfn_nonblocking); });
  napi_set_instance_data(env, self, nullptr, nullptr);
  napi_add_env_cleanup_hook(env, EnvironmentHooks::cleanup, self);
  return self;
}

std::string Environment::setup(napi_value block_value, napi_value collect, napi_value settled) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  bool is_typed = false;
  napi_is_typedarray(env, block_value, &is_typed);
  napi_valuetype collect_type = napi_undefined, settled_type = napi_undefined;
  napi_typeof(env, collect, &collect_type);
  napi_typeof(env, settled, &settled_type);
  if (!is_typed || collect_type != napi_function || settled_type != napi_function)
    return "INVALID_ARGUMENT: setup: expected (Float64Array, function, function)";
  napi_get_typedarray_info(env, block_value, &type, &length, &data, nullptr, nullptr);
  if (type != napi_float64_array || length < 64)
    return "INVALID_ARGUMENT: setup: expected a Float64Array of at least 64 numbers";
  for (napi_ref* ref : {&block_ref_, &collect_, &settled_})
    if (*ref) napi_delete_reference(env, *ref);
  napi_create_reference(env, block_value, 1, &block_ref_);
  napi_create_reference(env, collect, 1, &collect_);
  napi_create_reference(env, settled, 1, &settled_);
  block = block_out = static_cast<double*>(data);
  block_size = length;
  return {};
}

// At most a tenth of the time goes to major collections.
bool Environment::may_collect_major() const {
  return now_ns() - last_major_ns_ > 10 * last_major_took_ns_;
}

Block Environment::allocate(Device& device, size_t bytes, std::string* problem) {
  CachingAllocator& memory = device.memory();
  if (Block block = memory.take(bytes); block.data) return block;
  const size_t size = CachingAllocator::class_size(bytes);
  const size_t live = device.live_after_sweep.load();
  const size_t budget = std::max(live + live / 2, live + kGrowthFloor);
  if (memory.pool_bytes() + size > budget) {
    collect(false);
    if (Block block = memory.take(bytes); block.data) return block;
    const bool freed_little = memory.stats().live + size > budget;
    if (freed_little && may_collect_major()) {
      collect(true);
      if (Block block = memory.take(bytes); block.data) return block;
    }
    // The dead left blocks of other sizes: keep as many as there are live bytes, return the rest.
    memory.trim(device.stream().queue().completed(), memory.stats().live / 2);
  }
  if (Block block = memory.grow(bytes); block.data) return block;
  collect(true);
  if (Block block = memory.take(bytes); block.data) return block;
  device.stream().queue().wait_completed(device.stream().queue().pushed());
  memory.trim(UINT64_MAX, 0);
  if (Block block = memory.grow(bytes); block.data) return block;
  const MemoryStats stats = memory.stats();
  *problem = "OUT_OF_MEMORY: expected room for " + std::to_string(bytes) + " bytes on " + device.name() + ", got " +
             std::to_string(memory.limit() - std::min(memory.limit(), stats.live)) + " of the limit of " +
             std::to_string(memory.limit()) + " bytes left; free tensors (dispose, scope), use smaller batches or " +
             "raise the limit with setMemoryLimit";
  return {};
}

// A graph has just been let go, and its tensors are garbage. Left alone they would fill the pool until it must grow;
// what is still referred to then lives through two collections and is out of a minor one's reach.
void Environment::reclaim() {
  const auto live = [] {
    size_t bytes = 0;
    for_each_device([&](Device& device) { bytes += device.memory().stats().live; });
    return bytes;
  };
  const size_t worth_it = live_after_reclaim_ + std::max(live_after_reclaim_ / 4, kReclaimFloor);
  if (live() <= worth_it) return;
  collect(false);
  if (live() > worth_it && may_collect_major()) collect(true);
  live_after_reclaim_ = live();
}

void Environment::collect(bool major) {
  if (!collect_) return;
  collections++;
  const int64_t started = now_ns();
  {
    Scope scope(env);
    napi_value function, receiver, argument, result;
    napi_get_reference_value(env, collect_, &function);
    napi_get_undefined(env, &receiver);
    napi_get_boolean(env, major, &argument);
    if (napi_call_function(env, receiver, function, 1, &argument, &result) != napi_ok) {
      napi_value error;  // collect() is ours and does not throw; a terminating Worker does
      napi_get_and_clear_last_exception(env, &error);
      return;
    }
  }
  sweep();
  if (major) {
    last_major_ns_ = now_ns();
    last_major_took_ns_ = last_major_ns_ - started;
  }
}

void Environment::sweep() {
  tensors.sweep(env, false);
  live_after_sweep_ = tensors.live();
  for_each_device([](Device& device) { device.live_after_sweep.store(device.memory().stats().live); });
  Scope scope(env);
  napi_value sentinel;
  if (sentinel_) napi_delete_reference(env, sentinel_);
  sentinel_ = nullptr;
  if (napi_create_object(env, &sentinel) == napi_ok) napi_create_reference(env, sentinel, 0, &sentinel_);
}

// A collection of V8's own killed the sentinel: sweep what it found. Without one, tensors so small that bytes never
// press are bounded by their number.
void Environment::look_for_garbage() {
  next_look_ = calls_ + 1024;
  const int created = tensors.live() - live_after_sweep_;
  if (created > live_after_sweep_ + kHandleFloor) {
    collect(false);
    if (tensors.live() > 2 * live_after_sweep_ + kHandleFloor) collect(true);
    return;
  }
  if (created < live_after_sweep_ / 2 + 256) return;
  Scope scope(env);
  napi_value alive = nullptr;
  if (sentinel_) napi_get_reference_value(env, sentinel_, &alive);
  if (!alive) sweep();
}

void Environment::begin_wait(uint64_t token, napi_value buffer) {
  napi_ref ref = nullptr;
  if (buffer) napi_create_reference(env, buffer, 1, &ref);
  if (waiting_.empty()) napi_ref_threadsafe_function(env, wake_);
  waiting_[token] = ref;
}

void Environment::deliver() {
  Scope scope(env);
  napi_value function, receiver;
  napi_get_reference_value(env, settled_, &function);
  napi_get_undefined(env, &receiver);
  for (auto& [token, fault] : session->take_settled()) {
    napi_value arguments[4];
    napi_create_double(env, static_cast<double>(token), &arguments[0]);
    arguments[1] = receiver;
    const auto waiting = waiting_.find(token);
    if (waiting != waiting_.end()) {
      if (waiting->second) {
        napi_get_reference_value(env, waiting->second, &arguments[1]);
        napi_delete_reference(env, waiting->second);
      }
      waiting_.erase(waiting);
      if (waiting_.empty()) napi_unref_threadsafe_function(env, wake_);
    }
    size_t count = 2;
    if (fault) {
      fault->reported.store(true);
      napi_create_string_utf8(env, fault->code.c_str(), NAPI_AUTO_LENGTH, &arguments[2]);
      napi_create_string_utf8(env, fault->message.c_str(), NAPI_AUTO_LENGTH, &arguments[3]);
      count = 4;
    }
    napi_value result;
    if (napi_call_function(env, receiver, function, count, arguments, &result) != napi_ok) return;
  }
}

// The environment ends (Worker terminated, or Node shuts down in order). Its commands are skipped from now on; once
// they have left the queue nothing refers to this session any more.
void Environment::finish() {
  session->end();
  for_each_device([](Device& device) {
    CommandQueue& queue = device.stream().queue();
    queue.wait_completed(queue.pushed());
  });
  tensors.sweep(env, true);
  napi_release_threadsafe_function(wake_, napi_tsfn_abort);
  delete this;
}

}  // namespace neurite
