// A device library: a shared library that brings devices of another kind and a table of kernels for them. The runtime
// opens it on first use and asks for everything through this struct; nothing else crosses the border. It exports one
// function, neurite_device_library.
//
// Kernels of such a device are enqueued, not run, when they return. What only the data shows (an index out of range)
// they report through a check: a number, counted from 1 by each device, that a launch takes with it. The runtime
// remembers with each storage the checks it depends on, asks for failed ones whenever it has synchronized, and names
// those that a command depends on which writes in place: if one of them failed, the device leaves its targets alone.
#pragma once
#include <string_view>

#include "backend.h"

enum { NR_DEVICE_LIBRARY_VERSION = 1, NR_MAX_UNLESS = 8, NR_MAX_PENDING_CHECKS = 1024 };

// Of all names and parameters in kernels.def: where it is equal, tables are laid out alike.
constexpr uint64_t nr_kernels_hash() {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const char c : std::string_view(
#define NR_KERNEL(name, ...) #name "(" #__VA_ARGS__ ")"
#include "kernels.def"
           ))
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

typedef struct nr_device nr_device;  // the library's own

// code[0] == 0: no error. `code` is a stable word such as OUT_OF_MEMORY, `text` says what happened and the remedy.
typedef struct nr_error {
  char code[32];
  char text[480];
} nr_error;

typedef struct nr_device_info {
  char name[128];
  int64_t total_bytes;
  int64_t free_bytes;  // -1 before the device was opened: asking would start it
  int32_t capability_major, capability_minor;
  int32_t multiprocessors;
} nr_device_info;

// The context that kernels of a device library get: they may cast their nr_context* to it.
typedef struct nr_device_context : nr_context {
  nr_device* device;
  uint64_t check;  // set by a kernel whose launches may fail on their data: the last check it took; 0: none
  int32_t unless_count;
  uint64_t unless[NR_MAX_UNLESS];  // launches of this command do nothing if one of these checks failed
} nr_device_context;

typedef struct nr_failed_check {
  uint64_t check;
  nr_error error;
} nr_failed_check;

// float32 products: what they may be computed in. As torch.set_float32_matmul_precision.
typedef enum nr_precision { nr_precision_highest, nr_precision_high } nr_precision;  // float32, tf32

typedef struct nr_device_library {
  int32_t version;
  uint64_t kernels;         // nr_kernels_hash() of the list that the table was made from
  const char* name;         // "cuda", "cuda-emulated"
  const nr_backend* table;  // kernels that are not there yet fail their command, in words

  // How many devices there are. None: `error` says why (no driver, driver too old, no device).
  int32_t (*count)(nr_error* error);
  bool (*describe)(int32_t index, nr_device_info* info, nr_error* error);
  nr_device* (*open)(int32_t index, nr_error* error);
  void (*close)(nr_device* device);

  // Any thread may call these two. Blocks are 256-byte aligned; nullptr when memory is out.
  void* (*allocate)(nr_device* device, size_t bytes);
  void (*release)(nr_device* device, void* block, size_t bytes);

  // The rest is called by the thread that runs the device's commands, in order with its kernels.
  void (*prepare)(nr_device* device, nr_device_context* context);  // fills in stream and device, once
  void* (*scratch)(nr_device* device, size_t bytes);  // for the kernel that runs now; nullptr when memory is out
  void (*end_command)(nr_device* device);             // its scratch may be reused by the next one
  // copy_in returns when `from` may be changed, copy_out and synchronize when all that was enqueued has happened.
  bool (*copy_in)(nr_device* device, void* to, const void* from, size_t bytes, nr_error* error);
  bool (*copy_out)(nr_device* device, void* to, const void* from, size_t bytes, nr_error* error);
  bool (*synchronize)(nr_device* device, nr_error* error);
  // After one of the latter two: the checks that failed since the last call, at most `room`; returns how many.
  int32_t (*failed_checks)(nr_device* device, nr_failed_check* failed, int32_t room);
  // For commands enqueued from now on.
  void (*set_precision)(nr_device* device, nr_precision matmul, nr_precision conv);
} nr_device_library;

#ifdef __cplusplus
extern "C"
#endif
    const nr_device_library*
    neurite_device_library(void);
