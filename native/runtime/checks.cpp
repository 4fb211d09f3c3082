#include "runtime/checks.h"

#include <algorithm>

namespace neurite {

namespace {

uint64_t count(const std::vector<CheckPtr>& checks) {
  uint64_t sum = 0;
  for (const CheckPtr& check : checks) sum += check->last - check->first + 1;
  return sum;
}

}  // namespace

void settle_checks(Storage& storage) {
  std::erase_if(storage.checks, [&](const CheckPtr& check) {
    if (check->known && check->fault && !storage.fault) storage.fault = check->fault;
    return check->known;
  });
}

bool PendingChecks::begin(Command& command) {
  needed_.clear();
  Storage** storages = command.storages();
  for (int i = 0; i < command.reads; i++) need(*storages[i]);
  for (int i = 0; i < command.in_place; i++) need(*storages[command.reads + command.fresh + i]);
  return count(needed_) <= NR_MAX_UNLESS && taken_ - known_ < NR_MAX_PENDING_CHECKS;
}

void PendingChecks::need(Storage& storage) {
  if (storage.checks.empty()) return;
  settle_checks(storage);
  for (const CheckPtr& check : storage.checks)
    if (std::find(needed_.begin(), needed_.end(), check) == needed_.end()) needed_.push_back(check);
}

void PendingChecks::name(nr_device_context& context) const {
  context.unless_count = 0;
  for (const CheckPtr& check : needed_)
    for (uint64_t number = check->first; number <= check->last; number++)
      context.unless[context.unless_count++] = number;
}

// A target written in place depends on no check of what was read: had one failed, the target would have been left
// alone. What it held before still counts.
void PendingChecks::end(Command& command, uint64_t last) {
  CheckPtr own;
  if (last > taken_) {
    own = std::make_shared<Check>(
        Check{taken_ + 1, last, command.name, command.session->shared_from_this(), needed_, false, nullptr});
    taken_ = last;
    pending_.push_back(own);
  }
  if (!own && needed_.empty()) return;
  Storage** written = command.storages() + command.reads;
  for (int i = 0; i < command.fresh; i++) written[i]->checks.assign(needed_.begin(), needed_.end());
  if (!own) return;
  for (int i = 0; i < command.fresh + command.in_place; i++) written[i]->checks.push_back(own);
}

// Oldest first: a command that read what a failed one should have written was fed nonsense, so what it found wrong is
// the earlier one's fault.
void PendingChecks::resolve(const std::vector<nr_failed_check>& failed) {
  for (const CheckPtr& check : pending_) {
    for (const nr_failed_check& failure : failed) {
      if (check->fault || failure.check < check->first || failure.check > check->last) continue;
      for (const CheckPtr& earlier : check->depends_on)
        if (!check->fault) check->fault = earlier->fault;
      if (check->fault) continue;
      check->fault = std::make_shared<Fault>(failure.error.code, std::string(check->op) + ": " + failure.error.text);
      check->session->add_fault(check->fault);
    }
  }
  forget();
}

void PendingChecks::fail(const nr_error& error) {
  const Session* told = nullptr;
  FaultPtr fault;
  for (const CheckPtr& check : pending_) {
    if (check->session.get() != told) {
      told = check->session.get();
      fault = std::make_shared<Fault>(error.code, std::string(check->op) + ": " + error.text);
      check->session->add_fault(fault);
    }
    check->fault = fault;
  }
  forget();
}

void PendingChecks::forget() {
  for (const CheckPtr& check : pending_) {
    check->known = true;
    check->depends_on.clear();
  }
  pending_.clear();
  known_ = taken_;
}

}  // namespace neurite
