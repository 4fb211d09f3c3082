// Bytes in and out: uploads and read-backs.
#include <cstring>

#include "addon/bytes.h"
#include "addon/call.h"
#include "addon/exports.h"
#include "addon/guarded.h"

namespace neurite {

namespace {

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
};

void run_upload(Command* self, nr_context* ctx) {
  auto* upload = self->arguments<Upload>();
  const FaultPtr fault = Stream::of(ctx).copy_in(self->name, upload->target.data, upload->staged, upload->bytes);
  std::free(upload->staged);
  if (!fault) return;
  self->storages()[0]->fault = fault;
  self->session->add_fault(fault);
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
    Stream& stream = call.device()->stream();
    if (!stream.accelerator() && call.first_output()->idle_from <= stream.queue().completed()) {
      if (source.size) std::memcpy(upload.target.data, source.data, source.size);
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
  uint64_t token;   // 0: somebody waits in readSync
  FaultPtr* fault;  // where readSync looks
};

void run_read_back(Command* self, nr_context* ctx) {
  auto* read = self->arguments<ReadBack>();
  Storage& source = *self->storages()[0];
  settle_checks(source);
  FaultPtr fault = source.fault;
  if (!fault) {
    self->session->while_alive(
        [&] { fault = Stream::of(ctx).copy_out(self->name, read->target, read->source.data, read->bytes); });
    settle_checks(source);
    if (source.fault) fault = source.fault;
  }
  if (read->fault) {
    *read->fault = fault;
  } else {
    self->session->settle(read->token, fault);
  }
}

// Enqueues the read-back of the tensor whose id is in the block into a new ArrayBuffer, on `queue`.
std::string enqueue_read(Environment& environment, uint64_t token, FaultPtr* fault, napi_value* buffer,
                         CommandQueue** queue = nullptr) {
  Call call(environment, "data");
  ReadBack read{};
  call.read_tensor(read.source);
  if (!call.ok() || !call.fits(sizeof read)) return call.problem();
  read.bytes = bytes_of(read.source);
  if (!is_contiguous(read.source)) {
    call.refuse("INVALID_ARGUMENT", "expected a contiguous tensor, got " + describe(read.source));
    return call.problem();
  }
  if (napi_create_arraybuffer(environment.env, read.bytes, &read.target, buffer) != napi_ok) throw std::bad_alloc();
  read.token = token;
  read.fault = fault;
  Command header{};
  header.run = run_read_back;
  header.always = true;
  if (!fault) environment.begin_wait(token, *buffer);
  call.enqueue(header, &read, sizeof read);
  if (queue) *queue = &call.device()->stream().queue();
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

// readSync(); block: id. Returns the ArrayBuffer, or what is wrong. Blocks.
napi_value read_sync(napi_env env, napi_callback_info) {
  napi_value buffer = nullptr;
  napi_value problem = guarded(env, [&](Environment& environment) -> std::string {
    FaultPtr fault;
    CommandQueue* queue = nullptr;
    const std::string refused = enqueue_read(environment, 0, &fault, &buffer, &queue);
    if (!refused.empty()) return refused;
    queue->wait_completed(queue->pushed());
    return problem_of(fault);
  });
  return problem ? problem : buffer;
}

}  // namespace

void export_transfers(Exports& exports) {
  exports.add("upload", upload);
  exports.add("read", read);
  exports.add("readSync", read_sync);
}

}  // namespace neurite
