// Errors of the core as the classes of errors.py.
#include <stdexcept>
#include <utility>

#include "bindings.hpp"

namespace tensorbundle::bindings {

namespace {

const char* class_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMissingFile:
      return "MissingFileError";
    case ErrorCode::kChecksum:
      return "ChecksumError";
    case ErrorCode::kUnsupported:
      return "UnsupportedError";
    case ErrorCode::kFormat:
    case ErrorCode::kTruncated:
    case ErrorCode::kSizeMismatch:
    case ErrorCode::kOverlap:
    case ErrorCode::kReplaced:
      return "FormatError";
    case ErrorCode::kSystem:
    case ErrorCode::kCancelled:
      break;
  }
  return nullptr;
}

}  // namespace

py::object exception_for(const Error& error, const std::optional<std::string>& path,
                         const py::object& key) {
  py::object where = py::none();
  if (path) where = decode_path(*path);
  if (error.code() == ErrorCode::kSystem) {
    const auto os_error = py::reinterpret_borrow<py::object>(PyExc_OSError);
    return os_error(error.system_errno(), error.what(), where);
  }
  const char* const name = class_name(error.code());
  if (name == nullptr) {
    return py::reinterpret_borrow<py::object>(PyExc_RuntimeError)(error.what());
  }
  using namespace py::literals;
  py::object offset = py::none();
  if (error.offset()) offset = py::int_(*error.offset());
  return py::module_::import("tensorbundle.errors")
      .attr(name)(decode_name(error.what()), "path"_a = where, "key"_a = key, "offset"_a = offset,
                  "nbytes"_a = error.size());
}

void throw_python(const Error& error, const std::optional<std::string>& path,
                  const py::object& key) {
  const py::object exception = exception_for(error, path, key);
  PyErr_SetObject(py::type::handle_of(exception).ptr(), exception.ptr());
  throw py::error_already_set();
}

const char* fault_kind(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMissingFile:
      return "missing shard";
    case ErrorCode::kChecksum:
      return "checksum";
    case ErrorCode::kTruncated:
      return "truncated";
    case ErrorCode::kSizeMismatch:
      return "size mismatch";
    case ErrorCode::kOverlap:
      return "overlap";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kReplaced:
      return "replaced";
    case ErrorCode::kFormat:
      return "malformed";
    case ErrorCode::kSystem:
    case ErrorCode::kCancelled:
      break;
  }
  return "unreadable";
}

void register_errors(py::module_&) {
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(std::move(pointer));
    } catch (const Error& error) {
      const py::object exception = exception_for(error);
      PyErr_SetObject(py::type::handle_of(exception).ptr(), exception.ptr());
    }
  });
}

}  // namespace tensorbundle::bindings
