// From entries to jobs: what to read where, with every check that needs no tensor bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "tensorbundle/files/file.hpp"
#include "tensorbundle/format/bundle.hpp"

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
  std::uint64_t count = 0;     // elements
  char* into = nullptr;        // where `size` bytes go; null: only check them
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

// Finds ranges that claim bytes of another, among jobs that come in the order of their shards and
// offsets.
class OverlapSweep {
 public:
  // The number of the job that this one runs into, or nothing. `number`: what to call this one.
  std::optional<std::size_t> add(const Job& job, std::size_t number);

 private:
  std::uint64_t end_ = 0;  // of the job that reaches furthest in the current shard
  std::size_t furthest_ = 0;
  std::uint32_t shard_ = 0;
};

}  // namespace tensorbundle
