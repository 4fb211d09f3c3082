// How exported functions report: undefined when all went well, else a string "CODE: op: expected …, got …" from which
// JavaScript makes its error (errors made here would belong to the wrong realm in some embedders).
#pragma once
#include <node_api.h>

#include <new>
#include <string>

#include "addon/environment.h"

namespace neurite {

inline napi_value problem_value(napi_env env, const std::string& problem) {
  napi_value value;
  napi_create_string_utf8(env, problem.c_str(), problem.size(), &value);
  return value;
}

// A fault that JavaScript is about to hear of; "" for none.
inline std::string problem_of(const FaultPtr& fault) {
  if (!fault) return {};
  fault->reported.store(true);
  return fault->code + ": " + fault->message;
}

template <class Work>
napi_value guarded(napi_env env, const Work& work) {
  Environment* environment = nullptr;
  napi_get_instance_data(env, reinterpret_cast<void**>(&environment));
  if (!environment || !environment->block)
    return problem_value(env, "NOT_READY: setup() must be called first, in an environment that is not ending");
  try {
    const std::string problem = work(*environment);
    return problem.empty() ? nullptr : problem_value(env, problem);
  } catch (const std::bad_alloc&) {
    return problem_value(env, "OUT_OF_MEMORY: the system has no memory left");
  }
}

}  // namespace neurite
