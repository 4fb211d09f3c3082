// Adds functions to the objects that JavaScript imports.
#pragma once
#include <node_api.h>

namespace neurite {

struct Exports {
  napi_env env;
  napi_value object;

  void add(const char* name, napi_callback function, void* data = nullptr) const {
    napi_value value;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, data, &value) == napi_ok)
      napi_set_named_property(env, object, name, value);
  }
  Exports child(const char* name) const {
    Exports exports{env, nullptr};
    napi_create_object(env, &exports.object);
    napi_set_named_property(env, object, name, exports.object);
    return exports;
  }
};

void export_kernels(Exports& exports);
void export_tensors(Exports& exports);
void export_transfers(Exports& exports);
void export_moves(Exports& exports);
void export_fences(Exports& exports);
void export_devices(Exports& exports);
void export_system(Exports& exports);

}  // namespace neurite
