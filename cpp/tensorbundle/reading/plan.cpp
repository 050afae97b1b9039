#include "tensorbundle/reading/plan.hpp"

#include <string>

namespace tensorbundle {

std::uint64_t element_count(std::span<const std::int64_t> shape) {
  std::uint64_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::uint64_t>(size);
  return count;
}

Job plan(const StoredRange& range, const Header& header, const Shards& shards) {
  shards.check(range.shard);
  Job job;
  job.offset = static_cast<std::uint64_t>(range.offset);
  job.size = static_cast<std::uint64_t>(range.size);
  job.count = element_count(range.shape);
  job.shard = static_cast<std::uint32_t>(range.shard);
  job.crc32c = range.crc32c;
  job.big_endian = header.big_endian;
  if (range.dtype == kString) job.layout = Layout::kStrings;
  if (range.dtype == kVariant) job.layout = Layout::kVariants;

  const auto width = static_cast<std::uint64_t>(element_bytes(range.dtype));
  if (width > 0 && (job.size % width != 0 || job.size / width != job.count)) {
    throw Error(ErrorCode::kSizeMismatch,
                "the entry's size is wrong: " + std::to_string(job.size) +
                    " bytes, but its dtype and shape need " + std::to_string(job.count) +
                    " elements of " + std::to_string(width),
                job.offset, job.size);
  }
  if (job.layout != Layout::kBytes && job.size < job.count) {
    throw Error(ErrorCode::kSizeMismatch,
                "the entry's size is wrong: " + std::to_string(job.size) +
                    " bytes, but each of its " + std::to_string(job.count) +
                    " elements takes one at least",
                job.offset, job.size);
  }
  job.file = &shards.file(job.shard);
  const std::uint64_t end = job.file->size();
  // An empty tensor has no bytes, and its offset says nothing.
  if (job.size > 0 && (job.offset > end || job.size > end - job.offset)) {
    throw Error(ErrorCode::kTruncated,
                "the shard is cut off: it ends at byte " + std::to_string(end) + ", " +
                    std::to_string(job.size) + " bytes were expected at " +
                    std::to_string(job.offset),
                job.offset, job.size);
  }
  return job;
}

std::optional<std::size_t> OverlapSweep::add(const Job& job, std::size_t number) {
  if (job.size == 0) return {};
  if (job.shard != shard_) end_ = 0;
  shard_ = job.shard;
  const bool clashes = job.offset < end_;
  const std::size_t other = furthest_;
  if (job.offset + job.size > end_) {
    end_ = job.offset + job.size;
    furthest_ = number;
  }
  return clashes ? std::optional(other) : std::nullopt;
}

}  // namespace tensorbundle
