#include "check.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <string>

#include "device.h"

namespace neurite::cuda {
namespace {

// printf of values that came as 64 bits each; knows %lld and %g.
std::string formatted(const char* format, const long long* value) {
  std::string text;
  char number[32];
  while (*format) {
    if (strncmp(format, "%lld", 4) == 0) {
      snprintf(number, sizeof number, "%lld", *value++);
      text += number;
      format += 4;
    } else if (strncmp(format, "%g", 2) == 0) {
      snprintf(number, sizeof number, "%g", std::bit_cast<double>(*value++));
      text += number;
      format += 2;
    } else {
      text += *format++;
    }
  }
  return text;
}

}  // namespace

cudaError_t Checks::open(cudaStream_t stream) {
  stream_ = stream;
  void *words = nullptr, *records = nullptr;
  const size_t word_bytes = NR_MAX_PENDING_CHECKS * sizeof *words_;
  const size_t record_bytes = NR_MAX_PENDING_CHECKS * sizeof *records_;
  if (const auto status = cudaMalloc(&words, word_bytes)) return status;
  words_ = static_cast<unsigned long long*>(words);
  if (const auto status = cudaMemsetAsync(words_, 0, word_bytes, stream)) return status;
  if (const auto status = cudaHostAlloc(&records, record_bytes, cudaHostAllocMapped)) return status;
  records_ = static_cast<CheckRecord*>(memset(records, 0, record_bytes));
  return cudaSuccess;
}

void Checks::close() {
  if (words_) cudaFree(words_);
  if (records_) cudaFreeHost(records_);
}

Check Checks::take(const char* code, const char* format) {
  // Its word and record are those of a check whose verdict must be known before they are used again.
  if (taken_ - collected_ == NR_MAX_PENDING_CHECKS && cudaStreamSynchronize(stream_) == cudaSuccess) collect();
  const auto number = ++taken_;
  const auto slot = number % NR_MAX_PENDING_CHECKS;
  meanings_[slot] = {code, format};
  return {number, words_ + slot, records_ + slot};
}

void Checks::collect() {
  while (collected_ < taken_) {
    const auto slot = ++collected_ % NR_MAX_PENDING_CHECKS;
    const CheckRecord& record = records_[slot];
    if (record.check != collected_) continue;
    nr_failed_check failed{collected_, {}};
    snprintf(failed.error.code, sizeof failed.error.code, "%s", meanings_[slot].code);
    snprintf(failed.error.text, sizeof failed.error.text, "%s",
             formatted(meanings_[slot].format, record.values).c_str());
    failed_.push_back(failed);
  }
}

int32_t Checks::report(nr_failed_check* failed, int32_t room) {
  collect();
  const auto count = std::min(failed_.size(), static_cast<size_t>(room));
  std::copy_n(failed_.begin(), count, failed);
  failed_.erase(failed_.begin(), failed_.begin() + static_cast<std::ptrdiff_t>(count));
  return static_cast<int32_t>(count);
}

Unless Checks::unless(const nr_device_context& context) const {
  Unless result{words_, 0, {}};
  const auto add = [&](unsigned long long number) {
    const bool known = std::any_of(failed_.begin(), failed_.end(), [&](const auto& f) { return f.check == number; });
    if (known) result.count = -1;
    if (result.count >= 0) result.checks[result.count++] = number;
  };
  for (int32_t i = 0; i < context.unless_count; i++) add(context.unless[i]);
  if (required_) add(required_);
  return result;
}

Check take_check(nr_context* ctx, const char* code, const char* format) {
  const Check check = device_of(ctx).checks.take(code, format);
  static_cast<nr_device_context*>(ctx)->check = check.number;
  return check;
}

void require(nr_context* ctx, const Check& check) {
  device_of(ctx).checks.require(check);
}

Unless unless_of(const nr_context* ctx) {
  return device_of(ctx).checks.unless(*static_cast<const nr_device_context*>(ctx));
}

}  // namespace neurite::cuda
