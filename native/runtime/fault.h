// What went wrong in a command. A fault belongs to tensors, not to the stream: it marks the storages that the failed
// command should have written, and every command that reads a marked storage passes the mark on.
#pragma once
#include <atomic>
#include <memory>
#include <string>

namespace neurite {

struct Fault {
  std::string code;     // stable word: INDEX_OUT_OF_RANGE, OUT_OF_MEMORY, WORKER_TERMINATED
  std::string message;  // names the kernel, what was expected and what came
  mutable std::atomic<bool> reported{false};

  Fault(std::string code_, std::string message_) : code(std::move(code_)), message(std::move(message_)) {}
};

using FaultPtr = std::shared_ptr<const Fault>;

}  // namespace neurite
