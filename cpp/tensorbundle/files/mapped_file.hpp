// An immutable view of a whole file, for numpy arrays to borrow from.
//
// There is no close(): the file is unmapped when the last owner is gone, so an array can never
// dangle. The core never reads through the view; see file.hpp.
#pragma once

#include <cstddef>

#include "tensorbundle/files/file.hpp"

namespace tensorbundle {

class MappedFile {
 public:
  enum class Writes {
    kRefused,  // handed out as read-only; who writes all the same writes to pages of the process
    kPrivate,  // copy on write: stores go to this process's own pages, never to the file
  };

  // Maps all of `file`; an empty file gives an empty view. Throws kSystem.
  MappedFile(const File& file, Writes writes);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool writable() const { return writes_ == Writes::kPrivate; }

 private:
  char* data_ = nullptr;
  std::size_t size_;
  Writes writes_;
};

}  // namespace tensorbundle
