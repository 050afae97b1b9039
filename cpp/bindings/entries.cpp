// The index as Python sees it: entries as tuples, names as str.
#include <pybind11/stl.h>

#include <map>

#include "arrays.hpp"
#include "bindings.hpp"
#include "tensor_infos.hpp"
#include "tensorbundle/format/string_tensor.hpp"

namespace tensorbundle::bindings {

namespace {

SliceSpec slice_from(const py::tuple& extents) {
  SliceSpec slice;
  for (const py::handle& extent : extents) {
    const auto [start, length] = extent.cast<std::pair<std::int64_t, std::int64_t>>();
    slice.push_back({start, length});
  }
  return slice;
}

// The tuple that _core.pyi calls Entry.
py::tuple entry_tuple(const StoredRange& range, const std::vector<SliceSpec>& slices) {
  return py::make_tuple(range.dtype, int_tuple(range.shape), range.size, range.shard, range.offset,
                        range.crc32c, slices_tuple(slices));
}

py::object find(const Index& index, const py::bytes& key) {
  std::optional<Entry> entry;
  const std::string_view wanted = key;
  try {
    const py::gil_scoped_release release;
    entry = index.find(wanted);
  } catch (const Error& error) {
    throw_python(error, index.table().file().path(), decode_name(wanted));
  }
  if (!entry) return py::none();
  return entry_tuple(
      {entry->dtype, entry->shard, entry->offset, entry->size, entry->crc32c, entry->shape},
      entry->slices);
}

std::shared_ptr<const EntryList> all_entries(const Index& index) {
  try {
    const py::gil_scoped_release release;
    return index.share();
  } catch (const Error& error) {
    throw_python(error, index.table().file().path(), py::none());
  }
}

py::tuple salvage(const Index& index) {
  std::vector<BlockFault> faults;
  std::shared_ptr<const EntryList> entries;
  {
    const py::gil_scoped_release release;
    entries = index.salvage(faults);
  }
  return py::make_tuple(std::const_pointer_cast<EntryList>(entries),
                        block_fault_tuples(faults, index.table()));
}

// Calls each(i) for the rows that are tensors, and not slices of one.
template <typename Each>
void for_each_tensor(const EntryList& entries, Each&& each) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!entries.row(i).is_slice) each(i);
  }
}

py::list names(const EntryList& entries) {
  py::list list(entries.num_tensors());
  std::size_t count = 0;
  for_each_tensor(entries, [&](std::size_t i) {
    PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(count++),
                    decode_name(entries.name(i)).release().ptr());
  });
  return list;
}

py::list tuples(const EntryList& entries) {
  py::list list;
  for_each_tensor(entries, [&](std::size_t i) {
    if (const Error* const error = entries.error(i)) {
      throw_python(*error, std::nullopt, decode_name(entries.name(i)));
    }
    list.append(entry_tuple(entries.range(i), entries.slices(i)));
  });
  return list;
}

py::object find_entry(const EntryList& entries, const py::bytes& key) {
  const auto row = entries.find(std::string_view(key));
  if (!row || entries.error(*row) != nullptr) return py::none();
  return entry_tuple(entries.range(*row), entries.slices(*row));
}

py::bytes key_of(const EntryList& entries, std::size_t row) {
  if (row >= entries.size()) throw py::index_error("no such row");
  const ByteView key = entries.name(row);
  return {key.data(), key.size()};
}

py::list partitioned(const EntryList& entries) {
  py::list list;
  for_each_tensor(entries, [&](std::size_t i) {
    if (!entries.slices(i).empty()) list.append(decode_name(entries.name(i)));
  });
  return list;
}

// How many entries with bytes of their own have each value of a column.
py::dict counts(const EntryList& entries, std::int32_t EntryList::Row::* column) {
  std::map<std::int32_t, std::uint64_t> counts;
  std::uint64_t* count = nullptr;
  std::int32_t counted = -1;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const EntryList::Row& row = entries.row(i);
    if (row.has_extra || row.*column < 0) continue;
    if (count == nullptr || row.*column != counted) count = &counts[counted = row.*column];
    ++*count;
  }
  return py::cast(counts);
}

std::uint64_t stored_bytes(const EntryList& entries) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const EntryList::Row& row = entries.row(i);
    if (!row.has_extra) total += static_cast<std::uint64_t>(row.size);
  }
  return total;
}

// Elements as bytes objects, the checksum they have, and the bytes of the shard they took.
py::tuple strings(const File& file, std::uint64_t offset, std::uint64_t count, bool big_endian) {
  StringTensor tensor;
  {
    const py::gil_scoped_release release;
    tensor = read_strings(file, {offset, count, big_endian});
  }
  py::list elements(tensor.lengths.size());
  const char* next = tensor.bytes.data();
  for (std::size_t i = 0; i < tensor.lengths.size(); ++i) {
    const auto length = static_cast<std::size_t>(tensor.lengths[i]);
    elements[i] = py::bytes(next, length);
    next += length;
  }
  return py::make_tuple(elements, tensor.crc32c, tensor.used);
}

}  // namespace

void register_index(py::module_& module) {
  using namespace py::literals;
  py::class_<Index, std::shared_ptr<Index>>(module, "Index", py::is_final())
      .def(py::init([](const std::shared_ptr<File>& file) {
             try {
               const py::gil_scoped_release release;
               return std::make_shared<Index>(file);
             } catch (const Error& error) {
               throw_python(error, file->path(), py::none());
             }
           }),
           "file"_a)
      .def_property_readonly("num_shards",
                             [](const Index& self) { return self.header().num_shards; })
      .def_property_readonly("big_endian",
                             [](const Index& self) { return self.header().big_endian; })
      .def_property_readonly("producer", [](const Index& self) { return self.header().producer; })
      .def_property_readonly("nbytes", [](const Index& self) { return self.table().file().size(); })
      .def("find", &find, "key"_a)
      .def("entries",
           [](const Index& self) { return std::const_pointer_cast<EntryList>(all_entries(self)); })
      .def("salvage", &salvage);

  py::class_<EntryList, std::shared_ptr<EntryList>>(module, "Entries", py::is_final())
      .def("__len__", &EntryList::size)
      .def_property_readonly("num_tensors", &EntryList::num_tensors)
      .def("names", &names)
      .def("tuples", &tuples)
      .def("find", &find_entry, "key"_a)
      .def("key", &key_of, "row"_a)
      .def("partitioned", &partitioned)
      .def("shard_counts",
           [](const EntryList& self) { return counts(self, &EntryList::Row::shard); })
      .def("dtype_counts",
           [](const EntryList& self) { return counts(self, &EntryList::Row::dtype); })
      .def_property_readonly("stored_bytes", &stored_bytes);

  module.def(
      "slice_key",
      [](const py::bytes& name, const py::tuple& slice) {
        return py::bytes(encode_slice_key(std::string_view(name), slice_from(slice)));
      },
      "name"_a, "slice"_a);
  module.def("unpack_varints", &unpack_varints, "data"_a, "count"_a);
  module.def("read_strings", &strings, "file"_a, "offset"_a, "count"_a, "big_endian"_a);
}

}  // namespace tensorbundle::bindings
