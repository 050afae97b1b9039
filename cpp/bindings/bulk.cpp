// Bulk calls on an index: everything of 50,000 tensors for the price of one crossing.
#include <algorithm>

#include "arrays.hpp"
#include "bindings.hpp"
#include "tensorbundle/verify.hpp"

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

std::vector<Selected> select(const Index& index, const py::object& names) {
  const EntryList& entries = index.all();  // kept alive by the index
  std::vector<Selected> selected;
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
  PlainTypes(const Index& index, const py::sequence& dtypes) : big_endian_(index.header().big_endian) {
    for (const py::handle& dtype : dtypes) {
      dtypes_.push_back(py::reinterpret_borrow<py::object>(dtype));
    }
  }

  [[nodiscard]] const py::object* of(const EntryList::Row& row) const {
    if (row.has_extra || row.dtype < 0) return nullptr;
    const auto number = static_cast<std::size_t>(row.dtype);
    const bool plain = number < dtypes_.size() && !dtypes_[number].is_none() &&
                       (!big_endian_ || element_bytes(row.dtype) == 1) &&
                       row.rank <= kMaxArrayDimensions;
    return plain ? &dtypes_[number] : nullptr;
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

void run_or_raise(std::span<const Job> jobs, const std::vector<Selected>& selected,
                  unsigned threads) {
  BulkCall call(threads, py::none());
  const std::vector<Failure> failures =
      call.run([&] { return run_jobs(jobs, call.options()); });
  if (failures.empty()) return;
  const Failure& first = failures.front();
  throw_python(first.error, jobs[first.job].file->path(), selected[first.job].name);
}

py::tuple views(const Index& index, const py::dict& files, const py::dict& maps,
                const py::sequence& dtypes, const py::object& names) {
  const Shards shards = shards_from(files);
  const PlainTypes types(index, dtypes);
  py::dict arrays;
  py::list left_out;
  std::int32_t shard = -1;
  py::object map;
  const MappedFile* mapped = nullptr;
  for (const Selected& one : select(index, names)) {
    const EntryList::Row& row = index.all().row(one.row);
    const py::object* const dtype = types.of(row);
    if (dtype == nullptr) {
      arrays[one.name] = py::none();
      left_out.append(one.name);
      continue;
    }
    if (mapped == nullptr || row.shard != shard) {
      shard = row.shard;
      map = maps[py::int_(shard)];
      mapped = &map.cast<const MappedFile&>();
    }
    plan_named(index, shards, one);  // that the range lies within the map
    const StoredRange range = index.all().range(one.row);
    char* const data = row.size == 0 ? nullptr : mapped->data() + row.offset;
    arrays[one.name] = borrow_array(*dtype, range.shape, data, mapped->writable(), map);
  }
  return py::make_tuple(arrays, left_out);
}

void check(const Index& index, const py::dict& files, const py::object& names, unsigned threads) {
  const Shards shards = shards_from(files);
  std::vector<Selected> selected = select(index, names);
  std::erase_if(selected, [&](const Selected& one) { return index.all().row(one.row).has_extra; });
  std::vector<Job> jobs;
  for (const Selected& one : selected) jobs.push_back(plan_named(index, shards, one));
  refuse_more_than_the_files_hold(jobs);
  run_or_raise(jobs, selected, threads);
}

py::tuple load(const Index& index, const py::dict& files, const py::sequence& dtypes,
               const py::object& names, const py::object& out, unsigned threads) {
  const Shards shards = shards_from(files);
  const PlainTypes types(index, dtypes);
  py::dict arrays;
  py::list left_out;
  std::vector<Job> jobs;
  std::vector<Selected> selected;
  std::vector<const py::object*> job_types;
  for (Selected& one : select(index, names)) {
    arrays[one.name] = py::none();  // the dict keeps the order in which names come first
    const py::object* const dtype = types.of(index.all().row(one.row));
    if (dtype == nullptr) {
      left_out.append(one.name);
      continue;
    }
    jobs.push_back(plan_named(index, shards, one));
    job_types.push_back(dtype);
    selected.push_back(std::move(one));
  }
  refuse_more_than_the_files_hold(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const StoredRange range = index.all().range(selected[i].row);
    const py::object array = out.is_none() ? new_array(*job_types[i], range.shape)
                                           : py::object(out[selected[i].name]);
    jobs[i].into = array_data(array);
    arrays[selected[i].name] = array;
  }
  run_or_raise(jobs, selected, threads);
  return py::make_tuple(arrays, left_out);
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
  const Verification result = call.run(
      [&] { return verify_entries(entries, index.header(), shards, call.options()); });
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
  index.def("views", &views, "shards"_a, "maps"_a, "dtypes"_a, "names"_a)
      .def("check", &check, "shards"_a, "names"_a, "threads"_a)
      .def("load", &load, "shards"_a, "dtypes"_a, "names"_a, "out"_a, "threads"_a)
      .def("verify", &verify, "entries"_a, "shards"_a, "threads"_a, "progress"_a);
  module.def("read_range", &read_range, "file"_a, "offset"_a, "size"_a, "crc32c"_a, "out"_a,
             "threads"_a);
}

}  // namespace tensorbundle::bindings
