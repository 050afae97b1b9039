#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "tensorbundle/files/mapped_file.hpp"

namespace tensorbundle {

MappedFile::MappedFile(const File& file, Writes writes)
    : size_(static_cast<std::size_t>(file.size())), writes_(writes) {
  if (size_ == 0) return;  // mmap refuses a length of zero
  const int protection = writes == Writes::kPrivate ? PROT_READ | PROT_WRITE : PROT_READ;
  // MAP_NORESERVE: a writable view of a large file must not be refused for memory it never uses.
  void* const mapped =
      ::mmap(nullptr, size_, protection, MAP_PRIVATE | MAP_NORESERVE, file.access().number(), 0);
  if (mapped == MAP_FAILED) {
    throw Error::system(errno, std::string("cannot map the file: ") + std::strerror(errno));
  }
  data_ = static_cast<char*>(mapped);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace tensorbundle
