#include "tensorbundle/reading/bulk.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <numeric>
#include <string>
#include <tuple>

#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/base/parallel.hpp"
#include "tensorbundle/files/window.hpp"
#include "tensorbundle/format/string_tensor.hpp"

namespace tensorbundle {

namespace {

// Read, then checked while still in the second-level cache.
constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
// A large range is shared out among threads in pieces of this size.
constexpr std::uint64_t kPieceBytes = std::uint64_t{8} << 20;
// Small ranges that lie close together are read with one call.
constexpr std::uint64_t kGroupBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxGap = 4096;
// A single range is read into the stack where it fits there: most tensors of most checkpoints do.
constexpr std::size_t kSmallBytes = std::size_t{16} << 10;
// A thread costs some 20 us to start, in which another one checks this much many times over.
constexpr std::uint64_t kBytesWorthAThread = std::uint64_t{4} << 20;

// What a thread takes up at a time: a run of small jobs (in shard order), or a piece of a large
// one.
struct Unit {
  std::size_t first_job;
  std::size_t job_count;
  std::uint64_t begin;  // the range of the shard
  std::uint64_t end;
};

Error mismatch(const Job& job, std::uint32_t computed) {
  return {ErrorCode::kChecksum,
          "checksum mismatch: stored " + hex(job.crc32c) + ", computed " + hex(computed),
          job.offset, job.size};
}

std::vector<std::size_t> shard_order(std::span<const Job> jobs) {
  std::vector<std::size_t> order(jobs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto before = [&](std::size_t a, std::size_t b) {
    return std::tie(jobs[a].shard, jobs[a].offset) < std::tie(jobs[b].shard, jobs[b].offset);
  };
  if (!std::is_sorted(order.begin(), order.end(), before)) {
    std::sort(order.begin(), order.end(), before);
  }
  return order;
}

class BulkRun {
 public:
  explicit BulkRun(std::span<const Job> jobs) : jobs_(jobs), order_(shard_order(jobs)) {
    for (std::size_t i = 0; i < order_.size(); i = add_units(i)) {
    }
    crcs_.resize(units_.size());
  }

  std::vector<Failure> run(const BulkOptions& options) {
    std::uint64_t total = 0;
    for (const Job& job : jobs_) total += job.size;
    unsigned threads = options.threads;
    if (threads == 0) {
      threads = useful_threads(1 + total / kBytesWorthAThread);
    }
    threads = static_cast<unsigned>(std::min<std::size_t>(threads, units_.size()));
    scratch_ = std::vector<Buffer>(std::max(threads, 1U));
    parallel_for(units_.size(), threads, [&](std::size_t i, unsigned worker) {
      run_unit(i, scratch_[worker]);
      done_.fetch_add(units_[i].end - units_[i].begin, std::memory_order_relaxed);
      if (worker == 0 && options.progress) report(options.progress);
    });
    finish_pieces();
    std::vector<Failure> failures;
    failures.reserve(errors_.size());
    for (const auto& [job, error] : errors_) failures.push_back({job, error});
    return failures;
  }

 private:
  // Adds the units that begin with the job at position i; returns the position after them.
  std::size_t add_units(std::size_t i) {
    const Job& job = jobs_[order_[i]];
    const std::uint64_t end = job.offset + job.size;
    if (job.layout != Layout::kBytes) {
      units_.push_back({i, 1, job.offset, end});
      return i + 1;
    }
    if (job.size > kGroupBytes) {
      for (std::uint64_t at = job.offset; at < end; at += kPieceBytes) {
        units_.push_back({i, 1, at, std::min(end, at + kPieceBytes)});
      }
      return i + 1;
    }
    Unit group{i, 1, job.offset, end};
    for (std::size_t k = i + 1; k < order_.size(); ++k, ++group.job_count) {
      const Job& next = jobs_[order_[k]];
      const std::uint64_t reach = std::max(group.end, next.offset + next.size);
      if (next.shard != job.shard || next.layout != Layout::kBytes || next.size > kGroupBytes ||
          next.offset > group.end + kMaxGap || reach - group.begin > kGroupBytes) {
        break;
      }
      group.end = reach;
    }
    units_.push_back(group);
    return i + group.job_count;
  }

  void run_unit(std::size_t i, Buffer& scratch) {
    const Unit& unit = units_[i];
    const Job& job = jobs_[order_[unit.first_job]];
    try {
      if (job.layout != Layout::kBytes) {
        check_elements(unit.first_job);
      } else if (job.size > kGroupBytes) {
        crcs_[i] = read_piece(job, unit, scratch);
      } else {
        read_group(unit, scratch);
      }
    } catch (const Error& error) {
      // In a group, one short read must not be blamed on all: each is read again by itself.
      for (std::size_t k = 0; k < unit.job_count; ++k) {
        if (unit.job_count == 1) {
          fail(unit.first_job, error);
        } else {
          const Job& one = jobs_[order_[unit.first_job + k]];
          const Unit alone{unit.first_job + k, 1, one.offset, one.offset + one.size};
          try {
            read_group(alone, scratch);
          } catch (const Error& own) {
            fail(alone.first_job, own);
          }
        }
      }
    }
  }

  static std::uint32_t read_piece(const Job& job, const Unit& unit, Buffer& scratch) {
    const File::Access access = job.file->access();
    if (job.into == nullptr && job.file->held() == nullptr) {
      const auto size = static_cast<std::size_t>(unit.end - unit.begin);
      if (const auto crc = crc32c_of_window(access, unit.begin, size)) return *crc;
    }
    std::uint32_t crc = 0;
    for (std::uint64_t at = unit.begin; at < unit.end; at += kChunkBytes) {
      const auto size =
          static_cast<std::size_t>(std::min<std::uint64_t>(kChunkBytes, unit.end - at));
      char* const into =
          job.into != nullptr ? job.into + (at - job.offset) : scratch.reserve(kChunkBytes);
      job.file->read_at(access, at, into, size);
      crc = crc32c_extend(crc, into, size);
    }
    return crc;
  }

  void read_group(const Unit& unit, Buffer& scratch) {
    const File& file = *jobs_[order_[unit.first_job]].file;
    const auto size = static_cast<std::size_t>(unit.end - unit.begin);
    char* const bytes = scratch.reserve(std::max(size, kChunkBytes));
    // Empty tensors may lie anywhere, even past the end.
    if (size > 0) file.read_at(unit.begin, bytes, size);
    for (std::size_t k = unit.first_job; k < unit.first_job + unit.job_count; ++k) {
      const Job& job = jobs_[order_[k]];
      const char* const from = bytes + (job.offset - unit.begin);
      const auto job_size = static_cast<std::size_t>(job.size);
      compare(k, crc32c_extend(0, from, job_size));
      if (job.into != nullptr && job_size > 0) std::memcpy(job.into, from, job_size);
    }
  }

  void check_elements(std::size_t k) {
    const Job& job = jobs_[order_[k]];
    // Within the entry's size: otherwise a few bytes of index could claim a whole shard many times.
    const StringTensorPlace place{job.offset, job.count, job.big_endian, job.size};
    const StringCheck check = job.layout == Layout::kStrings ? check_strings(*job.file, place)
                                                             : check_variants(*job.file, place);
    compare(k, check.crc32c);
    if (check.crc32c == job.crc32c && check.used != job.size) {
      fail(k, Error(ErrorCode::kSizeMismatch,
                    "the entry's size is wrong: " + std::to_string(job.size) +
                        " bytes, but its elements take " + std::to_string(check.used),
                    job.offset, job.size));
    }
  }

  // The pieces of one job are neighbours in units_, in order.
  void finish_pieces() {
    for (std::size_t i = 0; i < units_.size();) {
      const std::size_t k = units_[i].first_job;
      const Job& job = jobs_[order_[k]];
      if (job.layout != Layout::kBytes || job.size <= kGroupBytes) {
        ++i;
        continue;
      }
      std::uint32_t crc = 0;
      const bool read = !errors_.contains(order_[k]);
      for (; i < units_.size() && units_[i].first_job == k; ++i) {
        crc = crc32c_combine(crc, crcs_[i], units_[i].end - units_[i].begin);
      }
      if (read) compare(k, crc);
    }
  }

  void compare(std::size_t k, std::uint32_t computed) {
    const Job& job = jobs_[order_[k]];
    if (computed != job.crc32c) fail(k, mismatch(job, computed));
  }

  void fail(std::size_t k, const Error& error) {
    const std::lock_guard lock(failing_);
    const auto [found, added] = errors_.try_emplace(order_[k], error);
    // Several pieces of one job may fail: the verdict is the first one's in the file, so that it
    // does not depend on the threads.
    if (!added && error.offset() < found->second.offset()) found->second = error;
  }

  void report(const std::function<bool(std::uint64_t)>& progress) {
    constexpr auto kPause = std::chrono::milliseconds(100);
    const auto now = std::chrono::steady_clock::now();
    if (now < next_report_) return;
    next_report_ = now + kPause;
    if (!progress(done_.load(std::memory_order_relaxed))) {
      throw Error(ErrorCode::kCancelled, "stopped on request");
    }
  }

  std::span<const Job> jobs_;
  std::vector<std::size_t> order_;  // positions are in shard order; order_[position] is the job
  std::vector<Unit> units_;
  std::vector<std::uint32_t> crcs_;  // of pieces, by unit
  std::vector<Buffer> scratch_;
  std::mutex failing_;
  std::map<std::size_t, Error> errors_;  // by job
  std::atomic<std::uint64_t> done_{0};
  std::chrono::steady_clock::time_point next_report_ = std::chrono::steady_clock::now();
};

}  // namespace

std::vector<Failure> run_jobs(std::span<const Job> jobs, const BulkOptions& options) {
  return BulkRun(jobs).run(options);
}

void run_job(const Job& job) {
  std::array<char, kSmallBytes> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): read into
  if (job.layout != Layout::kBytes || job.size > room.size()) {
    const std::vector<Failure> failures = run_jobs({&job, 1});
    if (!failures.empty()) throw failures.front().error;
    return;
  }
  const auto size = static_cast<std::size_t>(job.size);
  char* const bytes = job.into != nullptr ? job.into : room.data();
  std::uint32_t computed = 0;
  if (size > 0) {  // an empty tensor may lie anywhere, even past the end
    job.file->read_at(job.offset, bytes, size);
    computed = crc32c_extend(computed, bytes, size);
  }
  if (computed != job.crc32c) throw mismatch(job, computed);
}

}  // namespace tensorbundle
