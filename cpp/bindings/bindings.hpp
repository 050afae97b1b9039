// What the binding files share: the conversions between the core's types and Python's.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tensorbundle/base/error.hpp"
#include "tensorbundle/files/file.hpp"
#include "tensorbundle/files/mapped_file.hpp"
#include "tensorbundle/reading/bulk.hpp"
#include "tensorbundle/reading/index.hpp"

namespace tensorbundle::bindings {

namespace py = pybind11;

// Each registers one topic; module.cpp is the table of contents.
void register_errors(py::module_& module);
void register_crc32c(py::module_& module);
void register_files(py::module_& module);
void register_table(py::module_& module);
void register_message(py::module_& module);
void register_attributes(py::module_& module);
void register_graph(py::module_& module);
void register_index(py::module_& module);
void register_bundle(py::module_& module);
void register_writer(py::module_& module);
void register_output(py::module_& module);
void register_pieces(py::module_& module);

// The Python exception that an Error stands for, with the place that only the caller knows.
py::object exception_for(const Error& error, const std::optional<std::string>& path = {},
                         const py::object& key = py::none());
[[noreturn]] void throw_python(const Error& error, const std::optional<std::string>& path,
                               const py::object& key);
// The kind of fault that verification calls it.
const char* fault_kind(ErrorCode code);

// What _core.pyi calls BlockFault, of each.
py::list block_fault_tuples(const std::vector<BlockFault>& faults, const Table& table);

// Paths are Python's: os.fsencode and os.fsdecode.
std::string encode_path(const py::str& path);
py::str decode_path(const std::string& path);
// Names: UTF-8, with bytes that are not as surrogate escapes.
py::str decode_name(ByteView key);
// Raw bytes are taken as they are.
std::string encode_name(const py::handle& name);

// The key that a name means, given as str or bytes: borrowed where that is possible. None for what
// is neither, and for a str that no key is shown as.
class Key {
 public:
  explicit Key(const py::handle& name);
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;

  [[nodiscard]] const std::optional<ByteView>& bytes() const { return bytes_; }

 private:
  std::string own_;
  std::optional<ByteView> bytes_;
};

// Memory that somebody else owns, for as long as this object lives.
class BorrowedBuffer {
 public:
  // Throws TypeError or BufferError for what is not contiguous or, where asked, not writable.
  BorrowedBuffer(const py::handle& object, bool writable);
  ~BorrowedBuffer() { PyBuffer_Release(&view_); }
  BorrowedBuffer(const BorrowedBuffer&) = delete;
  BorrowedBuffer& operator=(const BorrowedBuffer&) = delete;

  [[nodiscard]] char* data() const { return static_cast<char*>(view_.buf); }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(view_.len); }

 private:
  Py_buffer view_{};
};

// Runs bulk work without the GIL. About ten times a second it is taken: for signals (Ctrl-C stops
// the work) and for `progress`, which may be None and may raise.
class BulkCall {
 public:
  BulkCall(unsigned threads, py::object progress);

  [[nodiscard]] const BulkOptions& options() const { return options_; }

  // Returns work(), or raises what was raised in Python meanwhile.
  template <typename Work>
  auto run(Work&& work) {
    try {
      const py::gil_scoped_release release;
      return work();
    } catch (const Error&) {
      if (pending_) throw py::error_already_set(std::move(*pending_));
      throw;
    }
  }

 private:
  bool tick(std::uint64_t done);

  py::object progress_;
  BulkOptions options_;
  std::optional<py::error_already_set> pending_;
};

}  // namespace tensorbundle::bindings
