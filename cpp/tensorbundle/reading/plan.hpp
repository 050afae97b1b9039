// From entries to jobs: what to read where, with every check that needs no tensor bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "tensorbundle/files/file.hpp"
#include "tensorbundle/format/bundle.hpp"
#include "tensorbundle/reading/shards.hpp"

namespace tensorbundle {

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

// The one check of whether an entry fits its shard, which is opened for it. Throws kFormat (shard
// number), kSizeMismatch, kTruncated, and what opening the shard throws.
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
