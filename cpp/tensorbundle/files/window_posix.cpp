#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csetjmp>
#include <csignal>
#include <mutex>

#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/files/window.hpp"

namespace tensorbundle {

namespace {

// The window that this thread is reading, and where to go on if that fails.
struct Attempt {
  const char* begin;
  const char* end;
  sigjmp_buf recovery;
};
thread_local Attempt* attempt = nullptr;

// A signal's disposition belongs to the whole process: it is shared by all windows that are open.
std::mutex installing;
int windows_open = 0;
struct sigaction previous;

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const auto* const at = static_cast<const char*>(info->si_addr);
  if (attempt != nullptr && at >= attempt->begin && at < attempt->end) {
    siglongjmp(attempt->recovery, 1);
  }
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
    // The access is repeated on return, and then ends the process as it would have.
    ::sigaction(signal, &previous, nullptr);
  } else {
    previous.sa_handler(signal);
  }
}

class BusErrorGuard {
 public:
  BusErrorGuard() {
    const std::lock_guard lock(installing);
    if (windows_open++ > 0) return;
    struct sigaction ours{};
    ours.sa_sigaction = &on_bus_error;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(SIGBUS, &ours, &previous);
  }
  ~BusErrorGuard() {
    const std::lock_guard lock(installing);
    if (--windows_open > 0) return;
    struct sigaction current{};
    ::sigaction(SIGBUS, nullptr, &current);
    // Whoever has installed a handler since keeps it.
    if (current.sa_sigaction == &on_bus_error) ::sigaction(SIGBUS, &previous, nullptr);
  }
  BusErrorGuard(const BusErrorGuard&) = delete;
  BusErrorGuard& operator=(const BusErrorGuard&) = delete;
};

std::optional<std::uint32_t> guarded_crc32c(const char* bytes, std::size_t size) {
  const BusErrorGuard guard;
  Attempt mine{bytes, bytes + size, {}};
  attempt = &mine;
  // Between here and the jump there is the kernel alone: nothing that would have to be destroyed.
  if (sigsetjmp(mine.recovery, 1) != 0) {
    attempt = nullptr;
    return {};
  }
  const std::uint32_t crc = crc32c_extend(0, bytes, size);
  attempt = nullptr;
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
