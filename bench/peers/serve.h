// The loop of a side written in C++: requests on standard input, answers on standard output, as bench/serve.mjs
// describes them. A request is a flat line of JSON, so that its values are found by their keys.
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

struct request {
  std::string line;

  /** The number after `key`; of a list, the first. */
  double number(const std::string& key) const {
    size_t at = find(key);
    if (at == std::string::npos) return 0;
    return std::atof(line.c_str() + (line[at] == '[' ? at + 1 : at));
  }

  std::string text(const std::string& key) const {
    size_t at = find(key);
    return at == std::string::npos ? "" : line.substr(at + 1, line.find('"', at + 1) - at - 1);
  }

 private:
  size_t find(const std::string& key) const {
    size_t at = line.find("\"" + key + "\":");
    return at == std::string::npos ? at : at + key.size() + 3;
  }
};

/** One way to compute a row. `amount` of `unit` (gflops or gbs) per run is for rows whose rate only the side knows. */
struct variant {
  std::string peer;
  std::function<void()> run;
  bool is_packed = false;
  const char* unit = nullptr;
  double amount = 0;
  int inner = 1;
  double best = 0;
};

inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/** Prints the times of samples of at least 5 ms, for about `seconds` and at least one sample. */
inline void measure(variant& v, double seconds) {
  std::vector<double> times;
  double end = seconds_now() + seconds;
  while (times.empty() || seconds_now() < end) {
    double started = seconds_now();
    for (int i = 0; i < v.inner; i++) v.run();
    double sample = seconds_now() - started;
    if (sample >= 5e-3)
      times.push_back(sample * 1e3 / v.inner);
    else
      v.inner = int(std::ceil(v.inner * std::min(100.0, 7.5e-3 / sample)));
  }
  std::sort(times.begin(), times.end());
  v.best = times[0];
  std::printf("{\"peer\":\"%s\",\"packed\":%s,\"median_ms\":%.7g,\"min_ms\":%.7g,\"n\":%zu", v.peer.c_str(),
              v.is_packed ? "true" : "false", times[times.size() / 2], times[0], times.size());
  if (v.unit) std::printf(",\"%s\":%.5g", v.unit, v.amount / times[0] * 1e-6);
  std::printf("}");
}

/** Serves until the input ends; `prepare` gives the variants of a row, none for a row that this side does not have. */
inline int serve(const std::string& version, const std::function<std::vector<variant>(const request&)>& prepare) {
  std::printf("{\"version\":\"%s\"}\n", version.c_str());
  std::fflush(stdout);
  std::string row;
  std::vector<variant> variants;
  for (std::string line; std::getline(std::cin, line);) {
    request asked{line};
    std::string key = asked.text("bench") + " " + asked.text("params");
    if (key != row) {
      variants.clear();
      row = key;
      try {
        variants = prepare(asked);
        for (auto& v : variants) v.run();
      } catch (const std::exception& error) {
        std::cerr << "bench: " << version << ": " << row << ": " << error.what() << "\n";
        variants.clear();
      }
    }
    double limit = asked.number("limit");
    const char* separator = "[";
    for (auto& v : variants) {
      if (limit > 0 && v.best > limit) continue;
      std::printf("%s", separator);
      separator = ",";
      measure(v, asked.number("seconds"));
    }
    std::printf("%s]\n", *separator == '[' ? "[" : "");
    std::fflush(stdout);
  }
  return 0;
}
