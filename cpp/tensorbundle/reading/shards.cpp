#include "tensorbundle/reading/shards.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace tensorbundle {

namespace {

// Looking at a file costs a microsecond, on a network a thousand: not for thousands of shards.
constexpr std::int32_t kMaxNoted = 16;

Error replaced() {
  return {ErrorCode::kReplaced,
          "the checkpoint was replaced or changed after it had been opened: open it again"};
}

}  // namespace

std::string shard_path(const std::string& prefix, std::uint32_t number, std::int32_t count) {
  std::array<char, 48> suffix{};
  std::snprintf(suffix.data(), suffix.size(), ".data-%05u-of-%05d", static_cast<unsigned>(number),
                static_cast<int>(count));
  return prefix + suffix.data();
}

Shards::Shards(std::string prefix, std::int32_t count, MappedFile::Writes writes,
               std::shared_ptr<const File> index)
    : prefix_(std::move(prefix)), count_(count), writes_(writes), index_(std::move(index)) {
  if (!index_ || is_elsewhere()) return;
  for (std::int32_t i = 0; has(i) && i < kMaxNoted; ++i) {
    noted_.push_back(identity_at(path(static_cast<std::uint32_t>(i))));
  }
}

bool Shards::has(std::int32_t number) const { return number >= 0 && number < std::max(count_, 1); }

void Shards::check(std::int32_t number) const {
  if (has(number)) return;
  throw Error(ErrorCode::kFormat, "the entry names a shard that cannot be: number " +
                                      std::to_string(number) + " of " + std::to_string(count_));
}

std::string Shards::path(std::uint32_t number) const { return shard_path(prefix_, number, count_); }

void Shards::refuse_replaced() const {
  // Of what lies elsewhere, whoever fetches it knows.
  if (!index_ || is_elsewhere()) return;
  // One that is gone has not been replaced: its shards are what they were.
  const auto now = identity_at(index_->path());
  if (now && *now != index_->identity()) throw replaced();
}

Shards::Shard& Shards::opened(std::uint32_t number) const {
  Shard& shard = shards_[number];
  if (shard.file) return shard;
  if (is_elsewhere()) throw Error(ErrorCode::kMissingFile, "there is no such file");
  auto file = std::make_shared<const File>(path(number));
  // One that was missing may have been put there since.
  if (number < noted_.size() && noted_[number] && file->identity() != *noted_[number]) {
    throw replaced();
  }
  refuse_replaced();
  shard.file = std::move(file);
  shard.seen = shard.file->identity();
  return shard;
}

void Shards::give(std::uint32_t number, std::shared_ptr<const File> file) {
  const std::lock_guard lock(opening_);
  Shard& shard = shards_[number];
  shard.file = std::move(file);
  shard.seen = shard.file->identity();
}

bool Shards::was_changed(std::uint32_t number) const {
  const std::lock_guard lock(opening_);
  const auto found = shards_.find(number);
  if (found == shards_.end() || !found->second.file) return false;
  const auto now = found->second.file->identity_now();
  return now && *now != found->second.seen;
}

void Shards::refuse_changed(std::uint32_t number) const {
  if (was_changed(number)) throw replaced();
}

void Shards::accept_changes(std::uint32_t number) const {
  const std::lock_guard lock(opening_);
  Shard& shard = opened(number);
  shard.seen = shard.file->identity_now().value_or(shard.seen);
}

const File& Shards::file(std::uint32_t number) const {
  const std::lock_guard lock(opening_);
  return *opened(number).file;
}

std::shared_ptr<const File> Shards::share(std::uint32_t number) const {
  const std::lock_guard lock(opening_);
  return opened(number).file;
}

const std::shared_ptr<const MappedFile>& Shards::map(std::uint32_t number) const {
  const std::lock_guard lock(opening_);
  Shard& shard = opened(number);
  if (!shard.map) shard.map = std::make_shared<const MappedFile>(*shard.file, writes_);
  return shard.map;
}

}  // namespace tensorbundle
