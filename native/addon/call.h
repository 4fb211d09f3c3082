// One call from JavaScript on its way to a command: reads the argument block, resolves ids, checks, allocates the new
// outputs and enqueues. Layout of each argument in the block (all numbers are doubles):
//   tensor             id
//   tensor, written    id of an existing tensor | 0, dtype, device, ndim, shape…  (a new one; its id replaces the 0)
//   optional tensor    0 | 1, then a tensor          operand   1, then a tensor | 0, dtype, scalar
//   list of tensors    count, ids…                   ints      count, values…
//   scalar             0, number | 1, high 32 bits, low 32 bits          philox   seed high, seed low, offset
//   double, int64_t, bool   the number
#pragma once
#include <string>
#include <vector>

#include "addon/environment.h"
#include "runtime/command.h"

namespace neurite {

class Call {
 public:
  Call(Environment& environment, const char* name);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Environment& environment;

  bool ok() const { return problem_.empty(); }
  const std::string& problem() const { return problem_; }
  // Keeps the first problem: "CODE: kernel: expected …, got …".
  void refuse(const char* code, const std::string& text);

  double next();
  int64_t next_integer(const char* what, int64_t low, int64_t high);
  void read_tensor(nr_tensor& t);
  void read_target(nr_tensor& t);  // a new output or an existing tensor
  // A tensor of any device, which is no part of this command; nullptr for none.
  Storage* read_elsewhere(nr_tensor& t);
  void read_scalar(nr_scalar& value);
  void read_operand(nr_operand& operand);
  // Appends count tensors to lists(); returns how many.
  int64_t read_list(bool written);

  // All tensors that came, in words: for the message of a contract that was not met.
  std::string describe_tensors(const std::vector<const nr_tensor*>& tensors) const;

  // Allocates what read_target announced; owners[i] is the JavaScript object of the i-th new output.
  bool allocate_outputs(const napi_value* owners, size_t count);
  // Refuses a call without a tensor, or with more of them than a command can carry.
  bool fits(size_t arguments_bytes);
  // Copies header and arguments into the stream.
  void enqueue(Command& header, const void* arguments, size_t arguments_bytes);

  nr_tensor* lists() { return buffers_.lists.data(); }
  size_t list_tensors() const { return buffers_.lists.size(); }
  Device* device() const { return device_; }
  Storage* first_output() const { return buffers_.fresh[0]; }

 private:
  TensorTable::Entry* find();
  TensorTable::Entry* resolve();
  bool same_device(Device* device);
  void read_new(nr_tensor& t, size_t id_at);
  Storage* allocate_one(nr_tensor& view);

  const char* name_;
  CallBuffers& buffers_;
  std::string problem_;
  size_t at_ = 0;
  Device* device_ = nullptr;
  bool retained_ = false;  // the storages read are held beyond the life of their tensors
};

}  // namespace neurite
