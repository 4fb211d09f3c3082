// What kernels of a device may find wrong with their data after they were enqueued. A command that takes checks leaves
// them with what it writes; what is computed from that depends on them too. Once the device has been synchronized they
// are known: a failed one is a fault of all that depends on it, and of the session whose command took it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device_library.h"
#include "runtime/command.h"
#include "runtime/session.h"

namespace neurite {

// The checks of one command, whose numbers follow each other.
struct Check {
  uint64_t first, last;
  const char* op;
  std::shared_ptr<Session> session;
  std::vector<std::shared_ptr<Check>> depends_on;  // of what the command read; empty once known
  bool known;
  FaultPtr fault;  // once known, if it failed
};
using CheckPtr = std::shared_ptr<Check>;

class PendingChecks {
 public:
  // Finds out on which checks a command depends, and which of its storages have meanwhile turned out faulty. False if
  // the device must be synchronized first.
  bool begin(Command& command);
  // Those that the device must see for itself, for a command that writes in place.
  void name(nr_device_context& context) const;
  // The command was enqueued; `last` is the last check it took, 0 if none.
  void end(Command& command, uint64_t last);

  bool empty() const { return pending_.empty(); }
  // The device has been synchronized, and these checks have failed.
  void resolve(const std::vector<nr_failed_check>& failed);
  // The device is lost: nobody will ever know.
  void fail(const nr_error& error);

 private:
  void need(Storage& storage);
  void forget();

  std::vector<CheckPtr> pending_;   // by number
  std::vector<CheckPtr> needed_;    // by the command that runs
  uint64_t taken_ = 0, known_ = 0;  // the last check of all, and the last of those known
};

// Makes a known failure the storage's fault, and forgets what is known to be good.
void settle_checks(Storage& storage);

}  // namespace neurite
