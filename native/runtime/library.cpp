#include "runtime/library.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

namespace neurite {

namespace {

// The folder of the addon, or of a test that holds this code.
std::string own_folder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<const void*>(&load_library), &info) || !info.dli_fname) return "";
  const std::string path = info.dli_fname;
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

const nr_device_library* refuse(nr_error* error, const std::string& text) {
  std::snprintf(error->code, sizeof error->code, "DEVICE_UNAVAILABLE");
  std::snprintf(error->text, sizeof error->text, "%s", text.c_str());
  return nullptr;
}

const nr_device_library* load(const LibraryKind& kind, nr_error* error) {
  const char* named = std::getenv(kind.variable);
  const std::string path = named && *named ? named : own_folder() + kind.file;
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* reason = dlerror();
    return refuse(error, std::string("expected the library of ") + kind.name + " devices, got: " +
                             (reason ? reason : path.c_str()) + ". Build it, or name its file in " + kind.variable);
  }
  const auto entry = reinterpret_cast<decltype(&neurite_device_library)>(dlsym(handle, "neurite_device_library"));
  const nr_device_library* library = entry ? entry() : nullptr;
  if (library && library->version == NR_DEVICE_LIBRARY_VERSION) return library;
  dlclose(handle);
  return refuse(error, "expected a device library of version " + std::to_string(NR_DEVICE_LIBRARY_VERSION) + ", got " +
                           (library ? "version " + std::to_string(library->version) : std::string("another library")) +
                           ": " + path + ". Build it from the same sources as the addon");
}

}  // namespace

const nr_device_library* load_library(int kind, nr_error* error) {
  static std::atomic<const nr_device_library*> loaded[kLibraryCount];
  static std::mutex mutex;
  if (const nr_device_library* library = loaded[kind].load()) return library;
  std::lock_guard lock(mutex);
  if (const nr_device_library* library = loaded[kind].load()) return library;
  const nr_device_library* library = load(kLibraries[kind], error);
  loaded[kind].store(library);
  return library;
}

}  // namespace neurite
