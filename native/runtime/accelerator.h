// A device of a library as the runtime drives it: its memory, its copies, and its kernels' checks. Whatever fails here
// comes back as a fault.
#pragma once
#include <memory>
#include <vector>

#include "device_library.h"
#include "runtime/allocator.h"
#include "runtime/checks.h"

namespace neurite {

class Accelerator final : public MemorySource {
 public:
  // nullptr: `error` says why.
  static std::unique_ptr<Accelerator> open(const nr_device_library& library, int32_t index, nr_error* error);
  Accelerator(const nr_device_library& library, nr_device* device) : library_(library), device_(device) {}
  ~Accelerator() override { library_.close(device_); }

  const nr_device_library& library() const { return library_; }
  void* allocate(size_t bytes) override { return library_.allocate(device_, bytes); }
  void release(void* block, size_t bytes) override { library_.release(device_, block, bytes); }

  // What follows belongs to the thread that runs the device's commands.
  void prepare(nr_device_context& context) { library_.prepare(device_, &context); }
  void* scratch(size_t bytes) { return library_.scratch(device_, bytes); }
  void begin_command(Command& command, nr_device_context& context);
  void end_command(Command& command, nr_device_context& context);
  void set_precision(nr_precision matmul, nr_precision conv) { library_.set_precision(device_, matmul, conv); }

  // `op` is named in the fault. The latter two return when all that was enqueued has happened; its checks are known
  // then.
  FaultPtr copy_in(const char* op, void* to, const void* from, size_t bytes);
  FaultPtr copy_out(const char* op, void* to, const void* from, size_t bytes);
  FaultPtr synchronize(const char* op);

 private:
  FaultPtr settled(const char* op, bool went_well, const nr_error& error);

  const nr_device_library& library_;
  nr_device* device_;
  PendingChecks checks_;
};

}  // namespace neurite
