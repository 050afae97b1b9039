#include "arrays.hpp"

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_1_25_API_VERSION  // runs on numpy 1.26 too
#include <numpy/arrayobject.h>

#include <cstring>

#include "tensorbundle/base/block_pool.hpp"
#include "tensorbundle/base/bytes.hpp"

namespace tensorbundle::bindings {

namespace {

py::object make_array(const py::object& dtype, std::span<const std::int64_t> shape, char* data,
                      int flags) {
  npy_intp dimensions[kMaxArrayDimensions];
  for (std::size_t i = 0; i < shape.size(); ++i) dimensions[i] = static_cast<npy_intp>(shape[i]);
  auto* const descriptor = reinterpret_cast<PyArray_Descr*>(dtype.ptr());
  Py_INCREF(descriptor);  // stolen by the call
  PyObject* const array =
      PyArray_NewFromDescr(&PyArray_Type, descriptor, static_cast<int>(shape.size()), dimensions,
                           nullptr, data, flags, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(array);
}

// Kept for as long as the process lives, since arrays may outlive the module.
BlockPool& block_pool() {
  constexpr std::size_t kKeptBytes = std::size_t{4} << 30;
  static auto* const pool = new BlockPool(kKeptBytes);
  return *pool;
}

// The pool as numpy knows allocators (NEP 49): an array remembers the one it came from.
PyObject* pool_handler() {
  static PyDataMem_Handler handler = {
      "tensorbundle block pool",
      1,
      {nullptr, [](void*, std::size_t size) { return block_pool().allocate(size); },
       [](void*, std::size_t count, std::size_t width) {
         if (width != 0 && count > SIZE_MAX / width) return static_cast<void*>(nullptr);
         void* const memory = block_pool().allocate(count * width);
         return memory != nullptr ? std::memset(memory, 0, count * width) : nullptr;
       },
       [](void*, void* block, std::size_t size) { return block_pool().reallocate(block, size); },
       [](void*, void* block, std::size_t) { block_pool().release(block); }}};
  static PyObject* const capsule = PyCapsule_New(&handler, "mem_handler", nullptr);
  return capsule;
}

// While it lives, new arrays of this context get their memory from the pool.
class PoolInUse {
 public:
  PoolInUse() : before_(PyDataMem_SetHandler(pool_handler())) {
    if (before_ == nullptr) throw py::error_already_set();
  }
  ~PoolInUse() {
    Py_XDECREF(PyDataMem_SetHandler(before_));
    Py_DECREF(before_);
  }
  PoolInUse(const PoolInUse&) = delete;
  PoolInUse& operator=(const PoolInUse&) = delete;

 private:
  PyObject* before_;
};

PyArrayObject* as_array(const py::object& array) {
  return reinterpret_cast<PyArrayObject*>(array.ptr());
}

}  // namespace

void import_numpy() {
  if (_import_array() < 0) throw py::error_already_set();
}

py::object borrow_array(const py::object& dtype, std::span<const std::int64_t> shape, char* data,
                        bool writable, const py::object& base) {
  // An empty file has no memory to point at; an empty array must point somewhere all the same.
  static char nowhere = 0;
  const int flags = NPY_ARRAY_C_CONTIGUOUS | (writable ? NPY_ARRAY_WRITEABLE : 0);
  py::object array = make_array(dtype, shape, data != nullptr ? data : &nowhere, flags);
  if (PyArray_SetBaseObject(as_array(array), py::object(base).release().ptr()) != 0) {
    throw py::error_already_set();
  }
  return array;
}

py::object new_array(const py::object& dtype, std::span<const std::int64_t> shape) {
  auto size =
      static_cast<std::size_t>(PyDataType_ELSIZE(reinterpret_cast<PyArray_Descr*>(dtype.ptr())));
  for (const std::int64_t dimension : shape) size *= static_cast<std::size_t>(dimension);
  if (size < BlockPool::kSmallest) return make_array(dtype, shape, nullptr, 0);
  const PoolInUse pool;
  return make_array(dtype, shape, nullptr, 0);
}

char* array_data(const py::object& array) {
  return static_cast<char*>(PyArray_DATA(as_array(array)));
}

std::optional<ArrayBytes> plain_bytes(const py::handle& object) {
  if (!PyArray_CheckExact(object.ptr())) return std::nullopt;
  auto* const array = reinterpret_cast<PyArrayObject*>(object.ptr());
  if (!PyArray_IS_C_CONTIGUOUS(array) || !PyArray_ISNOTSWAPPED(array)) return std::nullopt;
  static_assert(sizeof(npy_intp) == sizeof(std::int64_t));
  return ArrayBytes{reinterpret_cast<PyObject*>(PyArray_DESCR(array)),
                    {static_cast<const char*>(PyArray_DATA(array)),
                     static_cast<std::size_t>(PyArray_NBYTES(array))},
                    {reinterpret_cast<const std::int64_t*>(PyArray_DIMS(array)),
                     static_cast<std::size_t>(PyArray_NDIM(array))}};
}

py::object unpack_varints(const py::bytes& data, std::uint64_t count) {
  const std::string_view packed = data;
  // Each takes at least a byte: a hostile count takes no memory.
  if (count > packed.size()) {
    throw Error(ErrorCode::kFormat,
                "a packed field is too short: " + std::to_string(packed.size()) + " bytes for " +
                    std::to_string(count) + " numbers");
  }
  auto size = static_cast<npy_intp>(count);
  PyObject* const made = PyArray_SimpleNew(1, &size, NPY_UINT64);
  if (made == nullptr) throw py::error_already_set();
  auto array = py::reinterpret_steal<py::object>(made);
  auto* const values = reinterpret_cast<std::uint64_t*>(array_data(array));
  Reader reader(packed);
  for (std::uint64_t i = 0; i < count; ++i) values[i] = reader.varint();
  if (!reader.done()) {
    throw Error(ErrorCode::kFormat,
                "a packed field is too long: " + std::to_string(reader.remaining()) +
                    " bytes are left after " + std::to_string(count) + " numbers");
  }
  return array;
}

}  // namespace tensorbundle::bindings
