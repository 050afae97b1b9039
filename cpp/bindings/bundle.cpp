#include "bundle.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <limits>

#include "arrays.hpp"

namespace tensorbundle::bindings {

namespace {

// numpy refuses an empty array whose other dimensions multiply to more than memory could hold.
bool numpy_can_hold(std::span<const std::int64_t> shape) {
  constexpr std::int64_t kLargestElement = 16;
  std::int64_t room = std::numeric_limits<std::int64_t>::max() / kLargestElement;
  for (const std::int64_t size : shape) room /= std::max<std::int64_t>(size, 1);
  return room > 0 && shape.size() <= kMaxArrayDimensions;
}

// Keeps Python's collector from going through a million new objects, none in a cycle, again and
// again while more are made.
class WithoutCollections {
 public:
  WithoutCollections() : was_on_(PyGC_Disable() != 0) {}
  ~WithoutCollections() {
    if (was_on_) PyGC_Enable();
  }
  WithoutCollections(const WithoutCollections&) = delete;
  WithoutCollections& operator=(const WithoutCollections&) = delete;

 private:
  bool was_on_;
};

}  // namespace

Bundle::Bundle(const std::shared_ptr<File>& index, std::string prefix, Access access, bool checks,
               py::object dtype_of, py::type info_type)
    : reader_(index, std::move(prefix),
              access == Access::kPrivateView ? MappedFile::Writes::kPrivate
                                             : MappedFile::Writes::kRefused,
              checks),
      access_(access),
      checks_(checks),
      dtypes_(std::move(dtype_of)),
      infos_(std::move(info_type)) {}

py::object Bundle::view(const py::handle& name) {
  const Key key(name);
  if (!key.bytes()) return py::none();
  std::int32_t shard = -1;
  try {
    const auto found = find(*key.bytes());
    if (!found || !found->slices().empty()) return py::none();
    const StoredRange range = found->range();
    const Dtypes::Type& type = dtypes_.at(range.dtype);
    if (!is_plain(type, range)) return py::none();
    shard = range.shard;
    return access_ == Access::kCopy ? copy(range, type) : borrow(*found, range, type);
  } catch (const Error& error) {
    raise(error, shard, decode_name(*key.bytes()));
  }
}

py::bool_ Bundle::has(const py::handle& name) const {
  const Key key(name);
  if (!key.bytes()) return false;
  try {
    return find(*key.bytes()).has_value();
  } catch (const Error& error) {
    raise(error, -1, decode_name(*key.bytes()));
  }
}

py::object Bundle::find_info(const py::handle& name) const {
  const Key key(name);
  if (!key.bytes()) return py::none();
  try {
    const auto found = find(*key.bytes());
    if (!found) return py::none();
    const StoredRange range = found->range();
    TensorInfos::Last none;
    return infos_.make(decode_name(*key.bytes()), dtypes_.at(range.dtype), range, found->slices(),
                       none);
  } catch (const Error& error) {
    raise(error, -1, decode_name(*key.bytes()));
  }
}

py::list Bundle::infos(std::size_t begin, std::size_t end) const {
  const EntryList& entries = list();
  const WithoutCollections without_collections;
  py::list made;
  TensorInfos::Last last;
  for (std::size_t i = begin; i < std::min(end, entries.size()); ++i) {
    if (entries.row(i).is_slice) continue;
    py::str name = decode_name(entries.name(i));
    if (const Error* const error = entries.error(i)) raise(*error, -1, name);
    const StoredRange range = entries.range(i);
    made.append(
        infos_.make(std::move(name), dtypes_.at(range.dtype), range, entries.slices(i), last));
  }
  return made;
}

void Bundle::read(const py::handle& info, const py::object& out) const {
  Job job = plan(info);
  std::optional<BorrowedBuffer> buffer;
  if (!out.is_none()) buffer.emplace(out, true);
  if (buffer && buffer->size() != job.size) throw py::value_error("`out` is of another size");
  job.into = buffer ? buffer->data() : nullptr;
  BulkCall call(0, py::none());
  const auto failures = call.run([&] { return reader_.run(std::span(&job, 1), call.options()); });
  if (!failures.empty()) {
    throw_python(failures.front().error, job.file->path(), info.attr("name"));
  }
}

std::shared_ptr<File> Bundle::file_of(const py::handle& info) const {
  return shard(plan(info).shard);
}

std::shared_ptr<File> Bundle::shard(std::int32_t number) const {
  try {
    reader_.shards().check(number);
    const py::gil_scoped_release release;
    return std::const_pointer_cast<File>(
        reader_.shards().share(static_cast<std::uint32_t>(number)));
  } catch (const Error& error) {
    raise(error, number, py::none());
  }
}

bool Bundle::is_plain(const Dtypes::Type& type, const StoredRange& range) const {
  return type.plain && (!reader_.header().big_endian || type.width == 1) &&
         numpy_can_hold(range.shape);
}

std::optional<FoundEntry> Bundle::find(ByteView key) const {
  if (reader_.has_list()) return reader_.find(key);
  const py::gil_scoped_release release;
  return reader_.find(key);
}

const EntryList& Bundle::list() const {
  try {
    return reader_.index().all();
  } catch (const Error& error) {
    throw_python(error, reader_.index().table().file().path(), py::none());
  }
}

py::object Bundle::copy(const StoredRange& range, const Dtypes::Type& type) const {
  Job job = reader_.plan(range);
  py::object array = new_array(type.dtype, range.shape);
  job.into = array_data(array);
  const py::gil_scoped_release release;
  reader_.run(job);
  return array;
}

py::object Bundle::borrow(const FoundEntry& found, const StoredRange& range,
                          const Dtypes::Type& type) {
  reader_.notice_changes(found);
  if (!reader_.is_checked(found)) {
    const py::gil_scoped_release release;
    reader_.check(found);
  }
  const BorrowedBytes bytes = reader_.borrow(found);
  return borrow_array(type.dtype, range.shape, bytes.data, writable(),
                      base_of(bytes.shard, bytes.map));
}

py::object Bundle::base_of(std::uint32_t shard, const std::shared_ptr<const MappedFile>& map) {
  {
    const std::lock_guard lock(making_);
    if (const auto known = bases_.find(shard); known != bases_.end()) return known->second;
  }
  // Without the lock: this may run anything, garbage collection for one.
  py::object made = py::cast(std::const_pointer_cast<MappedFile>(map));
  const std::lock_guard lock(making_);
  return bases_.try_emplace(shard, std::move(made)).first->second;
}

Job Bundle::plan(const py::handle& info) const {
  std::vector<std::int64_t> shape;
  const StoredRange range = range_of(info, shape);
  try {
    return reader_.plan(range);
  } catch (const Error& error) {
    raise(error, range.shard, info.attr("name"));
  }
}

std::string Bundle::path_of(std::int32_t shard) const {
  return reader_.shards().has(shard) ? reader_.shards().path(static_cast<std::uint32_t>(shard))
                                     : reader_.index().table().file().path();
}

void Bundle::raise(const Error& error, std::int32_t shard, const py::object& key) const {
  throw_python(error, path_of(shard), key);
}

namespace {

// Calls a function of Bundle as CPython calls its own: pybind11's way to one takes as long as a
// small tensor does.
template <auto kFunction>
PyObject* call(PyObject* self, PyObject* argument) {
  try {
    return (py::handle(self).cast<Bundle&>().*kFunction)(argument).release().ptr();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const py::builtin_exception& error) {
    error.set_error();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

PyMethodDef single_calls[] = {
    {"view", &call<&Bundle::view>, METH_O, nullptr},
    {"find", &call<&Bundle::find_info>, METH_O, nullptr},
    {"has", &call<&Bundle::has>, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void register_bundle(py::module_& module) {
  using namespace py::literals;
  import_numpy();
  py::class_<Bundle>(module, "Bundle", py::is_final(),
                     py::custom_type_setup(
                         [](PyHeapTypeObject* type) { type->ht_type.tp_methods = single_calls; }))
      .def(py::init([](const std::shared_ptr<File>& index, const py::str& prefix,
                       const std::string& mode, bool checks, const py::object& dtype_of,
                       const py::type& info_type) {
             const Access access = mode == "c"      ? Access::kPrivateView
                                   : mode == "read" ? Access::kCopy
                                                    : Access::kView;
             try {
               return std::make_unique<Bundle>(index, encode_path(prefix), access, checks, dtype_of,
                                               info_type);
             } catch (const Error& error) {
               throw_python(error, index->path(), py::none());
             }
           }),
           "index"_a, "prefix"_a, "mode"_a, "checks"_a, "dtype_of"_a, "info_type"_a)
      .def_property_readonly(
          "index", [](const Bundle& self) -> const Index& { return self.reader().index(); },
          py::return_value_policy::reference_internal)
      .def("infos", &Bundle::infos, "begin"_a, "end"_a)
      .def("views", &Bundle::views, "names"_a, "threads"_a, "progress"_a = py::none())
      .def("sweep", &Bundle::sweep, "begin"_a)
      .def("load", &Bundle::load, "names"_a, "out"_a, "threads"_a, "progress"_a = py::none())
      .def("read", &Bundle::read, "info"_a, "out"_a)
      .def("file_of", &Bundle::file_of, "info"_a)
      .def("shard", &Bundle::shard, "number"_a)
      .def("verify", &Bundle::verify, "entries"_a, "threads"_a, "progress"_a)
      .def("plan_verify", &Bundle::plan_verify, "entries"_a, "first"_a, "last"_a)
      .def("give", &Bundle::give, "number"_a, "file"_a);
  module.def(
      "shard_path",
      [](const py::str& prefix, std::uint32_t number, std::int32_t count) {
        return decode_path(shard_path(encode_path(prefix), number, count));
      },
      "prefix"_a, "number"_a, "count"_a);
  module.def(
      "empty",
      [](const std::vector<std::int64_t>& shape, const py::object& dtype) {
        return new_array(dtype, shape);
      },
      "shape"_a, "dtype"_a);
}

}  // namespace tensorbundle::bindings
