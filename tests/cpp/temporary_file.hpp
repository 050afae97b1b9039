// A file of given bytes in the system's folder for temporary files, gone with the object.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "tensorbundle/files/file.hpp"

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& bytes = "")
      : path_((std::filesystem::temp_directory_path() / "tensorbundle-XXXXXX").string()) {
    const tensorbundle::Descriptor made(::mkstemp(path_.data()));
    if (!made.valid()) throw std::runtime_error("cannot make " + path_);
    write(bytes);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  // Replaces the contents; the file stays the same one.
  void write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary) << bytes;
    if (std::filesystem::file_size(path_) != bytes.size()) throw std::runtime_error("cannot write");
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  // The path, with no file there any more.
  [[nodiscard]] const std::string& vacate() const {
    std::filesystem::remove(path_);
    return path_;
  }
  [[nodiscard]] std::shared_ptr<const tensorbundle::File> open() const {
    return std::make_shared<const tensorbundle::File>(path_);
  }

 private:
  std::string path_;
};
