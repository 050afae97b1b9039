// SIGBUS survived: mapped bytes are read in spite of others who may cut the file off.
//
// Whoever reads a map of a file that another process truncates is sent SIGBUS, which ends the
// process. While a guard is alive the signal is caught: a fault within a range that is being read
// ends that attempt, anything else goes to whatever handler was there before, and the handler is
// put back with the last guard.
#pragma once

#include <cstddef>

namespace tensorbundle {

// Installs the handler for as long as it lives; guards may overlap, in any threads.
class BusErrorGuard {
 public:
  BusErrorGuard();
  ~BusErrorGuard();
  BusErrorGuard(const BusErrorGuard&) = delete;
  BusErrorGuard& operator=(const BusErrorGuard&) = delete;
};

// Calls read(data). False: reading [begin, begin + size) faulted, and the call ended there, without
// unwinding: it must hold nothing that has to be destroyed. REQUIRES: a guard is alive; calls are
// not nested.
bool survives(const char* begin, std::size_t size, void (*read)(void*), void* data);

// The same for anything that can be called.
template <typename Read>
bool survives(const char* begin, std::size_t size, Read& read) {
  return survives(begin, size, [](void* it) { (*static_cast<Read*>(it))(); }, &read);
}

}  // namespace tensorbundle
