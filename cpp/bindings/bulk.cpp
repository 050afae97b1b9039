// Bulk calls on a bundle: everything of 50,000 tensors for the price of one crossing.
#include <algorithm>

#include "arrays.hpp"
#include "bundle.hpp"

namespace tensorbundle::bindings {

BulkCall::BulkCall(unsigned threads, py::object progress) : progress_(std::move(progress)) {
  options_.threads = threads;
  options_.progress = [this](std::uint64_t done) { return tick(done); };
}

bool BulkCall::tick(std::uint64_t done) {
  const py::gil_scoped_acquire acquire;
  try {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (!progress_.is_none()) progress_(done);
    return true;
  } catch (py::error_already_set& error) {
    pending_.emplace(std::move(error));
    return false;
  }
}

namespace {

// How much `sweep` checks before it gives what it found.
constexpr std::size_t kSweepTensors = 256;
constexpr std::uint64_t kSweepBytes = 1 << 20;

// Some tensors of an index, in the order they were asked for.
struct Selected {
  std::size_t row;
  py::str name;
};

Arena<Selected> select(const EntryList& entries, const py::object& names) {
  Arena<Selected> selected;
  if (names.is_none()) {
    selected.reserve(entries.num_tensors());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (!entries.row(i).is_slice) selected.push_back({i, decode_name(entries.name(i))});
    }
    return selected;
  }
  for (const py::handle& name : names) {
    const auto row = entries.find(encode_name(name));
    if (!row) throw py::key_error(py::str(name));
    selected.push_back({*row, py::reinterpret_borrow<py::str>(name)});
  }
  return selected;
}

// Overlapping entries can ask for far more memory and work than their files hold.
void refuse_more_than_the_files_hold(std::span<const Job> jobs) {
  std::uint64_t wanted = 0;
  std::uint64_t held = 0;
  const File* last = nullptr;
  std::vector<const File*> files;
  for (const Job& job : jobs) {
    wanted += job.size;
    if (job.file != last) files.push_back(last = job.file);
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  for (const File* const file : files) held += file->size();
  if (wanted > held) {
    throw Error(ErrorCode::kOverlap, "tensors overlap: they claim " + std::to_string(wanted) +
                                         " bytes of shards that have " + std::to_string(held));
  }
}

// Runs a bulk call without the GIL; raises the first of its failures.
template <typename Work>
void run_or_raise(unsigned threads, const py::object& progress, std::span<const Job> jobs,
                  std::span<const py::str> names, Work&& work) {
  BulkCall call(threads, progress);
  const std::vector<Failure> failures = call.run([&] { return work(call.options()); });
  if (failures.empty()) return;
  const Failure& first = failures.front();
  throw_python(first.error, jobs[first.job].file->path(), names[first.job]);
}

}  // namespace

Bundle::Batch Bundle::plan_batch(const py::object& names) const {
  const EntryList& entries = list();
  Batch batch;
  const Arena<Selected> selected = select(entries, names);
  batch.rows.reserve(selected.size());
  batch.names.reserve(selected.size());
  batch.dtypes.reserve(selected.size());
  batch.jobs.reserve(selected.size());
  for (const Selected& one : selected) {
    const EntryList::Row& row = entries.row(one.row);
    const StoredRange range = entries.range(one.row);
    const Dtypes::Type& type = dtypes_.at(row.dtype);
    if (row.has_extra || !is_plain(type, range)) {
      batch.left_out.append(one.name);
      continue;
    }
    try {
      batch.jobs.push_back(reader_.plan(range));
    } catch (const Error& error) {
      raise(error, row.shard, one.name);
    }
    batch.rows.push_back(one.row);
    batch.names.push_back(one.name);
    batch.dtypes.push_back(&type.dtype);
  }
  if (!batch.left_out.empty()) {
    for (const Selected& one : selected) batch.arrays[one.name] = py::none();
  }
  refuse_more_than_the_files_hold(batch.jobs);
  return batch;
}

py::tuple Bundle::views(const py::object& names, unsigned threads, const py::object& progress) {
  Batch batch = plan_batch(names);
  for (std::optional<std::uint32_t> last; const Job& job : batch.jobs) {
    if (job.shard == last) continue;
    last = job.shard;
    try {
      reader_.notice_changes(job.shard);
    } catch (const Error& error) {
      raise(error, static_cast<std::int32_t>(job.shard), py::none());
    }
  }
  if (checks_) {
    run_or_raise(threads, progress, batch.jobs, batch.names, [&](const BulkOptions& options) {
      return reader_.check(batch.jobs, batch.rows, options);
    });
  }
  std::optional<std::uint32_t> shard;
  py::object base;
  char* data = nullptr;
  for (std::size_t i = 0; i < batch.jobs.size(); ++i) {
    const Job& job = batch.jobs[i];
    if (job.shard != shard) {
      const auto map = reader_.shards().map(job.shard);
      shard = job.shard;
      base = base_of(job.shard, map);
      data = map->data();
    }
    batch.arrays[batch.names[i]] =
        borrow_array(*batch.dtypes[i], list().range(batch.rows[i]).shape,
                     job.size > 0 ? data + job.offset : nullptr, writable(), base);
  }
  return py::make_tuple(batch.arrays, batch.left_out);
}

py::tuple Bundle::sweep(std::size_t begin) {
  const EntryList& entries = list();
  struct Place {
    py::str name;
    std::optional<std::size_t> job;  // none where the single way is to answer
  };
  std::vector<Place> places;
  std::vector<std::size_t> rows;
  std::vector<const py::object*> dtypes;
  std::vector<Job> jobs;
  std::uint64_t nbytes = 0;
  std::size_t i = begin;
  for (; i < entries.size() && places.size() < kSweepTensors && nbytes < kSweepBytes; ++i) {
    const EntryList::Row& row = entries.row(i);
    if (row.is_slice) continue;
    places.push_back({decode_name(entries.name(i)), std::nullopt});
    const StoredRange range = entries.range(i);
    const Dtypes::Type& type = dtypes_.at(row.dtype);
    if (row.has_extra || !is_plain(type, range)) continue;
    try {
      jobs.push_back(reader_.plan(range));
    } catch (const Error&) {
      continue;
    }
    places.back().job = rows.size();
    rows.push_back(i);
    dtypes.push_back(&type.dtype);
    nbytes += jobs.back().size;
  }
  if (checks_) {
    BulkCall call(0, py::none());
    for (const Failure& failure :
         call.run([&] { return reader_.check(jobs, rows, call.options()); })) {
      jobs[failure.job].file = nullptr;
    }
  }
  py::list pairs;
  bool whole = true;
  for (const Place& place : places) {
    py::object array = py::none();
    if (place.job && jobs[*place.job].file != nullptr) {
      const Job& job = jobs[*place.job];
      const auto map = reader_.shards().map(job.shard);
      array = borrow_array(*dtypes[*place.job], entries.range(rows[*place.job]).shape,
                           job.size > 0 ? map->data() + job.offset : nullptr, writable(),
                           base_of(job.shard, map));
    }
    whole = whole && !array.is_none();
    pairs.append(py::make_tuple(place.name, std::move(array)));
  }
  return py::make_tuple(pairs, i, whole);
}

py::tuple Bundle::load(const py::object& names, const py::object& out, unsigned threads,
                       const py::object& progress) const {
  Batch batch = plan_batch(names);
  for (std::size_t i = 0; i < batch.jobs.size(); ++i) {
    const py::object array = out.is_none()
                                 ? new_array(*batch.dtypes[i], list().range(batch.rows[i]).shape)
                                 : py::object(out[batch.names[i]]);
    batch.jobs[i].into = array_data(array);
    batch.arrays[batch.names[i]] = array;
  }
  run_or_raise(threads, progress, batch.jobs, batch.names,
               [&](const BulkOptions& options) { return reader_.run(batch.jobs, options); });
  return py::make_tuple(batch.arrays, batch.left_out);
}

}  // namespace tensorbundle::bindings
