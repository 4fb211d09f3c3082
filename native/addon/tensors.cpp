// Tensors that come into being without a kernel: views, and tensors that travel between Workers.
#include <map>
#include <mutex>

#include "addon/call.h"
#include "addon/exports.h"
#include "addon/guarded.h"
#include "runtime/describe.h"

namespace neurite {

namespace {

using Wide = __int128;

// True if every element of `view`, which starts `offset` elements after `base`, lies inside the storage.
bool lies_inside(const nr_tensor& view, const nr_tensor& base, const Storage& storage, int64_t offset) {
  const auto size = static_cast<int64_t>(dtype_size(base.dtype));
  const Wide start = (static_cast<char*>(base.data) - static_cast<char*>(storage.data)) / size + Wide{offset};
  Wide low = start, high = start, count = 1;
  for (int d = 0; d < view.ndim; d++) {
    count *= view.shape[d];
    const Wide reach = Wide{view.shape[d] - 1} * view.stride[d];
    (reach < 0 ? low : high) += reach;
    if (count > Wide{1} << 53) return false;
  }
  if (count == 0) return start >= 0 && start * size <= static_cast<Wide>(storage.bytes);
  return low >= 0 && (high + 1) * size <= static_cast<Wide>(storage.bytes);
}

// Enters a tensor that shares `storage` into the table; its id goes to the front of the block.
std::string insert(Environment& environment, const nr_tensor& view, Storage* storage, napi_value owner) {
  napi_ref ref = nullptr;
  if (napi_create_reference(environment.env, owner, 0, &ref) != napi_ok)
    return "INVALID_ARGUMENT: view: expected an object for the new tensor";
  storage->handles.fetch_add(1);
  if (environment.tensors.full()) environment.collect(true);
  const int32_t id = environment.tensors.insert(view, storage, ref);
  environment.block_out[0] = id;
  if (id) return {};
  napi_delete_reference(environment.env, ref);
  storage->device->release(storage);
  return "OUT_OF_MEMORY: view: expected at most 2,097,152 live tensors";
}

// view(owner); block: id, ndim, shape…, stride…, offset relative to the tensor's first element.
napi_value view(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value owner = nullptr;
  napi_get_cb_info(env, info, &count, &owner, nullptr, nullptr);
  return guarded(env, [&](Environment& environment) -> std::string {
    Call call(environment, "view");
    nr_tensor base, result{};
    call.read_tensor(base);
    if (!call.ok()) return call.problem();
    const int64_t limit = int64_t{1} << 53;
    result.dtype = base.dtype;
    result.ndim = static_cast<int32_t>(call.next_integer("a number of dimensions", 0, NR_MAX_DIMS));
    for (int d = 0; d < result.ndim; d++) result.shape[d] = call.next_integer("a size", 0, limit);
    for (int d = 0; d < result.ndim; d++) result.stride[d] = call.next_integer("a stride", -limit, limit);
    const int64_t offset = call.next_integer("an offset", -limit, limit);
    Storage* storage = environment.buffers.reads[0];
    if (call.ok() && !lies_inside(result, base, *storage, offset))
      call.refuse("INVALID_ARGUMENT", "expected a view inside the " + std::to_string(storage->bytes) +
                                          " bytes of its tensor, got " + describe(result));
    if (!call.ok()) return call.problem();
    result.data = static_cast<char*>(base.data) + offset * static_cast<int64_t>(dtype_size(base.dtype));
    return insert(environment, result, storage, owner);
  });
}

// dispose(id): frees the tensor now; an id that is no longer live is left alone.
napi_value dispose(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  return guarded(env, [&](Environment& environment) -> std::string {
    int32_t id = 0;
    if (napi_get_value_int32(env, argument, &id) == napi_ok) environment.tensors.erase(env, id);
    return {};
  });
}

struct Traveller {
  nr_tensor view;
  Storage* storage;
};
std::mutex travellers_mutex;
std::map<uint64_t, Traveller> travellers;
uint64_t next_ticket = 1;

// share(); block: id. The ticket that replaces it can be received once, in any Worker.
napi_value share(napi_env env, napi_callback_info) {
  return guarded(env, [&](Environment& environment) -> std::string {
    Call call(environment, "share");
    nr_tensor t;
    call.read_tensor(t);
    if (!call.ok()) return call.problem();
    Storage* storage = environment.buffers.reads[0];
    storage->handles.fetch_add(1);
    std::lock_guard lock(travellers_mutex);
    environment.block_out[0] = static_cast<double>(next_ticket);
    travellers[next_ticket++] = {t, storage};
    return {};
  });
}

// True if `claimed` describes `t`; strides count only where they lead somewhere.
bool describes(const nr_tensor& claimed, const nr_tensor& t) {
  if (claimed.dtype != t.dtype || claimed.ndim != t.ndim) return false;
  bool empty = false, same_strides = true;
  for (int d = 0; d < t.ndim; d++) {
    if (claimed.shape[d] != t.shape[d]) return false;
    empty |= t.shape[d] == 0;
    same_strides &= t.shape[d] == 1 || claimed.stride[d] == t.stride[d];
  }
  return empty || same_strides;
}

// receive(owner); block: ticket, dtype, device, ndim, shape…, stride… as the sender described it. The id replaces the
// ticket.
napi_value receive(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value owner = nullptr;
  napi_get_cb_info(env, info, &count, &owner, nullptr, nullptr);
  return guarded(env, [&](Environment& environment) -> std::string {
    Call call(environment, "receive");
    const auto ticket = static_cast<uint64_t>(call.next_integer("a ticket", 0, int64_t{1} << 53));
    const int64_t limit = int64_t{1} << 53;
    nr_tensor claimed{};
    claimed.dtype = static_cast<int32_t>(call.next_integer("a dtype code", 0, nr_dtype_count - 1));
    Device* device = device_at(static_cast<int>(call.next_integer("a device number", 0, kMaxDevices - 1)));
    claimed.ndim = static_cast<int32_t>(call.next_integer("a number of dimensions", 0, NR_MAX_DIMS));
    for (int d = 0; d < claimed.ndim; d++) claimed.shape[d] = call.next_integer("a size", 0, limit);
    for (int d = 0; d < claimed.ndim; d++) claimed.stride[d] = call.next_integer("a stride", -limit, limit);
    if (!call.ok()) return call.problem();
    Traveller traveller;
    {
      std::lock_guard lock(travellers_mutex);
      const auto found = travellers.find(ticket);
      if (found == travellers.end())
        return "INVALID_ARGUMENT: receive: expected the ticket of a shared tensor that nobody has received yet, got " +
               std::to_string(ticket);
      traveller = found->second;
      if (!describes(claimed, traveller.view) || device != traveller.storage->device)
        return "INVALID_ARGUMENT: receive: expected the message as it was sent, of " + describe(traveller.view) +
               " on " + traveller.storage->device->name() + ", got " + describe(claimed) + " on " +
               (device ? device->name() : "no device");
      travellers.erase(found);
    }
    const std::string problem = insert(environment, traveller.view, traveller.storage, owner);
    traveller.storage->device->release(traveller.storage);  // the ticket's own handle
    return problem;
  });
}

}  // namespace

void export_tensors(Exports& exports) {
  exports.add("view", view);
  exports.add("dispose", dispose);
  exports.add("share", share);
  exports.add("receive", receive);
}

}  // namespace neurite
