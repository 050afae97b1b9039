#include "tensorbundle/reading/bundle_reader.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tensorbundle {

namespace {

// So many rows, and so many bytes, are checked in one go for who goes through them in order.
constexpr std::size_t kAheadRows = 256;
constexpr std::uint64_t kAheadBytes = std::uint64_t{256} << 10;
// Tensors that are not checked here, strings say, may lie between two that are.
constexpr std::size_t kMaxStride = 16;
// Whoever reads again and again has the shard looked at once in so long: to ask the system takes
// as long as to read a small tensor does.
constexpr std::uint64_t kLookMicros = 10;
constexpr std::uint64_t kShardNumbers = 1 << 20;  // more than there can be

bool is_damage(const Error& error) {
  return error.code() == ErrorCode::kChecksum || error.code() == ErrorCode::kTruncated;
}

}  // namespace

StoredRange FoundEntry::range() const {
  if (list_ != nullptr) return list_->range(row_);
  return {entry_.dtype, entry_.shard, entry_.offset, entry_.size, entry_.crc32c, entry_.shape};
}

const std::vector<SliceSpec>& FoundEntry::slices() const {
  return list_ != nullptr ? list_->slices(row_) : entry_.slices;
}

bool BundleReader::Rows::is_checked(std::size_t row) const {
  return (checked[row / 64].load(std::memory_order_relaxed) >> row % 64 & 1) != 0;
}

void BundleReader::Rows::mark(std::size_t row) {
  checked[row / 64].fetch_or(std::uint64_t{1} << row % 64, std::memory_order_relaxed);
}

void BundleReader::Rows::forget() {
  for (auto& bits : checked) bits.store(0, std::memory_order_relaxed);
}

BundleReader::BundleReader(std::shared_ptr<const File> index, std::string prefix,
                           MappedFile::Writes writes, bool checks)
    : index_(index),
      shards_(std::move(prefix), index_.header().num_shards, writes, std::move(index)),
      checks_(checks) {}

BundleReader::Rows* BundleReader::rows() const {
  if (Rows* const built = rows_.load(std::memory_order_acquire)) return built;
  const std::lock_guard lock(changing_);
  if (own_rows_ || damaged_) return own_rows_.get();
  try {
    own_rows_ = std::make_unique<Rows>(index_.share());
  } catch (const Error& error) {
    damaged_ = error.code() != ErrorCode::kSystem;
    return nullptr;
  }
  for (const std::string& name : checked_) {
    if (const auto row = own_rows_->list->find(name)) own_rows_->mark(*row);
  }
  checked_.clear();
  rows_.store(own_rows_.get(), std::memory_order_release);
  return own_rows_.get();
}

std::optional<FoundEntry> BundleReader::find_in_block(ByteView name) const {
  FoundEntry found;
  // Bisection sees the slices of partitioned tensors, which are no tensors, and can miss in a table
  // that is out of order: what looks like either is for the list to say, which notices both.
  if (auto entry = index_.find(name); entry && !name.starts_with('\0')) {
    found.entry_ = std::move(*entry);
    found.key_ = name;
    return found;
  }
  const EntryList& list = index_.all();
  const auto row = list.find(name);
  if (!row || list.row(*row).is_slice) return {};
  if (const Error* const error = list.error(*row)) throw *error;
  found.list_ = &list;
  found.row_ = *row;
  return found;
}

std::optional<std::size_t> BundleReader::find_row(const EntryList& list, ByteView name) const {
  const std::size_t next = next_found_.load(std::memory_order_relaxed);
  const bool in_order = next < list.size() && list.name(next) == name;
  const auto row = in_order ? std::optional(next) : list.find(name);
  if (row) next_found_.store(*row + 1, std::memory_order_relaxed);
  return row;
}

std::optional<FoundEntry> BundleReader::find(ByteView name) const {
  Rows* const all = has_list() || asked_.exchange(true) ? rows() : nullptr;
  if (all == nullptr) return find_in_block(name);
  const EntryList& list = *all->list;
  const auto row = find_row(list, name);
  if (!row || list.row(*row).is_slice) return {};
  if (const Error* const error = list.error(*row)) throw *error;
  FoundEntry found;
  found.list_ = &list;
  found.row_ = *row;
  return found;
}

Job BundleReader::plan(const StoredRange& range) const {
  return tensorbundle::plan(range, index_.header(), shards_);
}

void BundleReader::notice_changes(const FoundEntry& found) const {
  const std::int32_t shard =
      found.list_ != nullptr ? found.list_->row(found.row_).shard : found.entry_.shard;
  if (!shards_.has(shard)) return;
  const auto number = static_cast<std::uint32_t>(shard);
  if (!has_just_looked(number)) notice_changes(number);
}

bool BundleReader::has_just_looked(std::uint32_t shard) const {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  const auto now = static_cast<std::uint64_t>(duration_cast<microseconds>(since).count());
  const std::uint64_t last = looked_.load(std::memory_order_relaxed);
  if (last % kShardNumbers == shard % kShardNumbers && now - last / kShardNumbers < kLookMicros) {
    return true;
  }
  looked_.store(now * kShardNumbers + shard % kShardNumbers, std::memory_order_relaxed);
  return false;
}

void BundleReader::notice_changes(std::uint32_t shard) const {
  if (!shards_.was_changed(shard)) return;
  if (!checks_) shards_.refuse_changed(shard);
  shards_.accept_changes(shard);
  const std::lock_guard lock(changing_);
  checked_.clear();
  if (own_rows_) own_rows_->forget();
}

bool BundleReader::is_checked(const FoundEntry& found) const {
  if (!checks_) return true;
  if (found.list_ != nullptr) {
    const Rows* const all = rows();
    return all != nullptr && all->is_checked(found.row_);
  }
  const std::lock_guard lock(changing_);
  return checked_.contains(found.key_);
}

void BundleReader::check(const FoundEntry& found) const {
  if (is_checked(found)) return;
  Rows* const all = found.list_ != nullptr ? rows() : nullptr;
  if (all != nullptr) {
    check_row(*all, found.row_);
    return;
  }
  run(plan(found.range()));
  const std::lock_guard lock(changing_);
  checked_.insert(found.key_);
}

void BundleReader::check_row(Rows& rows, std::size_t row) const {
  const std::size_t next = next_.load(std::memory_order_relaxed);
  const bool in_order = row >= next && row - next < kMaxStride;
  const std::size_t after = in_order ? check_ahead(rows, row) : row + 1;
  next_.store(after, std::memory_order_relaxed);
  if (rows.is_checked(row)) return;
  run(plan(rows.list->range(row)));
  rows.mark(row);
}

std::size_t BundleReader::check_ahead(Rows& rows, std::size_t row) const {
  const EntryList& list = *rows.list;
  std::vector<Job> jobs;
  std::vector<std::size_t> places;
  std::uint64_t bytes = 0;
  const std::size_t end = std::min(list.size(), row + kAheadRows);
  for (; row < end; ++row) {
    if (list.row(row).has_extra || rows.is_checked(row)) continue;
    try {
      const Job job = plan(list.range(row));
      if (job.layout != Layout::kBytes) continue;
      if (job.size > kAheadBytes - bytes) break;
      bytes += job.size;
      jobs.push_back(job);
      places.push_back(row);
    } catch (const Error&) {
      // Said when somebody asks for that tensor.
    }
  }
  std::vector<bool> failed(jobs.size());
  for (const Failure& failure : run_jobs(jobs, {1, {}})) failed[failure.job] = true;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!failed[i]) rows.mark(places[i]);
  }
  return row;
}

BorrowedBytes BundleReader::borrow(const FoundEntry& found) const {
  const Job job = plan(found.range());
  BorrowedBytes bytes{nullptr, job.shard, shards_.map(job.shard)};
  if (job.size > 0) bytes.data = bytes.map->data() + job.offset;
  return bytes;
}

void BundleReader::run(const Job& job) const {
  try {
    run_job(job);
  } catch (const Error& error) {
    // A save that is under way puts shards in their places before the index.
    if (is_damage(error)) shards_.refuse_replaced();
    throw;
  }
}

std::vector<Failure> BundleReader::check(std::span<const Job> jobs,
                                         std::span<const std::size_t> rows,
                                         const BulkOptions& options) const {
  Rows* const all = this->rows();
  std::vector<Job> unchecked;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (all != nullptr && all->is_checked(rows[i])) continue;
    unchecked.push_back(jobs[i]);
    places.push_back(i);
  }
  std::vector<Failure> failures = run(unchecked, options);
  std::vector<bool> failed(places.size());
  for (Failure& failure : failures) {
    failed[failure.job] = true;
    failure.job = places[failure.job];
  }
  if (all == nullptr) return failures;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!failed[i]) all->mark(rows[places[i]]);
  }
  return failures;
}

std::vector<Failure> BundleReader::run(std::span<const Job> jobs,
                                       const BulkOptions& options) const {
  std::vector<Failure> failures = run_jobs(jobs, options);
  if (std::any_of(failures.begin(), failures.end(),
                  [](const Failure& failure) { return is_damage(failure.error); })) {
    shards_.refuse_replaced();
  }
  return failures;
}

}  // namespace tensorbundle
