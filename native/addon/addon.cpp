// The module that Node loads, once per environment (main thread and Workers).
#include "addon/environment.h"
#include "addon/exports.h"

static napi_value initialise(napi_env env, napi_value object) {
  using namespace neurite;
  Environment::create(env);
  Exports exports{env, object};
  export_tensors(exports);
  export_transfers(exports);
  export_moves(exports);
  export_fences(exports);
  export_devices(exports);
  export_system(exports);
  Exports kernels = exports.child("kernels");
  export_kernels(kernels);
  return object;
}

NAPI_MODULE(NODE_GYP_MODULE_NAME, initialise)
