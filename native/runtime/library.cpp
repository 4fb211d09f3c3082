#include "runtime/library.h"

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

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

// "": there is none. The addon lies in neurite/prebuilds/<platform>/ or neurite/build/Release/.
std::string find(const LibraryKind& kind) {
  if (const char* named = std::getenv(kind.variable); named && *named) return named;
  std::vector<std::string> places = {own_folder()};
  if (kind.package) places.push_back(own_folder() + "../../../" + kind.package + "/");
  for (const std::string& place : places)
    if (access((place + kind.file).c_str(), F_OK) == 0) return place + kind.file;
  return "";
}

const nr_device_library* load(const LibraryKind& kind, nr_error* error) {
  const std::string expected = std::string("expected the library of ") + kind.name + " devices, got ";
  const std::string other = std::string("or name its file in ") + kind.variable;
  const std::string path = find(kind);
  if (path.empty())
    return refuse(error,
                  expected + "none in " + own_folder() +
                      (kind.package ? std::string(". Install the package ") + kind.package + ", build" : ". Build") +
                      " it from neurite's sources, " + other);
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* reason = dlerror();
    return refuse(error, expected + (reason ? reason : path) + ". Build it again, " + other);
  }
  const auto entry = reinterpret_cast<decltype(&neurite_device_library)>(dlsym(handle, "neurite_device_library"));
  const nr_device_library* library = entry ? entry() : nullptr;
  const bool is_alike =
      library && library->version == NR_DEVICE_LIBRARY_VERSION && library->kernels == nr_kernels_hash();
  if (is_alike) return library;
  dlclose(handle);
  return refuse(error, expected + "one of another version: " + path + ". Build it from the sources of the addon");
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
