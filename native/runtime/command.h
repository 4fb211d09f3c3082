// A command is plain data: a kernel pointer, its arguments, the storages it touches. It can be copied byte by byte, so
// a queue is a ring of bytes and a recording is a copy of it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "backend.h"
#include "runtime/storage.h"

namespace neurite {

class Session;

struct alignas(16) Command {
  // Runs the kernel with the arguments that follow the header; nullptr marks the unused end of the ring.
  void (*run)(Command* self, nr_context* ctx);
  void (*kernel)();  // the kernel, its type erased; `run` knows it
  const char* name;
  std::string (*describe)(Command* self);  // the arguments in words, for traces; may be nullptr
  Session* session;
  int64_t enqueued_ns;  // only while profiling
  uint32_t bytes;       // of the whole command, a multiple of 64
  uint32_t arguments_bytes;
  uint32_t list_tensors;  // tensors of list arguments, after the arguments
  // Storages, after the list tensors: those read, the new outputs, then the targets written in place.
  uint16_t reads, fresh, in_place;
  // Housekeeping (read-backs, fences) runs even when its session is gone or its input is marked.
  bool always;

  template <class T>
  T* arguments() {
    return reinterpret_cast<T*>(this + 1);
  }
  nr_tensor* lists() { return reinterpret_cast<nr_tensor*>(arguments<std::byte>() + arguments_bytes); }
  Storage** storages() { return reinterpret_cast<Storage**>(lists() + list_tensors); }
};

}  // namespace neurite
