// Writing bundles: many plain arrays in one crossing, everything else one at a time.
#include <pybind11/stl.h>

#include <deque>
#include <unordered_map>

#include "arrays.hpp"
#include "bindings.hpp"
#include "tensorbundle/writing/bundle_writer.hpp"
#include "tensorbundle/writing/index_writer.hpp"
#include "tensorbundle/writing/mean.hpp"

namespace tensorbundle::bindings {

namespace {

// Between two looks at whether Ctrl-C was pressed.
constexpr std::size_t kBytesPerCall = std::size_t{256} << 20;

using Extents = std::vector<std::pair<std::int64_t, std::int64_t>>;

// Runs work on a writer without the GIL; what goes wrong is told of the file that was written.
template <typename Work>
void run(BundleWriter& writer, const py::object& key, Work&& work) {
  try {
    const py::gil_scoped_release release;
    work();
  } catch (const Error& error) {
    throw_python(error, writer.path(), key);
  }
}

// The DataType number of each dtype that occurs, asked for once.
class Numbers {
 public:
  explicit Numbers(py::object number_of) : number_of_(std::move(number_of)) {}

  std::int32_t of(PyObject* dtype) {
    const auto [found, is_new] = numbers_.try_emplace(dtype);
    if (is_new) found->second = number_of_(py::handle(dtype)).cast<std::int32_t>();
    return found->second;
  }

 private:
  py::object number_of_;
  std::unordered_map<PyObject*, std::int32_t> numbers_;
};

// Writes arrays `start` to `stop`, up to the first that needs looking at in Python; returns its
// number. `number_of`: a dtype's DataType number, 0 for those whose bytes are not stored as
// they are.
std::size_t add_arrays(BundleWriter& writer, const py::list& names, const py::list& arrays,
                       std::size_t start, std::size_t stop, const py::object& number_of) {
  Numbers numbers(number_of);
  std::vector<NewTensor> batch;
  std::deque<std::string> odd_names;  // that are not UTF-8
  std::size_t bytes = 0;
  const auto flush = [&] {
    run(writer, py::none(), [&] { writer.add(batch); });
    batch.clear();
    odd_names.clear();
    bytes = 0;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  };
  std::size_t i = start;
  for (; i < stop; ++i) {
    const auto array = plain_bytes(arrays[i]);
    const std::int32_t number = array ? numbers.of(array->dtype) : 0;
    if (number == 0) break;
    Py_ssize_t size = 0;
    const char* const utf8 = PyUnicode_AsUTF8AndSize(py::object(names[i]).ptr(), &size);
    ByteView name(utf8, static_cast<std::size_t>(size));
    if (utf8 == nullptr) {
      PyErr_Clear();
      name = odd_names.emplace_back(encode_name(names[i]));
    }
    batch.push_back({name, number, array->shape, array->bytes});
    bytes += array->bytes.size();
    if (bytes >= kBytesPerCall) flush();
  }
  if (!batch.empty()) flush();
  return i;
}

SliceSpec slice_from(const Extents& extents) {
  SliceSpec slice;
  for (const auto& [start, length] : extents) slice.push_back({start, length});
  return slice;
}

std::optional<SlicePlace> place_from(const std::optional<std::vector<std::int64_t>>& full_shape,
                                     const std::optional<Extents>& slice) {
  if (!full_shape || !slice) return std::nullopt;
  return SlicePlace{*full_shape, slice_from(*slice)};
}

void add_slice(BundleWriter& writer, const py::object& name, std::int32_t dtype,
               const py::object& array, const std::vector<std::int64_t>& full_shape,
               const Extents& slice) {
  const auto plain = plain_bytes(array);
  if (!plain) throw py::type_error("not a plain array");
  const std::string key = encode_name(name);
  const auto place = place_from(full_shape, slice);
  const NewTensor tensor{key, dtype, plain->shape, plain->bytes, place ? &*place : nullptr};
  run(writer, name, [&] { writer.add({&tensor, 1}); });
}

void add_strings(BundleWriter& writer, const py::object& name,
                 const std::vector<std::int64_t>& shape, const py::list& elements,
                 const std::optional<std::vector<std::int64_t>>& full_shape,
                 const std::optional<Extents>& slice) {
  const std::string key = encode_name(name);
  std::vector<ByteView> views;
  views.reserve(elements.size());
  for (const py::handle& element : elements) views.emplace_back(element.cast<std::string_view>());
  const auto place = place_from(full_shape, slice);
  const NewTensor tensor{key, kString, shape, {}, place ? &*place : nullptr};
  run(writer, name, [&] { writer.add_strings(tensor, views); });
}

// What _core.pyi calls MeanJob, and what it keeps alive.
struct MeanJob {
  std::string key;
  std::vector<std::int64_t> shape;
  std::vector<std::shared_ptr<File>> files;
  std::optional<SlicePlace> place;
  std::unique_ptr<Mean> mean;
  NewTensor tensor;
};

void read_mean_job(const py::tuple& fields, const std::vector<double>& weights, MeanJob& job) {
  using Range = std::tuple<std::shared_ptr<File>, std::uint64_t, std::uint32_t>;
  job.key = encode_name(fields[0]);
  const auto dtype = fields[1].cast<std::int32_t>();
  job.shape = fields[2].cast<std::vector<std::int64_t>>();
  const auto ranges = fields[3].cast<std::vector<Range>>();
  job.place = place_from(fields[4].cast<std::optional<std::vector<std::int64_t>>>(),
                         fields[5].cast<std::optional<Extents>>());
  const bool is_mean = ranges.size() == weights.size() && Mean::has(dtype);
  if (!is_mean && ranges.size() != 1) throw py::value_error("no mean of so many, or of this type");
  std::vector<Mean::Term> terms;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const auto& [file, offset, crc32c] = ranges[i];
    job.files.push_back(file);
    terms.push_back({file.get(), offset, crc32c, is_mean ? weights[i] : 1});
  }
  job.tensor = {job.key, dtype, job.shape, {}, job.place ? &*job.place : nullptr};
  job.mean = std::make_unique<Mean>(dtype, stored_size(job.tensor), std::move(terms));
  job.tensor.source = job.mean.get();
}

void add_means(BundleWriter& writer, const py::list& list, const std::vector<double>& weights) {
  std::deque<MeanJob> jobs;
  std::vector<NewTensor> tensors;
  for (const py::handle& each : list) {
    read_mean_job(py::cast<py::tuple>(each), weights, jobs.emplace_back());
    tensors.push_back(jobs.back().tensor);
  }
  if (tensors.empty()) return;
  run(writer, py::none(), [&] { writer.add(tensors); });
  for (const MeanJob& job : jobs) {
    if (const auto failure = job.mean->failure()) {
      throw_python(failure->error, job.files[failure->job]->path(), decode_name(job.key));
    }
  }
}

void mean_of(std::int32_t dtype, const py::list& arrays, const std::vector<double>& weights,
             const py::object& into) {
  std::deque<BorrowedBuffer> buffers;
  std::vector<const char*> terms;
  for (const py::handle& array : arrays) {
    terms.push_back(buffers.emplace_back(array, false).data());
  }
  const BorrowedBuffer result(into, true);
  const std::size_t size = result.size();
  const bool is_equal =
      std::ranges::all_of(buffers, [&](const BorrowedBuffer& each) { return each.size() == size; });
  if (!is_equal || terms.size() != weights.size() || terms.empty() || !Mean::has(dtype)) {
    throw py::value_error("no mean of so many, or of this type");
  }
  const py::gil_scoped_release release;
  Mean::of(dtype, terms, weights, size, result.data());
}

// From what _core.pyi calls Entry.
Entry entry_from(const py::tuple& fields) {
  Entry entry;
  entry.dtype = fields[0].cast<std::int32_t>();
  entry.shape = fields[1].cast<std::vector<std::int64_t>>();
  entry.size = fields[2].cast<std::int64_t>();
  entry.shard = fields[3].cast<std::int32_t>();
  entry.offset = fields[4].cast<std::int64_t>();
  entry.crc32c = fields[5].cast<std::uint32_t>();
  for (const auto& slice : fields[6].cast<std::vector<Extents>>()) {
    entry.slices.push_back(slice_from(slice));
  }
  return entry;
}

void begin_tensor(BundleWriter& writer, const py::object& name, std::int32_t dtype,
                  const std::vector<std::int64_t>& shape) {
  const std::string key = encode_name(name);
  run(writer, decode_name(key), [&] { writer.begin({key, dtype, shape, {}}); });
}

void append_bytes(BundleWriter& writer, const py::object& data) {
  const BorrowedBuffer buffer(data, false);
  run(writer, py::none(), [&] { writer.append({buffer.data(), buffer.size()}); });
}

std::uint32_t end_tensor(BundleWriter& writer, std::optional<std::uint32_t> crc32c) {
  std::uint32_t computed = 0;
  run(writer, py::none(), [&] { computed = crc32c ? writer.end(*crc32c) : writer.end(); });
  return computed;
}

py::str take_shard(BundleWriter& writer) {
  std::string path;
  run(writer, py::none(), [&] { path = writer.take_shard(); });
  return decode_path(path);
}

void add_entries(BundleWriter& writer, const py::iterable& entries) {
  for (const py::handle& each : entries) {
    const auto [key, entry] = each.cast<std::pair<py::bytes, py::tuple>>();
    writer.add_entry(std::string_view(key), entry_from(entry));
  }
}

std::uint32_t finish_bundle(BundleWriter& writer, std::uint32_t min_shards, bool big_endian) {
  std::uint32_t count = 0;
  run(writer, py::none(), [&] { count = writer.finish(min_shards, big_endian); });
  return count;
}

}  // namespace

void register_writer(py::module_& module) {
  using namespace py::literals;
  py::class_<BundleWriter>(module, "BundleWriter", py::is_final())
      .def(py::init([](const py::str& prefix, const py::str& suffix, std::uint64_t alignment,
                       std::uint64_t max_shard_bytes, unsigned threads, bool durable) {
             return std::make_unique<BundleWriter>(
                 BundleWriterOptions{encode_path(prefix), encode_path(suffix), alignment,
                                     max_shard_bytes, threads, durable});
           }),
           "prefix"_a, "suffix"_a, py::kw_only(), "alignment"_a, "max_shard_bytes"_a, "threads"_a,
           "durable"_a)
      .def("add_arrays", &add_arrays, "names"_a, "arrays"_a, "start"_a, "stop"_a, "number_of"_a)
      .def("add_means", &add_means, "jobs"_a, "weights"_a)
      .def("add_slice", &add_slice, "name"_a, "dtype"_a, "array"_a, "full_shape"_a, "slice"_a)
      .def("add_strings", &add_strings, "name"_a, "shape"_a, "elements"_a,
           "full_shape"_a = py::none(), "slice"_a = py::none())
      .def("begin", &begin_tensor, "name"_a, "dtype"_a, "shape"_a)
      .def("append", &append_bytes, "data"_a)
      .def("end", &end_tensor, "crc32c"_a = py::none())
      .def("take_shard", &take_shard)
      .def("add_entries", &add_entries, "entries"_a)
      .def("use_shard", &BundleWriter::use_shard, "shard"_a)
      .def("next_shard",
           [](BundleWriter& self) { run(self, py::none(), [&] { self.next_shard(); }); })
      .def("finish", &finish_bundle, "min_shards"_a = 0, py::kw_only(), "big_endian"_a = false);
  module.def("mean_of", &mean_of, "dtype"_a, "arrays"_a, "weights"_a, "into"_a);
  module.def(
      "renumber_index",
      [](const std::shared_ptr<File>& index, std::uint32_t num_shards) {
        std::string renumbered;
        try {
          const py::gil_scoped_release release;
          renumbered = renumber_index(Table(index), num_shards);
        } catch (const Error& error) {
          throw_python(error, index->path(), py::none());
        }
        return py::bytes(renumbered);
      },
      "index"_a, "num_shards"_a);
}

}  // namespace tensorbundle::bindings
