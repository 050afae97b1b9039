// Files, maps and tables, and the conversions of names and paths.
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "tensorbundle/format/table.hpp"

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

Key::Key(const py::handle& name) {
  if (PyBytes_Check(name.ptr())) {
    bytes_.emplace(PyBytes_AS_STRING(name.ptr()),
                   static_cast<std::size_t>(PyBytes_GET_SIZE(name.ptr())));
    return;
  }
  if (!PyUnicode_Check(name.ptr())) return;
  Py_ssize_t size = 0;
  if (const char* const utf8 = PyUnicode_AsUTF8AndSize(name.ptr(), &size)) {
    bytes_.emplace(utf8, static_cast<std::size_t>(size));
    return;
  }
  PyErr_Clear();
  try {
    own_ = encode_name(name);
    bytes_ = own_;
  } catch (const py::error_already_set&) {
    // A lone surrogate that stands for no byte.
  }
}

std::string encode_name(const py::handle& name) {
  if (PyBytes_Check(name.ptr())) return std::string(py::cast<std::string_view>(name));
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

HeldBytes& held_by(const File& file) {
  if (file.held() == nullptr) throw py::type_error("the file was opened here");
  return *file.held();
}

std::uint64_t hold(const File& file, std::uint64_t offset, const py::object& data) {
  // Whoever lets go of the last range may be a thread without the GIL.
  const std::shared_ptr<BorrowedBuffer> buffer(new BorrowedBuffer(data, false),
                                               [](const BorrowedBuffer* gone) {
                                                 const py::gil_scoped_acquire acquire;
                                                 delete gone;
                                               });
  return held_by(file).hold(offset, buffer->data(), buffer->size(), buffer);
}

void release(const File& file, std::uint64_t token) { held_by(file).release(token); }

py::object take_missed(const File& file) {
  const auto missed = file.take_missed();
  return missed ? py::object(py::make_tuple(missed->offset, missed->size)) : py::none();
}

int get_map_buffer(PyObject* self, Py_buffer* view, int flags) {
  const auto& map = py::handle(self).cast<const MappedFile&>();
  return PyBuffer_FillInfo(view, self, map.data(), static_cast<Py_ssize_t>(map.size()),
                           map.writable() ? 0 : 1, flags);
}

// Writers put a key as a whole at every 16th entry; so keys larger than 32 times their block come
// from nobody but an attacker.
constexpr std::uint64_t kMaxKeyGrowth = 32;
constexpr std::uint64_t kKeyAllowance = 1 << 20;

// Entries as (key, where the value starts, value).
py::list entries_of(const Table& table, std::size_t block, ByteView contents) {
  py::list list;
  BlockCursor cursor(contents, table.handle(block).offset);
  std::string last;
  std::uint64_t room = kKeyAllowance + kMaxKeyGrowth * contents.size();
  while (cursor.next()) {
    const ByteView key = cursor.key();
    // What find_block() does not lead to could never be found by name.
    if ((py::len(list) > 0 && key <= last) || table.find_block(key) != block) {
      throw Error(ErrorCode::kFormat, "keys of the table are out of order or occur twice",
                  cursor.value_offset());
    }
    if (key.size() > room) {
      throw Error(ErrorCode::kFormat, "keys take far more room than the block that holds them",
                  cursor.value_offset());
    }
    room -= key.size();
    last = key;
    list.append(py::make_tuple(py::bytes(key.data(), key.size()), cursor.value_offset(),
                               py::bytes(cursor.value().data(), cursor.value().size())));
  }
  return list;
}

BlockHandle handle_of(const Table& table, std::size_t block) {
  if (block >= table.block_count()) throw py::index_error("no such block");
  return table.handle(block);
}

py::tuple block_range(const Table& table, std::size_t block) {
  const BlockHandle handle = handle_of(table, block);
  return py::make_tuple(handle.offset, handle.size);
}

py::list block_entries(const Table& table, std::size_t block) {
  handle_of(table, block);
  try {
    BlockBuffers buffers;
    ByteView contents;
    {
      const py::gil_scoped_release release;
      contents = table.read_block(block, buffers);
    }
    return entries_of(table, block, contents);
  } catch (const Error& error) {
    throw_python(error, table.file().path(), py::none());
  }
}

}  // namespace

void register_files(py::module_& module) {
  using namespace py::literals;
  py::class_<File, std::shared_ptr<File>>(module, "File")
      .def(py::init([](const py::str& path) {
             const std::string encoded = encode_path(path);
             try {
               return std::make_shared<File>(encoded);
             } catch (const Error& error) {
               throw_python(error, encoded, py::none());
             }
           }),
           "path"_a)
      .def(py::init([](const py::str& name, std::uint64_t size) {
             return std::make_shared<File>(encode_path(name), size);
           }),
           "name"_a, "size"_a)
      .def("hold", &hold, "offset"_a, "data"_a)
      .def("release", &release, "token"_a)
      .def("take_missed", &take_missed)
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
      .def_property_readonly("block_count", &Table::block_count)
      .def(
          "find_block",
          [](const Table& self, const py::bytes& key) {
            return self.find_block(std::string_view(key));
          },
          "key"_a)
      .def("block_range", &block_range, "block"_a)
      .def("block", &block_entries, "block"_a);
}

}  // namespace tensorbundle::bindings
