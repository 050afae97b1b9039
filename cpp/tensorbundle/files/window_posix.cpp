#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/files/bus_errors.hpp"
#include "tensorbundle/files/window.hpp"

namespace tensorbundle {

namespace {

std::optional<std::uint32_t> guarded_crc32c(const char* bytes, std::size_t size) {
  const BusErrorGuard guard;
  std::uint32_t crc = 0;
  auto read = [&] { crc = crc32c_extend(0, bytes, size); };
  if (!survives(bytes, size, read)) return {};
  return crc;
}

}  // namespace

std::optional<std::uint32_t> crc32c_of_window(const File::Access& access, std::uint64_t offset,
                                              std::size_t size) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto before = static_cast<std::size_t>(offset % page);
  void* const map = ::mmap(nullptr, before + size, PROT_READ, MAP_SHARED, access.number(),
                           static_cast<off_t>(offset - before));
  if (map == MAP_FAILED) return {};
  const auto crc = guarded_crc32c(static_cast<const char*>(map) + before, size);
  ::munmap(map, before + size);
  // On the page where a file ends there is no signal: what is gone reads as zeros.
  struct stat status{};
  const bool whole = ::fstat(access.number(), &status) == 0 &&
                     static_cast<std::uint64_t>(status.st_size) >= offset + size;
  return whole ? crc : std::nullopt;
}

}  // namespace tensorbundle
