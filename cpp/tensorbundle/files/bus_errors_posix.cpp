#include <csetjmp>
#include <csignal>
#include <mutex>

#include "tensorbundle/files/bus_errors.hpp"

namespace tensorbundle {

namespace {

// The range that this thread is reading, and where to go on if that fails.
struct Attempt {
  const char* begin;
  const char* end;
  sigjmp_buf recovery;
};
thread_local Attempt* attempt = nullptr;

// A signal's disposition belongs to the whole process: it is shared by all guards that are alive.
std::mutex installing;
int guards = 0;
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

}  // namespace

BusErrorGuard::BusErrorGuard() {
  const std::lock_guard lock(installing);
  if (guards++ > 0) return;
  struct sigaction ours{};
  ours.sa_sigaction = &on_bus_error;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGBUS, &ours, &previous);
}

BusErrorGuard::~BusErrorGuard() {
  const std::lock_guard lock(installing);
  if (--guards > 0) return;
  struct sigaction current{};
  ::sigaction(SIGBUS, nullptr, &current);
  // Whoever has installed a handler since keeps it.
  if (current.sa_sigaction == &on_bus_error) ::sigaction(SIGBUS, &previous, nullptr);
}

bool survives(const char* begin, std::size_t size, void (*read)(void*), void* data) {
  Attempt mine{begin, begin + size, {}};
  attempt = &mine;
  // Keeping the mask of signals costs a call of the system's, twenty times what the rest does; the
  // one signal that the jump leaves blocked is unblocked after it.
  if (sigsetjmp(mine.recovery, 0) != 0) {
    attempt = nullptr;
    sigset_t bus_error;
    sigemptyset(&bus_error);
    sigaddset(&bus_error, SIGBUS);
    pthread_sigmask(SIG_UNBLOCK, &bus_error, nullptr);
    return false;
  }
  read(data);
  attempt = nullptr;
  return true;
}

}  // namespace tensorbundle
