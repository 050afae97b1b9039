#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "tensorbundle/files/mapped_file.hpp"

namespace tensorbundle {

MappedFile::MappedFile(const File& file, Writes writes)
    : size_(static_cast<std::size_t>(file.size())), writes_(writes) {
  if (size_ == 0) return;  // mmap refuses a length of zero
  const File::Access access = file.access();
  const auto map = [&](int protection) {
    // MAP_NORESERVE: a writable map of a large file must not be refused for memory it never uses.
    return ::mmap(nullptr, size_, protection, MAP_PRIVATE | MAP_NORESERVE, access.number(), 0);
  };
  void* mapped = map(PROT_READ | PROT_WRITE);
  // Where the system counts every page that could be written.
  if (mapped == MAP_FAILED && writes == Writes::kRefused) mapped = map(PROT_READ);
  if (mapped == MAP_FAILED) {
    throw Error::system(errno, std::string("cannot map the file: ") + std::strerror(errno));
  }
  data_ = static_cast<char*>(mapped);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace tensorbundle
