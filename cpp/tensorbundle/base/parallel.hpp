// One loop over many threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace tensorbundle {

// How many threads `units` of work are worth, each of them worth one. The system is asked once, and
// only by those who could use a second: on Linux that opens a file.
inline unsigned useful_threads(std::uint64_t units) {
  if (units <= 1) return 1;
  static const unsigned available = std::max(1U, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::min<std::uint64_t>(units, available));
}

// Calls work(i, worker) once for every i in [0, count), where `worker` in [0, threads) never runs
// twice at the same time; so that each may keep memory of its own. Indices are taken in order. The
// calling thread is worker 0. Returns when all are done and every thread has joined.
//
// When calls throw, no further ones are begun, and the exception of the lowest index is rethrown.
template <typename Work>
void parallel_for(std::size_t count, unsigned threads, Work&& work) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex failing;
  std::exception_ptr exception;
  std::size_t exception_index = count;

  const auto run = [&](unsigned worker) {
    while (!failed.load(std::memory_order_relaxed)) {
      // Indices are handed out in order, so every one below a failing one has been begun, and
      // will be waited for: the lowest exception is the same in every run.
      const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) return;
      try {
        work(i, worker);
      } catch (...) {
        const std::lock_guard lock(failing);
        failed = true;
        if (i < exception_index) {
          exception_index = i;
          exception = std::current_exception();
        }
      }
    }
  };

  std::vector<std::jthread> helpers;
  const auto wanted = std::min<std::size_t>(std::max(threads, 1U), count);
  try {
    for (unsigned worker = 1; worker < wanted; ++worker) helpers.emplace_back(run, worker);
  } catch (const std::system_error&) {
    // The system gives no more threads: those there are do all the work.
  }
  run(0);
  helpers.clear();  // joins
  if (exception) std::rethrow_exception(exception);
}

}  // namespace tensorbundle
