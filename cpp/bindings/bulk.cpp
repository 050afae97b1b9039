// Bulk calls on an index: everything of 50,000 tensors for the price of one crossing.
#include <pybind11/stl.h>

#include <algorithm>
#include <limits>

#include "arrays.hpp"
#include "bindings.hpp"
#include "tensorbundle/reading/verify.hpp"

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

// Some tensors of an index, in the order they were asked for.
struct Selected {
  std::size_t row;
  py::str name;
};

Arena<Selected> select(const Index& index, const py::object& names) {
  const EntryList& entries = index.all();  // kept alive by the index
  Arena<Selected> selected;
  if (names.is_none()) {
    selected.reserve(entries.size());
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

// numpy's dtype of the rows that are plain bytes in this process's order, None for all others.
class PlainTypes {
 public:
  PlainTypes(const Index& index, const py::sequence& dtypes)
      : big_endian_(index.header().big_endian) {
    for (const py::handle& dtype : dtypes) {
      dtypes_.push_back(py::reinterpret_borrow<py::object>(dtype));
    }
  }

  [[nodiscard]] const py::object* of(const EntryList& entries, std::size_t i) const {
    const EntryList::Row& row = entries.row(i);
    if (row.has_extra || row.dtype < 0) return nullptr;
    const auto number = static_cast<std::size_t>(row.dtype);
    const bool plain = number < dtypes_.size() && !dtypes_[number].is_none() &&
                       (!big_endian_ || element_bytes(row.dtype) == 1) &&
                       row.rank <= kMaxArrayDimensions && fits(entries.range(i).shape);
    return plain ? &dtypes_[number] : nullptr;
  }

  // numpy refuses an empty array whose other dimensions multiply to more than memory could hold.
  static bool fits(std::span<const std::int64_t> shape) {
    constexpr std::int64_t kLargestElement = 16;
    std::int64_t room = std::numeric_limits<std::int64_t>::max() / kLargestElement;
    for (const std::int64_t size : shape) room /= std::max<std::int64_t>(size, 1);
    return room > 0;
  }

 private:
  std::vector<py::object> dtypes_;
  bool big_endian_;
};

Job plan_named(const Index& index, const Shards& shards, const Selected& one) {
  try {
    return plan(index.all().range(one.row), index.header(), shards);
  } catch (const Error& error) {
    const File* const file =
        shards.find(static_cast<std::uint32_t>(index.all().row(one.row).shard));
    throw_python(error, file != nullptr ? std::optional(file->path()) : std::nullopt, one.name);
  }
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

// The plain tensors among those that were asked for, with a job for each. Where others are left
// out, the dict holds a place for all, because it keeps the order in which names come first.
struct Batch {
  Arena<Selected> plain;
  Arena<const py::object*> dtypes;
  Arena<Job> jobs;
  py::dict arrays;
  py::list left_out;
};

Batch plan_batch(const Index& index, const Shards& shards, const PlainTypes& types,
                 const py::object& names) {
  Batch batch;
  const Arena<Selected> selected = select(index, names);
  batch.plain.reserve(selected.size());
  batch.dtypes.reserve(selected.size());
  batch.jobs.reserve(selected.size());
  for (const Selected& one : selected) {
    const py::object* const dtype = types.of(index.all(), one.row);
    if (dtype == nullptr) {
      batch.left_out.append(one.name);
      continue;
    }
    batch.jobs.push_back(plan_named(index, shards, one));
    batch.dtypes.push_back(dtype);
    batch.plain.push_back(one);
  }
  if (!batch.left_out.empty()) {
    for (const Selected& one : selected) batch.arrays[one.name] = py::none();
  }
  refuse_more_than_the_files_hold(batch.jobs);
  return batch;
}

void run_or_raise(const Batch& batch, unsigned threads) {
  BulkCall call(threads, py::none());
  const std::vector<Failure> failures =
      call.run([&] { return run_jobs(batch.jobs, call.options()); });
  if (failures.empty()) return;
  const Failure& first = failures.front();
  throw_python(first.error, batch.jobs[first.job].file->path(), batch.plain[first.job].name);
}

py::tuple views(const Index& index, const py::dict& files, const py::dict& maps,
                const py::sequence& dtypes, const py::object& names, bool checked,
                unsigned threads) {
  const Shards shards = shards_from(files);
  const PlainTypes types(index, dtypes);
  Batch batch = plan_batch(index, shards, types, names);
  if (checked) run_or_raise(batch, threads);
  std::uint32_t shard = 0;
  py::object map;
  const MappedFile* mapped = nullptr;
  for (std::size_t i = 0; i < batch.jobs.size(); ++i) {
    const Job& job = batch.jobs[i];
    if (mapped == nullptr || job.shard != shard) {
      shard = job.shard;
      map = maps[py::int_(shard)];
      mapped = &map.cast<const MappedFile&>();
    }
    char* const data = job.size == 0 ? nullptr : mapped->data() + job.offset;
    batch.arrays[batch.plain[i].name] =
        borrow_array(*batch.dtypes[i], index.all().range(batch.plain[i].row).shape, data,
                     mapped->writable(), map);
  }
  return py::make_tuple(batch.arrays, batch.left_out);
}

py::tuple load(const Index& index, const py::dict& files, const py::sequence& dtypes,
               const py::object& names, const py::object& out, unsigned threads) {
  const Shards shards = shards_from(files);
  const PlainTypes types(index, dtypes);
  Batch batch = plan_batch(index, shards, types, names);
  for (std::size_t i = 0; i < batch.jobs.size(); ++i) {
    const Selected& one = batch.plain[i];
    const py::object array = out.is_none()
                                 ? new_array(*batch.dtypes[i], index.all().range(one.row).shape)
                                 : py::object(out[one.name]);
    batch.jobs[i].into = array_data(array);
    batch.arrays[one.name] = array;
  }
  run_or_raise(batch, threads);
  return py::make_tuple(batch.arrays, batch.left_out);
}

void read_range(const std::shared_ptr<File>& file, std::uint64_t offset, std::uint64_t size,
                std::uint32_t crc32c, const py::object& out, unsigned threads) {
  std::optional<BorrowedBuffer> buffer;
  if (!out.is_none()) buffer.emplace(out, true);
  if (buffer && buffer->size() != size) throw py::value_error("`out` is of another size");
  Job job;
  job.offset = offset;
  job.size = size;
  job.crc32c = crc32c;
  job.file = file.get();
  job.into = buffer ? buffer->data() : nullptr;
  BulkCall call(threads, py::none());
  const auto failures = call.run([&] { return run_jobs({&job, 1}, call.options()); });
  if (!failures.empty()) throw_python(failures.front().error, file->path(), py::none());
}

py::tuple verify(const Index& index, const EntryList& entries, const py::dict& files,
                 unsigned threads, const py::object& progress) {
  const Shards shards = shards_from(files);
  BulkCall call(threads, progress);
  const Verification result =
      call.run([&] { return verify_entries(entries, index.header(), shards, call.options()); });
  py::list findings;
  for (const Finding& finding : result.findings) {
    const ByteView name = entries.name(finding.row);
    const EntryList::Row& row = entries.row(finding.row);
    const File* const file = shards.find(static_cast<std::uint32_t>(row.shard));
    const auto path = file != nullptr ? std::optional(file->path()) : std::nullopt;
    findings.append(py::make_tuple(py::bytes(name.data(), name.size()), row.shard,
                                   fault_kind(finding.error.code()),
                                   exception_for(finding.error, path, decode_name(name))));
  }
  return py::make_tuple(result.checked, result.nbytes, findings);
}

}  // namespace

void register_bulk(py::class_<Index, std::shared_ptr<Index>>& index, py::module_& module) {
  using namespace py::literals;
  import_numpy();
  index.def("views", &views, "shards"_a, "maps"_a, "dtypes"_a, "names"_a, "checked"_a, "threads"_a)
      .def("load", &load, "shards"_a, "dtypes"_a, "names"_a, "out"_a, "threads"_a)
      .def("verify", &verify, "entries"_a, "shards"_a, "threads"_a, "progress"_a);
  module.def(
      "empty",
      [](const std::vector<std::int64_t>& shape, const py::object& dtype) {
        return new_array(dtype, shape);
      },
      "shape"_a, "dtype"_a);
  module.def("read_range", &read_range, "file"_a, "offset"_a, "size"_a, "crc32c"_a, "out"_a,
             "threads"_a);
}

}  // namespace tensorbundle::bindings
