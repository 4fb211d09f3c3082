#include "runtime/session.h"

#include <utility>

namespace neurite {

void Session::settle(uint64_t token, FaultPtr fault) {
  while_alive([&] {
    bool first;
    {
      std::lock_guard lock(mutex_);
      first = settled_.empty();
      settled_.push_back({token, std::move(fault)});
    }
    if (first) wake_();
  });
}

std::vector<Session::Settled> Session::take_settled() {
  std::lock_guard lock(mutex_);
  return std::exchange(settled_, {});
}

void Session::add_fault(FaultPtr fault) {
  std::lock_guard lock(mutex_);
  std::erase_if(faults_, [](const FaultPtr& f) { return f->reported.load(); });
  faults_.push_back(std::move(fault));
}

FaultPtr Session::take_first_unreported() {
  std::lock_guard lock(mutex_);
  for (auto& fault : faults_)
    if (!fault->reported.exchange(true)) return fault;
  return nullptr;
}

void Session::end() {
  std::lock_guard lock(alive_mutex_);
  alive_ = false;
}

}  // namespace neurite
