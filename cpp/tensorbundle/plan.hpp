// From entries to jobs: what to read where, with every check that needs no tensor bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "bundle.hpp"
#include "file.hpp"

namespace tensorbundle {

// The shards of a bundle, by number. Numbers are what entries claim, so they may be anything up to
// 2^31: only the shards that were opened take room.
class Shards {
 public:
  // Adds the next shard; null where the file is missing. REQUIRES: numbers in ascending order.
  void add(std::uint32_t number, std::shared_ptr<const File> file) {
    shards_.emplace_back(number, std::move(file));
  }
  // The file of a shard, or null.
  [[nodiscard]] const File* find(std::uint32_t number) const;

 private:
  std::vector<std::pair<std::uint32_t, std::shared_ptr<const File>>> shards_;
};

enum class Layout : std::uint8_t { kBytes, kStrings, kVariants };

// One stored range: a tensor, or one slice of a partitioned tensor.
struct Job {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t count = 0;  // elements
  char* into = nullptr;     // where `size` bytes go; null: only check them
  const File* file = nullptr;  // borrowed from the Shards
  std::uint32_t shard = 0;
  std::uint32_t crc32c = 0;
  Layout layout = Layout::kBytes;
  bool big_endian = false;
};

// An entry without its slices, wherever its shape is kept.
struct StoredRange {
  std::int32_t dtype;
  std::int32_t shard;
  std::int64_t offset;
  std::int64_t size;
  std::uint32_t crc32c;
  std::span<const std::int64_t> shape;
};

// The product of the dimensions, which decode_entry has shown to fit.
std::uint64_t element_count(std::span<const std::int64_t> shape);

// Throws kFormat (shard number), kMissingFile, kSizeMismatch, kTruncated.
Job plan(const StoredRange& range, const Header& header, const Shards& shards);

// Two jobs that claim the same bytes of a shard.
struct Overlap {
  std::size_t job;    // the one that starts later
  std::size_t other;  // the one it runs into
};
std::vector<Overlap> overlaps(std::span<const Job> jobs);

}  // namespace tensorbundle
