// The data shards of a bundle by number, each opened and mapped once, when it is first needed.
//
// Invariants: no directory is listed and no number is believed: only the shards that are asked for
// take room. What is opened belongs to the index that was opened: a shard, or an index, that
// another save has put there since is refused, because its bytes are those of other tensors. That
// somebody wrote into one that is open can be asked.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tensorbundle/files/file.hpp"
#include "tensorbundle/files/mapped_file.hpp"

namespace tensorbundle {

// The path of a shard, as C's %05d writes its number and that of all shards.
std::string shard_path(const std::string& prefix, std::uint32_t number, std::int32_t count);

// Safe from any thread. References that it gives are valid as long as it lives.
class Shards {
 public:
  // `count`: what the header says. `writes`: how the shards are mapped. `index`: the file whose
  // entries lead to these shards; without one, nothing is refused as replaced. No file is opened;
  // of the first few it is noted which ones they are.
  Shards(std::string prefix, std::int32_t count,
         MappedFile::Writes writes = MappedFile::Writes::kRefused,
         std::shared_ptr<const File> index = nullptr);

  // Whether there can be a shard of that number: a header without a count has shard 0 of 0.
  [[nodiscard]] bool has(std::int32_t number) const;
  // Throws kFormat unless there can be.
  void check(std::int32_t number) const;
  // The path of a shard, whether it exists or not.
  [[nodiscard]] std::string path(std::uint32_t number) const;

  // Takes a shard that lies elsewhere, as its index then does. REQUIRES: has(number).
  void give(std::uint32_t number, std::shared_ptr<const File> file);

  // REQUIRES: has(number). Throws kMissingFile, kFormat for what is no regular file, kSystem, and
  // kReplaced.
  [[nodiscard]] const File& file(std::uint32_t number) const;
  // As file(); kSystem where there can be no map.
  [[nodiscard]] const std::shared_ptr<const MappedFile>& map(std::uint32_t number) const;
  // The same file, for those who outlive the shards.
  [[nodiscard]] std::shared_ptr<const File> share(std::uint32_t number) const;

  // Throws kReplaced if another index lies at the path of the one that was opened.
  void refuse_replaced() const;
  // Whether an open shard was written into since it was opened, or since accept_changes().
  [[nodiscard]] bool was_changed(std::uint32_t number) const;
  void accept_changes(std::uint32_t number) const;
  // Throws kReplaced if it was.
  void refuse_changed(std::uint32_t number) const;

 private:
  struct Shard {
    std::shared_ptr<const File> file;
    std::shared_ptr<const MappedFile> map;
    FileIdentity seen;
  };
  [[nodiscard]] bool is_elsewhere() const { return index_ && index_->held() != nullptr; }
  // REQUIRES: the lock is held.
  Shard& opened(std::uint32_t number) const;

  std::string prefix_;
  std::int32_t count_;
  MappedFile::Writes writes_;
  std::shared_ptr<const File> index_;
  std::vector<std::optional<FileIdentity>> noted_;  // by number, of the first few
  mutable std::mutex opening_;
  mutable std::map<std::uint32_t, Shard> shards_;
};

}  // namespace tensorbundle
