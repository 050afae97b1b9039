#include "tensorbundle/reading/verify.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

namespace tensorbundle {

namespace {

std::string range_text(std::uint64_t offset, std::uint64_t size) {
  return "bytes " + std::to_string(offset) + "-" + std::to_string(offset + size);
}

// A name within a message: printable, and of bounded length however long it is.
std::string name_text(ByteView name) {
  constexpr std::size_t kMaxShown = 200;
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : name.substr(0, kMaxShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte <= '~') {
      text.push_back(c);
    } else {
      text.append({'\\', 'x', kDigits[byte >> 4], kDigits[byte & 0xF]});
    }
  }
  return name.size() > kMaxShown ? text + "..." : text;
}

// Shards [first, last) whose rows are looked at; numbers that no shard has are among all.
struct ShardRange {
  std::int64_t first = std::numeric_limits<std::int32_t>::min();
  std::int64_t last = std::int64_t{std::numeric_limits<std::int32_t>::max()} + 1;

  [[nodiscard]] bool has(std::int32_t shard) const { return shard >= first && shard < last; }
};

// Rows that have bytes of their own, in the order in which these lie in the shards.
Arena<std::uint32_t> rows_in_shard_order(const EntryList& entries, const ShardRange& range = {}) {
  Arena<std::uint32_t> rows;
  if (range.has(std::numeric_limits<std::int32_t>::min())) rows.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    // The slices of a partitioned tensor are entries of their own.
    const EntryList::Row& row = entries.row(i);
    if (!row.has_extra && range.has(row.shard)) rows.push_back(static_cast<std::uint32_t>(i));
  }
  std::stable_sort(rows.begin(), rows.end(), [&](std::uint32_t a, std::uint32_t b) {
    const EntryList::Row& one = entries.row(a);
    const EntryList::Row& other = entries.row(b);
    return std::tie(one.shard, one.offset) < std::tie(other.shard, other.offset);
  });
  return rows;
}

class VerifyRun {
 public:
  VerifyRun(const EntryList& entries, const Header& header, const Shards& shards)
      : entries_(entries), header_(header), shards_(shards) {}

  Verification run(const BulkOptions& options) {
    note_malformed();
    BulkOptions batch_options = options;
    if (options.progress) {
      batch_options.progress = [&](std::uint64_t done) {
        return options.progress(done_before_ + done);
      };
    }
    // In batches, so that an index of a million entries takes no second index of jobs.
    for (const std::uint32_t row : rows_in_shard_order(entries_)) {
      add(row);
      if (jobs_.size() == kBatch) run_batch(batch_options);
    }
    run_batch(batch_options);
    std::stable_sort(result_.findings.begin(), result_.findings.end(),
                     [](const Finding& a, const Finding& b) { return a.row < b.row; });
    return std::move(result_);
  }

  VerifyPlan plan_only(ShardRange range) {
    if (range.first <= 0) {
      note_malformed();
      range.first = std::numeric_limits<std::int32_t>::min();
    }
    for (const std::uint32_t row : rows_in_shard_order(entries_, range)) add(row);
    return {std::move(jobs_), std::move(rows_), std::move(result_.findings),
            std::move(result_.lost)};
  }

 private:
  static constexpr std::size_t kBatch = 100'000;

  void note_malformed() {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (const Error* const error = entries_.error(i)) result_.findings.push_back({i, *error});
    }
  }

  void add(std::size_t row) {
    if (is_lost(row)) return;
    try {
      const Job job = plan(entries_.range(row), header_, shards_);
      if (const auto other = sweep_.add(job, row)) throw overlap(job, *other);
      jobs_.push_back(job);
      rows_.push_back(row);
    } catch (const Error& error) {
      result_.findings.push_back({row, error});
    }
  }

  // Whether the shard of a row cannot be opened, which is asked once for all its rows.
  bool is_lost(std::size_t row) {
    const std::int32_t shard = entries_.row(row).shard;
    if (!shards_.has(shard)) return false;
    const auto number = static_cast<std::uint32_t>(shard);
    if (shard != opened_) {
      opened_ = shard;
      is_lost_ = false;
      try {
        (void)shards_.file(number);
      } catch (const Error& error) {
        is_lost_ = true;
        result_.lost.push_back({number, error, {}});
      }
    }
    if (is_lost_) result_.lost.back().rows.push_back(row);
    return is_lost_;
  }

  Error overlap(const Job& job, std::size_t other) const {
    const StoredRange range = entries_.range(other);
    const auto begin = static_cast<std::uint64_t>(range.offset);
    const auto size = static_cast<std::uint64_t>(range.size);
    return {ErrorCode::kOverlap,
            "two tensors claim the same bytes: this one " + range_text(job.offset, job.size) +
                ", '" + name_text(entries_.name(other)) + "' " + range_text(begin, size),
            job.offset, job.size};
  }

  void run_batch(const BulkOptions& options) {
    for (const Failure& failure : run_jobs(jobs_, options)) {
      result_.findings.push_back({rows_[failure.job], failure.error});
    }
    for (const Job& job : jobs_) done_before_ += job.size;
    result_.nbytes = done_before_;
    result_.checked += jobs_.size();
    jobs_.clear();
    rows_.clear();
  }

  const EntryList& entries_;
  const Header& header_;
  const Shards& shards_;
  Verification result_;
  OverlapSweep sweep_;
  std::vector<Job> jobs_;
  std::vector<std::size_t> rows_;  // by job
  std::uint64_t done_before_ = 0;
  std::int32_t opened_ = -1;  // the shard of the row before
  bool is_lost_ = false;      // and whether it cannot be opened
};

}  // namespace

VerifyPlan plan_entries(const EntryList& entries, const Header& header, const Shards& shards,
                        std::int32_t first, std::int32_t last) {
  // What names a shard that cannot be is told with the last one.
  if (last >= std::max(header.num_shards, 1)) last = std::numeric_limits<std::int32_t>::max();
  return VerifyRun(entries, header, shards).plan_only({first, last});
}

Verification verify_entries(const EntryList& entries, const Header& header, const Shards& shards,
                            const BulkOptions& options) {
  return VerifyRun(entries, header, shards).run(options);
}

}  // namespace tensorbundle
