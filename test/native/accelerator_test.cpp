// A device whose kernels run late, only when it is synchronized, so that what their data shows is known later still:
// faults reach what depends on them as on the CPU, commands that write in place leave their targets alone, and a lost
// device fails what nobody will ever know.
#include "runtime/accelerator.h"

#include <algorithm>
#include <functional>

#include "harness.h"
#include "runtime/stream.h"

using namespace neurite;

struct nr_device {
  std::vector<std::function<void()>> enqueued;
  std::vector<uint64_t> failed;
  std::vector<nr_failed_check> news;
  uint64_t taken = 0;
  int synchronizations = 0, largest_unless = 0;
  bool is_lost = false, is_closed = false;
};

namespace {

nr_device* opened = nullptr;

bool run_all(nr_device* device, nr_error* error) {
  device->synchronizations++;
  if (device->is_lost) {
    std::snprintf(error->code, sizeof error->code, "DEVICE_LOST");
    std::snprintf(error->text, sizeof error->text, "it is gone");
    return false;
  }
  for (auto& work : device->enqueued) work();
  device->enqueued.clear();
  return true;
}

int32_t report(nr_device* device, nr_failed_check* failed, int32_t room) {
  const auto count = std::min(device->news.size(), static_cast<size_t>(room));
  std::copy_n(device->news.begin(), count, failed);
  device->news.erase(device->news.begin(), device->news.begin() + static_cast<std::ptrdiff_t>(count));
  return static_cast<int32_t>(count);
}

const nr_device_library library = {
    NR_DEVICE_LIBRARY_VERSION,
    nr_kernels_hash(),
    "late",
    nullptr,
    [](nr_error*) { return 1; },
    [](int32_t, nr_device_info*, nr_error*) { return true; },
    [](int32_t, nr_error*) { return opened = new nr_device; },
    [](nr_device* device) { device->is_closed = true; },
    [](nr_device*, size_t bytes) { return std::malloc(bytes); },
    [](nr_device*, void* block, size_t) { std::free(block); },
    [](nr_device* device, nr_device_context* context) { context->device = device; },
    [](nr_device*, size_t) -> void* { return nullptr; },
    [](nr_device*) {},
    [](nr_device* device, void* to, const void* from, size_t bytes, nr_error*) {
      const int value = *static_cast<const int*>(from);
      device->enqueued.push_back([=] { std::memcpy(to, &value, bytes); });
      return true;
    },
    [](nr_device* device, void* to, const void* from, size_t bytes, nr_error* error) {
      if (!run_all(device, error)) return false;
      std::memcpy(to, from, bytes);
      return true;
    },
    run_all,
    report,
    [](nr_device*, nr_precision, nr_precision) {},
};

enum Finding { kNone, kGood, kBad };  // whether a step takes a check, and what the check finds

// Appends `digit` to what is in `cell`, unless its data is bad.
struct Step {
  int* cell;
  int digit;
  Finding finding;
};

void run_step(Command* self, nr_context* ctx) {
  const Step step = *self->arguments<Step>();
  auto* context = static_cast<nr_device_context*>(ctx);
  nr_device* device = context->device;
  const std::vector<uint64_t> unless(context->unless, context->unless + context->unless_count);
  device->largest_unless = std::max(device->largest_unless, context->unless_count);
  const uint64_t check = step.finding == kNone ? 0 : context->check = ++device->taken;
  device->enqueued.push_back([=] {
    for (const uint64_t failed : device->failed)
      if (std::count(unless.begin(), unless.end(), failed)) return;
    if (step.finding != kBad) {
      *step.cell = *step.cell * 10 + step.digit;
      return;
    }
    device->failed.push_back(check);
    nr_failed_check failure{check, {"BROKEN", {}}};
    std::snprintf(failure.error.text, sizeof failure.error.text, "expected a good step, got %d", step.digit);
    device->news.push_back(failure);
  });
}

// A stream on such a device, with a session, and storages of one number each.
class World {
 public:
  World() : accelerator(Accelerator::open(library, 0, nullptr)), stream(std::make_unique<Stream>(*accelerator)) {}
  ~World() {
    stream.reset();
    accelerator.reset();
    CHECK(opened->is_closed);
    delete opened;
  }

  void push(const Step& step, std::vector<Storage*> reads, std::vector<Storage*> fresh,
            std::vector<Storage*> in_place) {
    alignas(16) std::byte arguments[(sizeof step + 15) / 16 * 16] = {};
    std::memcpy(arguments, &step, sizeof step);
    Command command{};
    command.name = "step";
    command.session = session.get();
    command.run = run_step;
    command.arguments_bytes = sizeof arguments;
    command.reads = static_cast<uint16_t>(reads.size());
    command.fresh = static_cast<uint16_t>(fresh.size());
    command.in_place = static_cast<uint16_t>(in_place.size());
    for (const auto& list : {fresh, in_place}) reads.insert(reads.end(), list.begin(), list.end());
    const size_t bytes = sizeof command + sizeof arguments + reads.size() * sizeof(Storage*);
    command.bytes = static_cast<uint32_t>((bytes + 63) / 64 * 64);
    stream->queue().push(command, arguments, nullptr, reads.data());
  }

  // Waits for the device, then makes what is known the storages' own.
  void synchronize(std::vector<Storage*> storages) {
    stream->enqueue("synchronize", session.get(), 0, [](Command* self, nr_context* ctx) {
      if (const FaultPtr fault = Stream::of(ctx).synchronize(self->name)) self->session->add_fault(fault);
    });
    stream->queue().wait_completed(stream->queue().pushed());
    for (Storage* storage : storages) settle_checks(*storage);
  }

  std::shared_ptr<Session> session = std::make_shared<Session>([] {});
  std::unique_ptr<Accelerator> accelerator;
  std::unique_ptr<Stream> stream;
};

int cells[8];

void late_faults_travel() {
  World world;
  Storage good, bad, computed, target, kept, beside;
  std::fill_n(cells, 8, 0);
  world.push({&cells[0], 1, kGood}, {}, {&good}, {});
  world.push({&cells[1], 2, kBad}, {}, {&bad}, {});
  world.push({&cells[2], 3, kNone}, {&bad, &good}, {&computed}, {});
  world.push({&cells[3], 4, kNone}, {&good}, {}, {&target});
  world.push({&cells[3], 5, kNone}, {&computed}, {}, {&target});  // left alone
  world.push({&cells[3], 5, kGood}, {&computed}, {}, {&target});  // its check is never reached
  world.push({&cells[3], 6, kNone}, {&target}, {&kept}, {&target});
  world.push({&cells[4], 7, kBad}, {&computed}, {&beside}, {});  // was fed nonsense
  world.synchronize({&good, &bad, &computed, &target, &kept, &beside});
  CHECK(cells[3] == 46, "%d", cells[3]);
  CHECK(!good.fault && !target.fault && !kept.fault);
  CHECK(bad.fault && bad.fault->code == "BROKEN" && bad.fault->message == "step: expected a good step, got 2");
  CHECK(computed.fault == bad.fault && beside.fault == bad.fault);
  CHECK(world.session->take_first_unreported() == bad.fault);
  CHECK(world.session->take_first_unreported() == nullptr, "the first cause is the only fault");
  CHECK(good.checks.empty() && computed.checks.empty());

  // Known faults skip commands on the host.
  Storage after;
  world.push({&cells[5], 8, kNone}, {&computed}, {&after}, {&target});
  world.synchronize({&after, &target});
  CHECK(cells[5] == 0 && after.fault == bad.fault && !target.fault);
}

void failed_writes_in_place_spoil_their_target() {
  World world;
  Storage target, seen;
  std::fill_n(cells, 8, 0);
  world.push({&cells[0], 1, kBad}, {}, {}, {&target});
  world.push({&cells[0], 2, kNone}, {}, {}, {&target});
  world.push({&cells[1], 3, kNone}, {&target}, {&seen}, {});
  world.synchronize({&target, &seen});
  CHECK(cells[0] == 0 && target.fault && seen.fault == target.fault);
}

// A kernel is told of as many checks as fit, and a device keeps as many as it has room for.
void many_checks() {
  World world;
  std::vector<Storage> sources(NR_MAX_UNLESS + 1);
  std::vector<Storage*> all;
  Storage target, sum;
  std::fill_n(cells, 8, 0);
  for (Storage& source : sources) {
    world.push({&cells[0], 0, &source == &sources.back() ? kBad : kGood}, {}, {&source}, {});
    all.push_back(&source);
  }
  all.pop_back();
  world.push({&cells[1], 1, kNone}, all, {}, {&target});
  world.push({&cells[2], 1, kNone}, {&sources.back()}, {&sum}, {});
  world.synchronize({});
  CHECK(opened->synchronizations == 1 && opened->largest_unless == NR_MAX_UNLESS, "%d", opened->largest_unless);
  CHECK(cells[1] == 1);

  std::vector<Storage> more(NR_MAX_UNLESS + 1);
  for (Storage& source : more) {
    world.push({&cells[0], 0, &source == &more.back() ? kBad : kGood}, {}, {&source}, {});
    all.push_back(&source);
  }
  world.push({&cells[1], 2, kNone}, all, {}, {&target});
  world.synchronize({&target});
  CHECK(opened->synchronizations == 3, "%d", opened->synchronizations);
  CHECK(cells[1] == 1 && !target.fault, "known in time, so the command was skipped");

  const int before = opened->synchronizations;
  Storage last;
  for (int i = 0; i < NR_MAX_PENDING_CHECKS + 1; i++) world.push({&cells[3], 0, kGood}, {}, {&last}, {});
  world.synchronize({&last});
  CHECK(opened->synchronizations == before + 2, "%d", opened->synchronizations);
}

void lost_devices() {
  World world;
  Storage made, read;
  std::fill_n(cells, 8, 0);
  world.push({&cells[0], 1, kGood}, {}, {&made}, {});
  opened->is_lost = true;
  world.synchronize({&made});
  CHECK(made.fault && made.fault->code == "DEVICE_LOST" && made.fault->message == "step: it is gone");
  const FaultPtr first = world.session->take_first_unreported();
  CHECK(first == made.fault);
  int out = 0;
  const FaultPtr fault = world.accelerator->copy_out("data", &out, cells, sizeof out);
  CHECK(fault && fault->message == "data: it is gone");
}

// Uploads and read-backs are in the order of the kernels.
void transfers() {
  World world;
  std::fill_n(cells, 8, 0);
  Storage target;
  const int seven = 7;
  int out = 0;
  CHECK(!world.accelerator->copy_in("tensor", &cells[0], &seven, sizeof seven));
  world.push({&cells[0], 1, kNone}, {}, {}, {&target});
  world.stream->queue().wait_completed(world.stream->queue().pushed());
  CHECK(cells[0] == 0);
  CHECK(!world.accelerator->copy_out("data", &out, &cells[0], sizeof out) && out == 71, "%d", out);
  CHECK(!world.accelerator->copy_out("data", nullptr, nullptr, 0));
}

}  // namespace

int main() {
  late_faults_travel();
  failed_writes_in_place_spoil_their_target();
  many_checks();
  lost_devices();
  transfers();
  return harness::report();
}
