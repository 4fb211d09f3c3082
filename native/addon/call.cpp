#include "addon/call.h"

#include <cmath>

#include "runtime/describe.h"

namespace neurite {

namespace {

constexpr int64_t kSafe = int64_t{1} << 53;

std::string number(double value) {
  if (value == std::floor(value) && std::fabs(value) < 1e15) return std::to_string(static_cast<int64_t>(value));
  return std::to_string(value);
}

}  // namespace

Call::Call(Environment& environment, const char* name)
    : environment(environment), name_(name), buffers_(environment.buffers) {
  buffers_.clear();
}

Call::~Call() {
  if (retained_) {
    for (Storage* storage : buffers_.reads) storage->device->release(storage);
    for (Storage* storage : buffers_.in_place) storage->device->release(storage);
  }
  environment.maybe_sweep();
}

void Call::refuse(const char* code, const std::string& text) {
  if (problem_.empty()) problem_ = std::string(code) + ": " + name_ + ": " + text;
}

double Call::next() {
  if (at_ < environment.block_size) return environment.block[at_++];
  refuse("INVALID_ARGUMENT", "expected at most " + std::to_string(environment.block_size) + " numbers in the block");
  return 0;
}

int64_t Call::next_integer(const char* what, int64_t low, int64_t high) {
  const double value = next();
  if (value >= static_cast<double>(low) && value <= static_cast<double>(high) && value == std::floor(value))
    return static_cast<int64_t>(value);
  refuse("INVALID_ARGUMENT", std::string("expected ") + what + " between " + std::to_string(low) + " and " +
                                 std::to_string(high) + ", got " + number(value));
  return low;
}

TensorTable::Entry* Call::find() {
  const double id = next();
  TensorTable::Entry* entry = nullptr;
  if (id > 0 && id <= INT32_MAX && id == std::floor(id)) entry = environment.tensors.find(static_cast<int64_t>(id));
  if (!entry) {
    refuse("DISPOSED_TENSOR", "expected a live tensor, got the id " + number(id) + " of a disposed or unknown one");
    return nullptr;
  }
  return entry;
}

TensorTable::Entry* Call::resolve() {
  TensorTable::Entry* entry = find();
  return entry && same_device(entry->storage->device) ? entry : nullptr;
}

bool Call::same_device(Device* device) {
  if (!device_) device_ = device;
  if (device_ == device) return true;
  refuse("DEVICE_MISMATCH", "expected all tensors on one device, got " + device_->name() + " and " + device->name() +
                                "; move them with to(device)");
  return false;
}

void Call::read_tensor(nr_tensor& t) {
  t = {};
  if (TensorTable::Entry* entry = resolve()) {
    t = entry->view;
    buffers_.reads.push_back(entry->storage);
  }
}

Storage* Call::read_elsewhere(nr_tensor& t) {
  t = {};
  TensorTable::Entry* entry = find();
  if (!entry) return nullptr;
  t = entry->view;
  return entry->storage;
}

void Call::read_target(nr_tensor& t) {
  t = {};
  const size_t id_at = at_;
  if (id_at < environment.block_size && environment.block[id_at] == 0) {
    next();
    read_new(t, id_at);
  } else if (TensorTable::Entry* entry = resolve()) {
    t = entry->view;
    buffers_.in_place.push_back(entry->storage);
  }
}

void Call::read_new(nr_tensor& t, size_t id_at) {
  t.dtype = static_cast<int32_t>(next_integer("a dtype code", 0, nr_dtype_count - 1));
  const int index = static_cast<int>(next_integer("a device number", 0, kMaxDevices - 1));
  t.ndim = static_cast<int32_t>(next_integer("a number of dimensions", 0, NR_MAX_DIMS));
  Device* device = device_at(index);
  if (!device) return refuse("DEVICE_MISMATCH", "expected an open device, got number " + std::to_string(index));
  same_device(device);
  for (int d = 0; d < t.ndim; d++) t.shape[d] = next_integer("a size", 0, kSafe);
  int64_t stride = 1;
  bool empty = false;
  for (int d = t.ndim - 1; d >= 0; d--) {
    t.stride[d] = stride;
    empty |= t.shape[d] == 0;
    if (t.shape[d] > 1 && __builtin_mul_overflow(stride, t.shape[d], &stride)) stride = kSafe;
    if (stride > kSafe / 16) stride = kSafe / 16;
  }
  if (!empty && stride >= kSafe / 16)
    refuse("OUT_OF_MEMORY", "expected a tensor that fits in memory, got " + describe(t));
  buffers_.outputs.push_back({&t, id_at});
}

void Call::read_scalar(nr_scalar& value) {
  value = {};
  const bool wide = next_integer("a kind of scalar", 0, 1) == 1;
  if (wide) {
    const auto high = next_integer("the high half of an integer", INT32_MIN, INT32_MAX);
    const auto low = next_integer("the low half of an integer", 0, UINT32_MAX);
    value.i = static_cast<int64_t>(static_cast<uint64_t>(high) << 32 | static_cast<uint64_t>(low));
    value.f = static_cast<double>(value.i);
    value.is_integer = true;
    return;
  }
  value.f = next();
  const bool fits = value.f >= -9.2e18 && value.f <= 9.2e18;
  value.i = fits ? static_cast<int64_t>(value.f) : value.f > 0 ? INT64_MAX : value.f < 0 ? INT64_MIN : 0;
}

void Call::read_operand(nr_operand& operand) {
  operand = {};
  if (next_integer("a kind of operand", 0, 1) == 1) return read_tensor(operand.tensor);
  operand.tensor.dtype = static_cast<int32_t>(next_integer("a dtype code", 0, nr_dtype_count - 1));
  nr_scalar value;
  read_scalar(value);
  operand.immediate = encode_scalar(operand.tensor.dtype, value);
}

int64_t Call::read_list(bool written) {
  const int64_t count = next_integer("a number of tensors", 0, 65535);
  for (int64_t i = 0; i < count && ok(); i++) {
    TensorTable::Entry* entry = resolve();
    if (!entry) break;
    buffers_.lists.push_back(entry->view);
    (written ? buffers_.in_place : buffers_.reads).push_back(entry->storage);
  }
  return count;
}

std::string Call::describe_tensors(const std::vector<const nr_tensor*>& tensors) const {
  std::string text;
  for (const nr_tensor* t : tensors) text += (text.empty() ? "" : ", ") + describe(*t);
  return text;
}

Storage* Call::allocate_one(nr_tensor& view) {
  size_t bytes = dtype_size(view.dtype);
  for (int d = 0; d < view.ndim; d++) bytes *= static_cast<size_t>(view.shape[d]);
  CachingAllocator& memory = device_->memory();
  Block block = memory.take(bytes);
  if (!block.data) {
    // The collector may run now, and the tensors that came may already be garbage to V8.
    if (!retained_) {
      retained_ = true;
      for (Storage* storage : buffers_.reads) storage->handles.fetch_add(1);
      for (Storage* storage : buffers_.in_place) storage->handles.fetch_add(1);
    }
    block = environment.allocate(*device_, bytes, &problem_);
    if (!block.data) return nullptr;
  }
  Storage* storage = device_->adopt(block, bytes);
  view.data = storage->data;
  return storage;
}

bool Call::allocate_outputs(const napi_value* owners, size_t count) {
  if (buffers_.outputs.size() > count) {
    refuse("INVALID_ARGUMENT", "expected an object for each new output");
    return false;
  }
  size_t made = 0;
  for (auto& [view, id_at] : buffers_.outputs) {
    Storage* storage = allocate_one(*view);
    napi_ref owner = nullptr;
    int32_t id = 0;
    if (storage) {
      if (napi_create_reference(environment.env, owners[made], 0, &owner) != napi_ok) {
        refuse("INVALID_ARGUMENT", "expected an object for each new output");
      } else {
        if (environment.tensors.full()) environment.collect(true);
        id = environment.tensors.insert(*view, storage, owner);
        if (!id) refuse("OUT_OF_MEMORY", "expected at most 2,097,152 live tensors");
      }
      if (!id) {
        if (owner) napi_delete_reference(environment.env, owner);
        device_->release(storage);
      }
    }
    if (!id) {  // undo: an output that nobody will fill must not stay
      for (size_t i = 0; i < made; i++) {
        double& earlier = environment.block_out[buffers_.outputs[i].id_at];
        environment.tensors.erase(environment.env, static_cast<int32_t>(earlier));
        earlier = 0;
      }
      return false;
    }
    environment.block_out[id_at] = id;
    buffers_.fresh.push_back(storage);
    made++;
  }
  return true;
}

bool Call::fits(size_t arguments_bytes) {
  if (!device_) {
    refuse("INVALID_ARGUMENT", "expected at least one tensor");
    return false;
  }
  const size_t storages = buffers_.reads.size() + buffers_.outputs.size() + buffers_.in_place.size();
  const size_t bytes = arguments_bytes + buffers_.lists.size() * sizeof(nr_tensor) + storages * sizeof(Storage*);
  if (storages > UINT16_MAX || bytes > CommandQueue::kLargestCommand / 2)
    refuse("INVALID_ARGUMENT", "expected fewer tensors in one call, got " + std::to_string(storages));
  return ok();
}

void Call::enqueue(Command& header, const void* arguments, size_t arguments_bytes) {
  Stream& stream = device_->stream();
  header.name = name_;
  header.session = environment.session.get();
  header.enqueued_ns = stream.profiler().active() ? now_ns() : 0;
  header.arguments_bytes = static_cast<uint32_t>(arguments_bytes);
  header.list_tensors = static_cast<uint32_t>(buffers_.lists.size());
  header.reads = static_cast<uint16_t>(buffers_.reads.size());
  header.fresh = static_cast<uint16_t>(buffers_.fresh.size());
  header.in_place = static_cast<uint16_t>(buffers_.in_place.size());
  auto& all = buffers_.all;
  all.assign(buffers_.reads.begin(), buffers_.reads.end());
  all.insert(all.end(), buffers_.fresh.begin(), buffers_.fresh.end());
  all.insert(all.end(), buffers_.in_place.begin(), buffers_.in_place.end());
  const size_t bytes =
      sizeof(Command) + arguments_bytes + buffers_.lists.size() * sizeof(nr_tensor) + all.size() * sizeof(Storage*);
  header.bytes = static_cast<uint32_t>((bytes + 63) / 64 * 64);
  stream.queue().push(header, arguments, buffers_.lists.data(), all.data());
}

}  // namespace neurite
