#include "runtime/accelerator.h"

namespace neurite {

std::unique_ptr<Accelerator> Accelerator::open(const nr_device_library& library, int32_t index, nr_error* error) {
  nr_device* device = library.open(index, error);
  return device ? std::make_unique<Accelerator>(library, device) : nullptr;
}

void Accelerator::begin_command(Command& command, nr_device_context& context) {
  context.check = 0;
  context.unless_count = 0;
  if (!checks_.begin(command)) {
    synchronize(command.name);
    checks_.begin(command);
  }
  if (command.in_place > 0) checks_.name(context);
}

void Accelerator::end_command(Command& command, nr_device_context& context) {
  library_.end_command(device_);
  checks_.end(command, context.check);
}

FaultPtr Accelerator::copy_in(const char* op, void* to, const void* from, size_t bytes) {
  nr_error error{};
  if (bytes == 0 || library_.copy_in(device_, to, from, bytes, &error)) return nullptr;
  return std::make_shared<Fault>(error.code, std::string(op) + ": " + error.text);
}

FaultPtr Accelerator::copy_out(const char* op, void* to, const void* from, size_t bytes) {
  if (bytes == 0) return synchronize(op);
  nr_error error{};
  const bool went_well = library_.copy_out(device_, to, from, bytes, &error);
  return settled(op, went_well, error);
}

FaultPtr Accelerator::synchronize(const char* op) {
  nr_error error{};
  const bool went_well = library_.synchronize(device_, &error);
  return settled(op, went_well, error);
}

FaultPtr Accelerator::settled(const char* op, bool went_well, const nr_error& error) {
  if (!went_well) {
    checks_.fail(error);
    return std::make_shared<Fault>(error.code, std::string(op) + ": " + error.text);
  }
  if (checks_.empty()) return nullptr;
  std::vector<nr_failed_check> failed;
  constexpr int32_t kRoom = 16;
  for (int32_t found = kRoom; found == kRoom;) {
    failed.resize(failed.size() + kRoom);
    found = library_.failed_checks(device_, failed.data() + failed.size() - kRoom, kRoom);
    failed.resize(failed.size() - kRoom + static_cast<size_t>(found));
  }
  checks_.resolve(failed);
  return nullptr;
}

}  // namespace neurite
