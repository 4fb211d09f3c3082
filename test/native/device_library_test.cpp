// What nr_device_library promises beside its kernels: devices and their errors, memory and copies, checks that fail
// late, and commands that leave their targets alone because of one. Needs a device (NEURITE_TEST_LIBRARY).
#include "device_regions.h"
#include "reference.h"

using namespace harness;

namespace {

Device& device() {
  return *device_under_test();
}
const nr_device_library& library() {
  return device().library;
}

// A tensor that stays on the device.
struct Resident {
  Array host;
  nr_tensor t;
  Regions regions{device()};

  explicit Resident(Array from) : host(std::move(from)), t(host.t) {
    nr_error error = {};
    regions.add(t, true);
    CHECK(regions.copy_in(&error), "%s", error.text);
    regions.rebase(t);
  }
  std::vector<double> values() const {
    nr_error error = {};
    CHECK(regions.copy_out("a test", &error), "%s", error.text);
    return harness::values(host);
  }
};

struct Missing {
  std::string kernel;
  nr_error error;
};

// A command that is enqueued and not waited for; returns its check.
template <class Launch>
uint64_t enqueue(const std::string& kernel, const std::vector<uint64_t>& unless, const Launch& launch) {
  DeviceContext context(device());
  for (uint64_t check : unless) context.unless[context.unless_count++] = check;
  launch(&context);
  library().end_command(device().handle);
  if (std::strcmp(context.error.code, "NOT_SUPPORTED") == 0) throw Missing{kernel, context.error};
  CHECK(!context.has_failed(), "%s", context.error.text);
  return context.check;
}

// A part of the test that needs kernels which the device may not have yet.
template <class Part>
void try_part(const Part& part) {
  try {
    part();
  } catch (const Missing& missing) {
    is_known_unsupported(missing.kernel.c_str(), missing.error);
  }
}

std::vector<nr_failed_check> failed_checks(int32_t room) {
  nr_error error = {};
  CHECK(library().synchronize(device().handle, &error), "%s", error.text);
  std::vector<nr_failed_check> failed(static_cast<size_t>(room));
  failed.resize(static_cast<size_t>(library().failed_checks(device().handle, failed.data(), room)));
  return failed;
}

void describes_its_devices() {
  nr_error error = {};
  nr_device_info info = {};
  const int32_t count = library().count(&error);
  CHECK(count > 0, "%s", error.text);
  CHECK(library().describe(0, &info, &error), "%s", error.text);
  CHECK(info.name[0] && info.total_bytes > 0 && info.free_bytes > 0 && info.free_bytes <= info.total_bytes);
  CHECK(info.capability_major > 0 && info.multiprocessors > 0);
  for (const int32_t none : {count, -1}) {
    error = {};
    CHECK(!library().describe(none, &info, &error) && error.code[0] && error.text[0], "device %d", none);
    error = {};
    CHECK(!library().open(none, &error) && error.code[0] && error.text[0], "device %d", none);
  }
}

void allocates() {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{257}, size_t{1} << 20}) {
    void* block = library().allocate(device().handle, bytes);
    CHECK(block && reinterpret_cast<uintptr_t>(block) % 256 == 0, "%zu bytes", bytes);
    library().release(device().handle, block, bytes);
  }
  CHECK(!library().allocate(device().handle, size_t{1} << 50), "more than there is");
  DeviceContext context(device());
  auto* first = static_cast<char*>(context.scratch(&context, 100));
  auto* second = static_cast<char*>(context.scratch(&context, 3000000));
  CHECK(first && second && (first + 100 <= second || second + 3000000 <= first), "scratch of one command overlaps");
  CHECK(reinterpret_cast<uintptr_t>(first) % 64 == 0 && reinterpret_cast<uintptr_t>(second) % 64 == 0);
  library().end_command(device().handle);
}

// Of any size and alignment, the source overwritten at once.
void copies() {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{3}, size_t{4096}, (size_t{1} << 20) + 5, size_t{40000003}}) {
    std::vector<unsigned char> from(bytes + 1), back(bytes + 1, 7);
    for (size_t i = 0; i <= bytes; i++) from[i] = static_cast<unsigned char>(i * 2654435761u >> 13);
    const std::vector<unsigned char> original = from;
    auto* block = static_cast<char*>(library().allocate(device().handle, bytes + 1));
    nr_error error = {};
    CHECK(library().copy_in(device().handle, block + 1, from.data() + 1, bytes, &error), "%s", error.text);
    std::fill(from.begin(), from.end(), 9);
    CHECK(library().copy_out(device().handle, back.data() + 1, block + 1, bytes, &error), "%s", error.text);
    CHECK(std::equal(back.begin() + 1, back.end(), original.begin() + 1) && back[0] == 7, "%zu bytes", bytes);
    library().release(device().handle, block, bytes + 1);
  }
}

Array indices(int64_t third) {
  Array index({4}, nr_dtype_i64);
  for (int i = 0; i < 4; i++) index.as<int64_t>()[i] = i == 2 ? third : i;
  return index;
}

// Rows picked by good and by bad indices.
struct Selection {
  Resident x{random({5, 3})}, good{indices(2)}, bad{indices(5)}, out{Array({4, 3})};
  uint64_t pick(const Resident& index) const {
    return enqueue("index_select", {}, [&](nr_context* ctx) {
      nr_tensor y = out.t;
      library().table->index_select(ctx, &x.t, &index.t, &y, 0);
    });
  }
};

using Writer = std::function<void(nr_context*, nr_tensor*)>;

// Every kind of kernel that a user may have write in place.
std::map<std::string, Writer> writers(const Resident& source, const Resident& index) {
  const nr_backend& table = *library().table;
  const nr_tensor *s = &source.t, *i = &index.t;
  const nr_operand operand = {source.t, 0};
  return {
      {"fill",
       [&table](nr_context* ctx, nr_tensor* y) {
         table.fill(ctx, y, {9, 9, true});
       }},
      {"copy", [&table, s](nr_context* ctx, nr_tensor* y) { table.copy(ctx, s, y); }},
      {"neg", [&table, s](nr_context* ctx, nr_tensor* y) { table.neg(ctx, s, y); }},
      {"add", [&table, operand](nr_context* ctx, nr_tensor* y) { table.add(ctx, &operand, &operand, y); }},
      {"index_add", [&table, s, i](nr_context* ctx, nr_tensor* y) { table.index_add(ctx, y, i, s, 0); }},
      {"uniform",
       [&table](nr_context* ctx, nr_tensor* y) {
         table.uniform(ctx, y, 0, 1, {1, 2});
       }},
      {"sgd",
       [&table, s](nr_context* ctx, nr_tensor* y) {
         nr_tensor gradient = *s;
         nr_tensors params = {1, y}, grads = {1, &gradient}, none = {0, nullptr};
         table.sgd(ctx, &params, &grads, &none, 0.1, 0, 0, 0, false, false, true);
       }},
  };
}

void leaves_targets_alone() {
  const Selection selection;
  const Resident source(random({4, 3}, nr_dtype_f32, Layout::contiguous, 5, 1, 2)), index(indices(2));
  const uint64_t good = selection.pick(selection.good), bad = selection.pick(selection.bad);
  const uint64_t worse = selection.pick(selection.bad);
  CHECK(good > 0 && bad > good && worse > bad, "checks %ld %ld %ld", long(good), long(bad), long(worse));
  const std::vector<std::vector<uint64_t>> all = {
      {}, {good}, {bad}, {good, bad}, {good, good, good, good, good, good, good, bad}, {bad, worse}};
  static_assert(NR_MAX_UNLESS == 8);
  const auto check_all = [&](const char* when) {
    for (const auto& [name, write] : writers(source, index))
      try_part([&, &kernel = name, &launch = write] {
        for (const auto& unless : all) {
          const Resident y(random({4, 3}, nr_dtype_f32, Layout::contiguous, 8, 3, 4));
          const auto before = values(y.host);
          nr_tensor target = y.t;
          enqueue(kernel, unless, [&](nr_context* ctx) { launch(ctx, &target); });
          const bool is_to_stay = !unless.empty() && unless.back() != good;
          CHECK((y.values() == before) == is_to_stay, "%s %s, %zu checks", kernel.c_str(), when, unless.size());
        }
      });
  };
  check_all("before the host knows");
  const auto first = failed_checks(1);
  check_all("once it knows");
  const auto second = failed_checks(8);
  CHECK(first.size() == 1 && second.size() == 1 && failed_checks(8).empty());
  CHECK(first[0].check == bad && second[0].check == worse);
  CHECK(std::string(first[0].error.code) == "INDEX_OUT_OF_RANGE", "%s", first[0].error.code);
  CHECK(std::string(first[0].error.text) == "expected index in [0, 5), got 5 at position 2", "%s", first[0].error.text);
}

// More than are remembered at a time, without a word from the host in between.
void reports_one_of_many() {
  const Selection selection;
  const uint64_t bad = selection.pick(selection.bad);
  for (int i = 0; i < NR_MAX_PENDING_CHECKS + 50; i++) selection.pick(selection.good);
  const auto failed = failed_checks(NR_MAX_PENDING_CHECKS);
  CHECK(failed.size() == 1 && failed[0].check == bad, "%zu failed", failed.size());
}

// tf32 has 10 bits of fraction.
void multiplies_with_less_precision() {
  const Array a = random({70, 200}, nr_dtype_f32, Layout::contiguous, 1, 0.5, 1), b = random({200, 90});
  const auto as = values(a), bs = values(b);
  const auto worst = [&] {
    const Resident left(a), right(b), y(Array({70, 90}));
    enqueue("matmul", {}, [&](nr_context* ctx) {
      const nr_optional no = none();
      nr_optional nowhere = none();
      nr_tensor result = y.t;
      library().table->matmul(ctx, &left.t, &right.t, &no, &no, &result, &nowhere, false, false, nr_activation_none);
    });
    const auto got = y.values();
    double largest = 0;
    for (size_t i = 0; i < got.size(); i++) {
      double sum = 0, size = 0;
      for (size_t k = 0; k < 200; k++) {
        const double term = as[i / 90 * 200 + k] * bs[k * 90 + i % 90];
        sum += term;
        size += std::fabs(term);
      }
      largest = std::max(largest, got[i] == got[i] ? std::fabs(got[i] - sum) / size : INFINITY);
    }
    return largest;
  };
  CHECK(worst() < 0x1p-20, "float32: %g", worst());
  library().set_precision(device().handle, nr_precision_high, nr_precision_high);
  CHECK(worst() < 0x1p-9, "tf32: %g", worst());
  library().set_precision(device().handle, nr_precision_highest, nr_precision_high);
  CHECK(worst() < 0x1p-20, "float32 again: %g", worst());
}

void finds_what_tensors_reach() {
  Array a({4, 6});
  nr_tensor t = a.t;
  t.stride[0] = -6;
  t.stride[1] = 0;
  const Region r = reach(t, false);
  CHECK(r.end - r.begin == 19 * 4 && static_cast<char*>(t.data) - r.begin == 18 * 4);
  t.shape[1] = 0;
  CHECK(reach(t, false).bytes() == 0);
  char* at = a.as<char>();
  const auto regions = merged({{at + 40, at + 50, false},
                               {at, at + 8, false},
                               {at + 8, at + 16, true},
                               {at + 45, at + 60, true},
                               {at + 47, at + 48, false},
                               {at + 70, at + 70, true}});
  CHECK(regions.size() == 3 && !regions[0].is_written && regions[1].begin == at + 8);
  CHECK(regions[2].begin == at + 40 && regions[2].end == at + 60 && regions[2].is_written);
}

}  // namespace

int main() {
  if (!device_under_test()) stop("device_library_test", "expected a library in NEURITE_TEST_LIBRARY");
  finds_what_tensors_reach();
  describes_its_devices();
  allocates();
  copies();
  try_part(leaves_targets_alone);
  try_part(reports_one_of_many);
  try_part(multiplies_with_less_precision);
  return report();
}
