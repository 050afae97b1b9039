// Many tensors at once: every range is read once, in shard order, checked, and put where it
// belongs.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tensorbundle/reading/plan.hpp"

namespace tensorbundle {

struct BulkOptions {
  unsigned threads = 0;  // 0: as many as are useful for this much work
  // Called with the bytes done so far, on the calling thread alone, at most ten times a second;
  // false stops the work.
  std::function<bool(std::uint64_t)> progress;
};

struct Failure {
  std::size_t job = 0;
  Error error;
};

// Reads and checks every job, and copies those that have somewhere to go. Damage is not thrown:
// it comes back, ordered by job. What a failed job has in its memory by then is unspecified.
// Memory: about 2 MB a thread. Throws kCancelled when `progress` said stop.
std::vector<Failure> run_jobs(std::span<const Job> jobs, const BulkOptions& options = {});

// The same for one job. Throws what run_jobs says of it. A small one takes no memory and no thread.
void run_job(const Job& job);

}  // namespace tensorbundle
