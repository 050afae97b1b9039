// The files of a bundle in a folder of their own, gone with the object.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "tensorbundle/reading/shards.hpp"

class TemporaryBundle {
 public:
  explicit TemporaryBundle(std::int32_t count = 1) : count_(count) {
    std::string folder = (std::filesystem::temp_directory_path() / "tensorbundle-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("cannot make " + folder);
    folder_ = folder;
  }
  ~TemporaryBundle() { std::filesystem::remove_all(folder_); }
  TemporaryBundle(const TemporaryBundle&) = delete;
  TemporaryBundle& operator=(const TemporaryBundle&) = delete;

  [[nodiscard]] std::string prefix() const { return (folder_ / "model").string(); }
  [[nodiscard]] std::string index_path() const { return prefix() + ".index"; }
  [[nodiscard]] std::string shard_path(std::uint32_t number) const {
    return tensorbundle::shard_path(prefix(), number, count_);
  }

  // Puts a new file in place of what is there, as a save does.
  void put(const std::string& path, const std::string& bytes) const {
    const std::string temporary = path + ".new";
    std::ofstream(temporary, std::ios::binary) << bytes;
    std::filesystem::rename(temporary, path);
  }
  void put_shard(std::uint32_t number, const std::string& bytes) const {
    put(shard_path(number), bytes);
  }
  std::shared_ptr<const tensorbundle::File> put_index(const std::string& bytes) const {
    put(index_path(), bytes);
    return std::make_shared<const tensorbundle::File>(index_path());
  }

 private:
  std::filesystem::path folder_;
  std::int32_t count_;
};
