// Bytes in and out: uploads, read-backs, and waiting for the stream.
#include <cstring>

#include "addon/call.h"
#include "addon/exports.h"
#include "addon/guarded.h"
#include "runtime/describe.h"

namespace neurite {

namespace {

size_t bytes_of(const nr_tensor& t) {
  size_t bytes = dtype_size(t.dtype);
  for (int d = 0; d < t.ndim; d++) bytes *= static_cast<size_t>(t.shape[d]);
  return bytes;
}

struct Bytes {
  void* data = nullptr;
  size_t size = 0;
  bool valid = false;
};

Bytes bytes_of_view(napi_env env, napi_value value) {
  Bytes bytes;
  bool is_typed = false;
  if (!value || napi_is_typedarray(env, value, &is_typed) != napi_ok || !is_typed) return bytes;
  napi_typedarray_type type;
  size_t length = 0;
  napi_get_typedarray_info(env, value, &type, &length, &bytes.data, nullptr, nullptr);
  static const size_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  if (static_cast<size_t>(type) >= sizeof sizes / sizeof *sizes) return bytes;
  bytes.size = length * sizes[type];
  bytes.valid = true;
  return bytes;
}

struct Upload {
  nr_tensor target;
  void* staged;  // owned
  size_t bytes;
  const MemorySource* memory;
};

void run_upload(Command* self, nr_context*) {
  auto* upload = self->arguments<Upload>();
  upload->memory->copy_in(upload->target.data, upload->staged, upload->bytes);
  std::free(upload->staged);
}

// upload(owner, typedArray); block: the new tensor. The bytes are copied before the call returns.
napi_value upload(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2] = {};
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  return guarded(env, [&](Environment& environment) -> std::string {
    Call call(environment, "tensor");
    Upload upload{};
    call.read_target(upload.target);
    if (call.ok() && environment.buffers.outputs.empty()) call.refuse("INVALID_ARGUMENT", "expected a new tensor");
    if (!call.ok() || !call.fits(sizeof upload)) return call.problem();
    const Bytes source = bytes_of_view(env, arguments[1]);
    upload.bytes = bytes_of(upload.target);
    if (!source.valid || source.size != upload.bytes) {
      call.refuse("INVALID_ARGUMENT", "expected " + std::to_string(upload.bytes) + " bytes for " +
                                          describe(upload.target) + ", got " + std::to_string(source.size));
      return call.problem();
    }
    if (!call.allocate_outputs(arguments, 1)) return call.problem();
    upload.memory = &call.device()->memory().source();
    if (call.first_output()->idle_from <= call.device()->stream().queue().completed()) {
      upload.memory->copy_in(upload.target.data, source.data, source.size);
      return {};
    }
    upload.staged = std::malloc(source.size + 1);
    if (!upload.staged) throw std::bad_alloc();
    if (source.size) std::memcpy(upload.staged, source.data, source.size);
    Command header{};
    header.run = run_upload;
    header.always = true;
    call.enqueue(header, &upload, sizeof upload);
    return {};
  });
}

struct ReadBack {
  nr_tensor source;
  void* target;
  size_t bytes;
  const MemorySource* memory;
  uint64_t token;   // 0: somebody waits in readSync
  FaultPtr* fault;  // where readSync looks
};

void run_read_back(Command* self, nr_context*) {
  auto* read = self->arguments<ReadBack>();
  const FaultPtr fault = self->storages()[0]->fault;
  if (!fault) self->session->while_alive([&] { read->memory->copy_out(read->target, read->source.data, read->bytes); });
  if (read->fault) {
    *read->fault = fault;
  } else {
    self->session->settle(read->token, fault);
  }
}

// Enqueues the read-back of the tensor whose id is in the block into a new ArrayBuffer.
std::string enqueue_read(Environment& environment, uint64_t token, FaultPtr* fault, napi_value* buffer) {
  Call call(environment, "data");
  ReadBack read{};
  call.read_tensor(read.source);
  if (!call.ok() || !call.fits(sizeof read)) return call.problem();
  read.bytes = bytes_of(read.source);
  int64_t expected = 1;
  for (int d = read.source.ndim - 1; d >= 0 && read.bytes > 0; d--) {
    if (read.source.shape[d] > 1 && read.source.stride[d] != expected) {
      call.refuse("INVALID_ARGUMENT", "expected a contiguous tensor, got " + describe(read.source));
      return call.problem();
    }
    expected *= read.source.shape[d];
  }
  if (napi_create_arraybuffer(environment.env, read.bytes, &read.target, buffer) != napi_ok) throw std::bad_alloc();
  read.memory = &call.device()->memory().source();
  read.token = token;
  read.fault = fault;
  Command header{};
  header.run = run_read_back;
  header.always = true;
  if (!fault) environment.begin_wait(token, *buffer);
  call.enqueue(header, &read, sizeof read);
  return {};
}

// read(token); block: id. Later settled(token, buffer) or settled(token, undefined, code, message) is called.
napi_value read(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  return guarded(env, [&](Environment& environment) -> std::string {
    double token = 0;
    if (napi_get_value_double(env, argument, &token) != napi_ok || !(token >= 1 && token < 9e15))
      return "INVALID_ARGUMENT: data: expected a token";
    napi_value buffer;
    return enqueue_read(environment, static_cast<uint64_t>(token), nullptr, &buffer);
  });
}

std::string fault_text(const FaultPtr& fault) {
  fault->reported.store(true);
  return fault->code + ": " + fault->message;
}

// readSync(); block: id. Returns the ArrayBuffer, or what is wrong. Blocks.
napi_value read_sync(napi_env env, napi_callback_info) {
  napi_value buffer = nullptr;
  napi_value problem = guarded(env, [&](Environment& environment) -> std::string {
    FaultPtr fault;
    const std::string refused = enqueue_read(environment, 0, &fault, &buffer);
    if (!refused.empty()) return refused;
    CommandQueue& queue = cpu_device().stream().queue();
    queue.wait_completed(queue.pushed());
    return fault ? fault_text(fault) : "";
  });
  return problem ? problem : buffer;
}

struct Fence {
  uint64_t token;
};

// synchronize(token): settles when all that was enqueued has run; with the first fault nobody has heard of, if any.
napi_value synchronize(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  return guarded(env, [&](Environment& environment) -> std::string {
    double token = 0;
    if (napi_get_value_double(env, argument, &token) != napi_ok || !(token >= 1 && token < 9e15))
      return "INVALID_ARGUMENT: synchronize: expected a token";
    const Fence fence{static_cast<uint64_t>(token)};
    Command header{};
    header.name = "synchronize";
    header.session = environment.session.get();
    header.always = true;
    header.arguments_bytes = 16;
    header.bytes = (sizeof(Command) + 16 + 63) / 64 * 64;
    header.run = [](Command* self, nr_context*) {
      self->session->settle(self->arguments<Fence>()->token, self->session->take_first_unreported());
    };
    alignas(16) std::byte arguments[16] = {};
    std::memcpy(arguments, &fence, sizeof fence);
    environment.begin_wait(fence.token, nullptr);
    cpu_device().stream().queue().push(header, arguments, nullptr, nullptr);
    return {};
  });
}

napi_value synchronize_sync(napi_env env, napi_callback_info) {
  return guarded(env, [&](Environment& environment) -> std::string {
    CommandQueue& queue = cpu_device().stream().queue();
    queue.wait_completed(queue.pushed());
    const FaultPtr fault = environment.session->take_first_unreported();
    return fault ? fault_text(fault) : "";
  });
}

// firstFault(): a fault that was never reported, without waiting.
napi_value first_fault(napi_env env, napi_callback_info) {
  return guarded(env, [&](Environment& environment) -> std::string {
    const FaultPtr fault = environment.session->take_first_unreported();
    return fault ? fault_text(fault) : "";
  });
}

}  // namespace

void export_transfers(Exports& exports) {
  exports.add("upload", upload);
  exports.add("read", read);
  exports.add("readSync", read_sync);
  exports.add("synchronize", synchronize);
  exports.add("synchronizeSync", synchronize_sync);
  exports.add("firstFault", first_fault);
}

}  // namespace neurite
