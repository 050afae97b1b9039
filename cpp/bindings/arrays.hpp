// Arrays made through numpy's C API, which arrays.cpp alone may use.
#pragma once

#include <span>

#include "bindings.hpp"

namespace tensorbundle::bindings {

// Once per process, before any other function here.
void import_numpy();

// numpy's own limit.
inline constexpr std::size_t kMaxArrayDimensions = 64;

// An array of that shape over `data`, which `base` keeps alive. `dtype`: a np.dtype.
py::object borrow_array(const py::object& dtype, std::span<const std::int64_t> shape, char* data,
                        bool writable, const py::object& base);

// A new array with unspecified contents; a large one gets its memory from a BlockPool. Throws
// MemoryError.
py::object new_array(const py::object& dtype, std::span<const std::int64_t> shape);

// The first byte of an array's memory.
char* array_data(const py::object& array);

// The memory of an array, borrowed.
struct ArrayBytes {
  PyObject* dtype;
  ByteView bytes;
  std::span<const std::int64_t> shape;
};

// Of an object that is exactly an ndarray, C-contiguous and of this machine's byte order; else
// nothing.
std::optional<ArrayBytes> plain_bytes(const py::handle& object);

// The packed repeated varint field as an array of uint64. Throws Error(kFormat) unless it holds
// exactly `count`.
py::object unpack_varints(const py::bytes& data, std::uint64_t count);

}  // namespace tensorbundle::bindings
