// compare EMULATED MEASURED: what two runs of fragments.cu printed, case by case. Ends with status 1 if they differ.
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Result {
  std::string kind;
  std::vector<uint32_t> words;
};

std::map<std::string, Result> read(const char* path) {
  std::map<std::string, Result> all;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    Result result;
    words >> name >> result.kind;
    for (uint32_t word; words >> std::hex >> word;) result.words.push_back(word);
    all[name] = result;
  }
  return all;
}

bool close(double a, double b, double relative, double absolute) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= absolute + relative * std::abs(a);
}

// Payloads of NaN differ; so do the bits of tf32 that products do not read, and the order in which they add up.
bool agree(const std::string& kind, uint32_t a, uint32_t b) {
  const auto x = std::bit_cast<float>(a), y = std::bit_cast<float>(b);
  if (kind == "f16") return a == b || ((a & 0x7fff) > 0x7c00 && (b & 0x7fff) > 0x7c00);
  if (kind == "bf16") return a == b || ((a & 0x7fff) > 0x7f80 && (b & 0x7fff) > 0x7f80);
  if (kind == "tf32") return (a & ~0x1fffu) == (b & ~0x1fffu) || (std::isnan(x) && std::isnan(y));
  if (kind == "sums") return close(x, y, 0, 1e-5);
  if (kind == "loose") return close(x, y, 0, 4e-3);  // of operands that chips may round or cut
  if (kind == "approximate") return close(x, y, 1e-5, 1e-30);
  return a == b;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "compare: expected two files\n");
    return 2;
  }
  const auto emulated = read(argv[1]), measured = read(argv[2]);
  int differing = 0, left_out = 0;
  for (const auto& [name, expected] : emulated) {
    const auto found = measured.find(name);
    if (found == measured.end()) {
      std::printf("%-28s left out: the device does not have it\n", name.c_str());
      left_out++;
      continue;
    }
    const auto& words = found->second.words;
    size_t wrong = expected.words.size() == words.size() ? 0 : words.size() + 1, first = 0;
    for (size_t i = 0; wrong <= words.size() && i < words.size(); i++)
      if (!agree(expected.kind, expected.words[i], words[i]) && wrong++ == 0) first = i;
    if (wrong && name != "capability") {
      std::printf("%-28s %zu of %zu words differ, the first at %zu: %08x emulated, %08x measured\n", name.c_str(),
                  wrong, words.size(), first, expected.words.at(first), words.empty() ? 0 : words.at(first));
      differing++;
    }
  }
  std::printf("%zu cases, %d differ, %d left out\n", emulated.size() - 1, differing, left_out);
  return emulated.size() < 2 || differing > 0;
}
