// Files, maps and tables, and the conversions of names and paths.
#include "bindings.hpp"
#include "tensorbundle/table.hpp"

namespace tensorbundle::bindings {

std::string encode_path(const py::str& path) {
  PyObject* const bytes = PyUnicode_EncodeFSDefault(path.ptr());
  if (bytes == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::bytes>(bytes);
}

py::str decode_path(const std::string& path) {
  PyObject* const text =
      PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size()));
  if (text == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(text);
}

py::str decode_name(ByteView key) {
  PyObject* const text =
      PyUnicode_DecodeUTF8(key.data(), static_cast<Py_ssize_t>(key.size()), "surrogateescape");
  if (text == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(text);
}

std::string encode_name(const py::handle& name) {
  Py_ssize_t size = 0;
  if (const char* const utf8 = PyUnicode_AsUTF8AndSize(name.ptr(), &size)) {
    return {utf8, static_cast<std::size_t>(size)};
  }
  PyErr_Clear();
  PyObject* const bytes = PyUnicode_AsEncodedString(name.ptr(), "utf-8", "surrogateescape");
  if (bytes == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::bytes>(bytes);
}

BorrowedBuffer::BorrowedBuffer(const py::handle& object, bool writable) {
  const int flags = writable ? PyBUF_CONTIG : PyBUF_SIMPLE;
  if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) throw py::error_already_set();
}

Shards shards_from(const py::dict& files) {
  Shards shards;
  for (const auto& [number, file] : files) {
    shards.add(number.cast<std::uint32_t>(),
               file.is_none() ? nullptr : file.cast<std::shared_ptr<File>>());
  }
  return shards;
}

py::list block_fault_tuples(const std::vector<BlockFault>& faults, const Table& table) {
  py::list list;
  for (const BlockFault& fault : faults) {
    list.append(py::make_tuple(fault.handle.offset, fault.handle.size,
                               fault_kind(fault.error.code()),
                               exception_for(fault.error, table.file().path())));
  }
  return list;
}

namespace {

py::bytes read(const File& file, std::uint64_t offset, std::uint64_t size) {
  // Memory is taken only for what the file can hold.
  if (offset > file.size() || size > file.size() - offset) {
    throw_python(Error(ErrorCode::kTruncated,
                       "the file is cut off: it has " + std::to_string(file.size()) + " bytes",
                       offset, size),
                 file.path(), py::none());
  }
  py::bytes bytes(nullptr, static_cast<std::size_t>(size));
  char* const into = PyBytes_AS_STRING(bytes.ptr());
  const py::gil_scoped_release release;
  file.read_at(offset, into, static_cast<std::size_t>(size));
  return bytes;
}

void read_into(const File& file, std::uint64_t offset, const py::object& object) {
  const BorrowedBuffer buffer(object, true);
  const py::gil_scoped_release release;
  file.read_at(offset, buffer.data(), buffer.size());
}

int get_map_buffer(PyObject* self, Py_buffer* view, int flags) {
  const auto& map = py::handle(self).cast<const MappedFile&>();
  return PyBuffer_FillInfo(view, self, map.data(), static_cast<Py_ssize_t>(map.size()),
                           map.writable() ? 0 : 1, flags);
}

py::list block_faults(const Table& table) {
  std::vector<BlockFault> faults;
  {
    const py::gil_scoped_release release;
    BlockBuffers buffers;
    for (std::size_t block = 0; block < table.block_count(); ++block) {
      try {
        BlockCursor cursor(table.read_block(block, buffers), table.handle(block).offset);
        while (cursor.next()) {
        }
      } catch (const Error& error) {
        faults.push_back({block, table.handle(block), error});
      }
    }
  }
  return block_fault_tuples(faults, table);
}

py::list keys(const Table& table) {
  py::list list;
  BlockBuffers buffers;
  for (std::size_t block = 0; block < table.block_count(); ++block) {
    BlockCursor cursor(table.read_block(block, buffers), table.handle(block).offset);
    while (cursor.next()) list.append(py::bytes(cursor.key().data(), cursor.key().size()));
  }
  return list;
}

std::optional<py::bytes> find(const Table& table, const py::bytes& key) {
  const std::string_view wanted = key;
  std::optional<std::string> value;
  {
    const py::gil_scoped_release release;
    value = table.find(wanted);
  }
  if (!value) return {};
  return py::bytes(*value);
}

}  // namespace

void register_files(py::module_& module) {
  using namespace py::literals;
  py::class_<File, std::shared_ptr<File>>(module, "File", py::is_final())
      .def(py::init([](const py::str& path) {
             const std::string encoded = encode_path(path);
             try {
               return std::make_shared<File>(encoded);
             } catch (const Error& error) {
               throw_python(error, encoded, py::none());
             }
           }),
           "path"_a)
      .def_property_readonly("path", [](const File& file) { return decode_path(file.path()); })
      .def_property_readonly("size", &File::size)
      .def_property_readonly("on_network", &File::on_network)
      .def("read", &read, "offset"_a, "size"_a)
      .def("readinto", &read_into, "offset"_a, "buffer"_a);

  // The buffer is handed out directly: pybind11's own protocol allocates for each request.
  py::class_<MappedFile, std::shared_ptr<MappedFile>>(
      module, "MappedFile", py::is_final(), py::custom_type_setup([](PyHeapTypeObject* type) {
        type->ht_type.tp_as_buffer = &type->as_buffer;
        type->as_buffer.bf_getbuffer = &get_map_buffer;
      }))
      .def(py::init([](const File& file, bool writable) {
             return std::make_shared<MappedFile>(
                 file, writable ? MappedFile::Writes::kPrivate : MappedFile::Writes::kRefused);
           }),
           "file"_a, py::kw_only(), "writable"_a = false)
      .def("__len__", &MappedFile::size);
}

void register_table(py::module_& module) {
  using namespace py::literals;
  py::class_<Table, std::shared_ptr<Table>>(module, "Table", py::is_final())
      .def(py::init([](const std::shared_ptr<File>& file) {
             try {
               return std::make_shared<Table>(file);
             } catch (const Error& error) {
               throw_python(error, file->path(), py::none());
             }
           }),
           "file"_a)
      .def("find", &find, "key"_a)
      .def("keys", &keys)
      .def("block_faults", &block_faults);
}

}  // namespace tensorbundle::bindings
