#include "runtime/queue.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "runtime/spin.h"

namespace neurite {

CommandQueue::CommandQueue() : ring_(static_cast<std::byte*>(std::aligned_alloc(64, kCapacity))) {
  if (!ring_) throw std::bad_alloc();
}

uint64_t CommandQueue::push(const Command& header, const void* arguments, const nr_tensor* lists,
                            Storage* const* storages) {
  std::lock_guard lock(producers_);
  uint64_t tail = tail_.load(std::memory_order_relaxed);
  const size_t to_end = kCapacity - tail % kCapacity;
  const size_t skip = header.bytes > to_end ? to_end : 0;
  const uint64_t end = tail + skip + header.bytes;
  if (end - known_head_ > kCapacity) {
    known_head_ = head_.load(std::memory_order_acquire);
    if (end - known_head_ > kCapacity) {
      stalls_.fetch_add(1, std::memory_order_relaxed);
      wait_completed(end - kCapacity);
      known_head_ = head_.load(std::memory_order_acquire);
    }
  }
  if (skip) {
    Command* filler = at(tail);  // positions are multiples of 64, so a filler's first fields always fit
    filler->run = nullptr;
    tail += skip;
  }
  Command* command = at(tail);
  std::memcpy(static_cast<void*>(command), &header, sizeof header);
  std::memcpy(command->arguments<void>(), arguments, header.arguments_bytes);
  if (header.list_tensors) std::memcpy(command->lists(), lists, header.list_tensors * sizeof(nr_tensor));
  const size_t count = size_t{header.reads} + header.fresh + header.in_place;
  if (count) std::memcpy(command->storages(), storages, count * sizeof(Storage*));
  tail_.store(end);  // sequentially consistent: ordered before the look at consumer_sleeps_
  if (consumer_sleeps_.load()) {
    std::lock_guard wake(mutex_);
    pushed_.notify_one();
  }
  return end;
}

bool CommandQueue::wait_for_command(uint64_t position) {
  for (int i = 0; i < kSpins * 4; i++) {
    known_tail_ = tail_.load(std::memory_order_acquire);
    if (known_tail_ != position) return !stop_.load(std::memory_order_relaxed);
    if (stop_.load(std::memory_order_relaxed)) return false;
    pause();
  }
  std::unique_lock lock(mutex_);
  consumer_sleeps_.store(true);
  pushed_.wait(lock, [&] { return stop_.load() || tail_.load() != position; });
  consumer_sleeps_.store(false);
  known_tail_ = tail_.load(std::memory_order_acquire);
  return !stop_.load();
}

Command* CommandQueue::front() {
  for (;;) {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    if (known_tail_ == head && !wait_for_command(head)) return nullptr;
    if (stop_.load(std::memory_order_relaxed)) return nullptr;
    Command* command = at(head);
    if (command->run) return command;
    release(head + kCapacity - head % kCapacity);
  }
}

void CommandQueue::pop(const Command* command) {
  release(head_.load(std::memory_order_relaxed) + command->bytes);
}

void CommandQueue::release(uint64_t position) {
  head_.store(position);  // sequentially consistent: ordered before the look at awaited_
  if (position >= awaited_.load()) {
    std::lock_guard lock(mutex_);
    awaited_.store(kNever);
    popped_.notify_all();
  }
}

void CommandQueue::wait_completed(uint64_t position) {
  for (int i = 0; i < kSpins; i++) {
    if (completed() >= position || stop_.load(std::memory_order_relaxed)) return;
    pause();
  }
  std::unique_lock lock(mutex_);
  while (!stop_.load()) {
    awaited_.store(std::min(awaited_.load(), position));  // ordered before the look at head_
    if (head_.load() >= position) return;
    popped_.wait(lock);
  }
}

void CommandQueue::stop() {
  std::lock_guard lock(mutex_);
  stop_.store(true);
  pushed_.notify_all();
  popped_.notify_all();
}

}  // namespace neurite
