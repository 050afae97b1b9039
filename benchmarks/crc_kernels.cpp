// Measures every CRC-32C kernel of this machine beside a plain read of the same memory, the limit.
//
// Prints one JSON line a subject and size: GB/s (10^9 bytes) as median and best of the rounds, and
// nanoseconds a call. Subjects take turns within a round, in an order shuffled for each, so that a
// change of the machine's clock touches all of them alike.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tensorbundle/base/crc32c.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace {

constexpr size_t kSizes[] = {64, 32 << 10, 1 << 20, 256 << 20};
constexpr size_t kBytesPerSample = 512 << 20;
constexpr size_t kMostCallsPerSample = 1 << 20;
constexpr int kRounds = 9;

// Sums 64-bit words in vectors as wide as the processor has.
#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
uint32_t
plain_read(uint32_t start, const uint8_t* data, size_t size) {
  using Words = uint64_t __attribute__((vector_size(64)));
  Words sums[4] = {};
  const uint8_t* const end = data + size / sizeof sums * sizeof sums;
  for (; data != end; data += sizeof sums) {
    Words words[4];
    std::memcpy(&words, data, sizeof words);
    sums[0] += words[0];
    sums[1] += words[1];
    sums[2] += words[2];
    sums[3] += words[3];
  }
  const Words sum = sums[0] + sums[1] + sums[2] + sums[3];
  uint64_t total = start;
  for (int i = 0; i < 8; ++i) total += sum[i];
  return static_cast<uint32_t>(total);
}

struct Subject {
  std::string name;
  uint32_t (*run)(uint32_t start, const uint8_t* data, size_t size);
  std::vector<double> seconds_per_call;
};

// The calls do not wait for each other's results, as those of many small blocks do not.
double measure(const Subject& subject, const uint8_t* data, size_t size, uint32_t& result) {
  using Clock = std::chrono::steady_clock;
  const size_t calls = std::clamp<size_t>(kBytesPerSample / size, 1, kMostCallsPerSample);
  const auto start = Clock::now();
  for (size_t i = 0; i < calls; ++i) result += subject.run(0, data, size);
  const std::chrono::duration<double> elapsed = Clock::now() - start;
  return elapsed.count() / static_cast<double>(calls);
}

void print(Subject& subject, size_t size) {
  auto& samples = subject.seconds_per_call;
  std::sort(samples.begin(), samples.end());
  const double best = samples.front(), median = samples[samples.size() / 2];
  const auto bytes = static_cast<double>(size);
  std::printf(R"({"kernel": "%s", "bytes": %zu, "gb_per_s_median": %.2f, "gb_per_s_best": %.2f, )"
              R"("ns_median": %.1f, "ns_best": %.1f})"
              "\n",
              subject.name.c_str(), size, bytes / median / 1e9, bytes / best / 1e9, median * 1e9,
              best * 1e9);
}

}  // namespace

int main() {
  // Huge pages where the system has them: the limit sought is that of memory, not of page tables.
  constexpr size_t kLargest = *std::max_element(std::begin(kSizes), std::end(kSizes));
  const std::unique_ptr<uint8_t, decltype(&std::free)> data(
      static_cast<uint8_t*>(std::aligned_alloc(2 << 20, kLargest)), std::free);
  if (data == nullptr) return 1;
#if defined(__linux__)
  madvise(data.get(), kLargest, MADV_HUGEPAGE);
#endif
  std::mt19937_64 random(1);
  for (size_t i = 0; i < kLargest; i += sizeof(uint64_t)) {
    const uint64_t word = random();
    std::memcpy(data.get() + i, &word, sizeof word);
  }
  uint32_t result = 0;
  for (const size_t size : kSizes) {
    std::vector<Subject> subjects = {{"plain read", plain_read, {}}};
    for (const auto& kernel : tensorbundle::crc32c_kernels()) {
      subjects.push_back({kernel.name, kernel.extend, {}});
    }
    std::vector<Subject*> turns;
    for (Subject& subject : subjects) turns.push_back(&subject);
    for (int round = 0; round < kRounds; ++round) {
      std::shuffle(turns.begin(), turns.end(), random);
      for (Subject* subject : turns) {
        const double seconds = measure(*subject, data.get(), size, result);
        subject->seconds_per_call.push_back(seconds);
      }
    }
    for (Subject& subject : subjects) print(subject, size);
  }
  std::fprintf(stderr, "(result %08x)\n", result);
}
