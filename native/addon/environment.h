// One JavaScript environment: its tensors, its argument block, its session, and the collection of dead tensors.
#pragma once
#include <node_api.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "addon/tensor_table.h"
#include "runtime/devices.h"
#include "runtime/session.h"

namespace neurite {

// The lists of the call in progress, kept between calls so that they cost no allocation.
struct CallBuffers {
  struct Output {
    nr_tensor* view;
    size_t id_at;  // where in the argument block its id belongs
  };
  std::vector<nr_tensor> lists;  // the tensors of list arguments
  std::vector<Storage*> reads, fresh, in_place, all;
  std::vector<Output> outputs;
  void clear() {
    lists.clear();
    reads.clear();
    fresh.clear();
    in_place.clear();
    outputs.clear();
  }
};

class Environment {
 public:
  static Environment* create(napi_env env);

  napi_env env;
  TensorTable tensors;
  std::shared_ptr<Session> session;
  const double* block = nullptr;  // the argument block: JavaScript writes, native reads
  double* block_out = nullptr;    // the same memory: ids of new tensors go back
  size_t block_size = 0;
  CallBuffers buffers;

  // Keeps the block and the two functions JavaScript gave: collect(major) and settled(token, buffer, code, message).
  std::string setup(napi_value block, napi_value collect, napi_value settled);

  // A block of memory for a new tensor. May run JavaScript's garbage collector and sweep: whoever holds storages that
  // only dead tensors own must have retained them. data == nullptr: out of memory, `problem` says so.
  Block allocate(Device& device, size_t bytes, std::string* problem);

  // Collects when tensors have piled up without bytes to show for it; cheap otherwise.
  void maybe_sweep() {
    if (++calls_ >= next_look_) look_for_garbage();
  }
  void collect(bool major);
  // A graph has just been let go: collects if enough bytes have hung on it.
  void reclaim();
  uint64_t collections = 0;

  // JavaScript waits for `token`; while anything waits, Node stays alive. `buffer` (may be nullptr) is kept, out of
  // JavaScript's reach, until it is handed over with the token.
  void begin_wait(uint64_t token, napi_value buffer);

 private:
  explicit Environment(napi_env env) : env(env) {}
  void look_for_garbage();
  void sweep();
  bool may_collect_major() const;
  void deliver();
  void finish();

  napi_ref block_ref_ = nullptr;
  napi_ref collect_ = nullptr;
  napi_ref settled_ = nullptr;
  napi_ref sentinel_ = nullptr;  // dead as soon as V8 has collected anything
  napi_threadsafe_function wake_ = nullptr;
  std::unordered_map<uint64_t, napi_ref> waiting_;
  uint32_t calls_ = 0, next_look_ = 1024;
  int live_after_sweep_ = 0;
  size_t live_after_reclaim_ = 0;
  int64_t last_major_ns_ = 0, last_major_took_ns_ = 0;

  friend struct EnvironmentHooks;
};

}  // namespace neurite
