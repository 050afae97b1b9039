// The kernel's copy of a range from file to file: no byte passes through this process.
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tensorbundle/files/output_file.hpp"

namespace tensorbundle {

namespace {

// Linux transfers at most 0x7ffff000 bytes a call.
constexpr std::uint64_t kMaxCopy = std::uint64_t{1} << 30;

bool has_no_such_way(int number) {
  return number == EXDEV || number == EINVAL || number == ENOSYS || number == EOPNOTSUPP ||
         number == EPERM || number == EBADF;
}

}  // namespace

bool OutputFile::append_unchecked(const File& source, std::uint64_t offset, std::uint64_t size) {
#if defined(__linux__)
  leave_direct();  // the page cache is what the kernel copies to
  tried_direct_ = true;
  write_kept();
  const File::Access access = source.access();
  for (std::uint64_t done = 0; done < size;) {
    auto from = static_cast<off_t>(offset + done);
    auto to = static_cast<off_t>(written_ + done);
    const auto part = static_cast<std::size_t>(std::min(size - done, kMaxCopy));
    const ssize_t count = ::copy_file_range(access.number(), &from, file_.number(), &to, part, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && has_no_such_way(errno)) return false;
    if (count < 0) {
      const int number = errno;
      throw Error::system(number, std::string("cannot write the file: ") + std::strerror(number));
    }
    // Old kernels answer 0 where they cannot: the usual way of reading says what is wrong.
    if (count == 0) return false;
    done += static_cast<std::uint64_t>(count);
  }
  written_ += size;
  return true;
#else
  (void)source, (void)offset, (void)size;
  return false;
#endif
}

}  // namespace tensorbundle
