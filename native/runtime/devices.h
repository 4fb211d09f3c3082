// All devices of the process by number: 0 is the CPU, those of libraries are opened on first use and kept.
//
// The end: exit() stops every queue before it waits for any executor, because one may be waiting for another's queue;
// what is queued then is dropped, not computed. A device of a library ends before the library's own static objects do.
#pragma once
#include <atomic>
#include <string>

#include "runtime/device.h"
#include "runtime/library.h"

namespace neurite {

// Started on first use.
Device& cpu_device();
std::string startup_problem();  // a setting in the environment that could not be honoured, or ""

// The device with this number if it is open, else nullptr.
Device* device_at(int number);
// The same, opened if it was not. nullptr: `error` says why.
Device* open_device(int number, nr_error* error);

// Those that are open, the CPU first.
int open_device_count();
Device& open_device_at(int position);
template <class Work>
void for_each_device(const Work& work) {
  for (int i = 0; i < open_device_count(); i++) work(open_device_at(i));
}

// How many devices of this kind there are; if none, `error` says why.
int count_devices(int kind, nr_error* error);
bool describe_device(int kind, int index, nr_device_info* info, nr_error* error);

// What float32 products may be computed in, on all devices but the CPU.
enum Products { kMatmul, kConv, kProducts };
nr_precision precision_of(Products products);
void set_precision(Products products, nr_precision precision);  // from now on

}  // namespace neurite
