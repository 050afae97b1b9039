#include "tensor_infos.hpp"

#include <pybind11/stl.h>
#include <structmember.h>

#include <algorithm>
#include <utility>

#include "tensorbundle/reading/plan.hpp"

namespace tensorbundle::bindings {

py::tuple slice_tuple(const SliceSpec& slice) {
  py::tuple tuple(slice.size());
  for (std::size_t i = 0; i < slice.size(); ++i) {
    tuple[i] = py::make_tuple(slice[i].start, slice[i].length);
  }
  return tuple;
}

py::object partial_shape_tuple(const PartialShape& shape) {
  if (!shape.has_rank) return py::none();
  return int_tuple(shape.dims);
}

py::tuple int_tuple(std::span<const std::int64_t> values) {
  py::tuple tuple(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    PyTuple_SET_ITEM(tuple.ptr(), static_cast<Py_ssize_t>(i), py::int_(values[i]).release().ptr());
  }
  return tuple;
}

py::tuple slices_tuple(const std::vector<SliceSpec>& slices) {
  py::tuple tuple(slices.size());
  for (std::size_t i = 0; i < slices.size(); ++i) tuple[i] = slice_tuple(slices[i]);
  return tuple;
}

Dtypes::~Dtypes() {
  for (const auto& type : types_) delete type.load();
}

const Dtypes::Type& Dtypes::at(std::int32_t number) const {
  if (number < 0 || static_cast<std::size_t>(number) >= types_.size()) return none_;
  std::atomic<const Type*>& place = types_[static_cast<std::size_t>(number)];
  if (const Type* const known = place.load(std::memory_order_acquire)) return *known;
  const auto [dtype, plain] = of_(number).cast<std::pair<py::object, bool>>();
  const bool sized = !dtype.is_none() && number != kString;
  auto made = std::make_unique<const Type>(
      Type{dtype, plain, sized ? dtype.attr("itemsize").cast<std::uint64_t>() : 0});
  // When two threads ask at once, all users share one.
  const Type* known = nullptr;
  if (place.compare_exchange_strong(known, made.get())) return *made.release();
  return *known;
}

namespace {

// Elements in the slices that a tensor lists, which may leave gaps; never more than it has.
std::uint64_t listed_count(std::span<const std::int64_t> shape,
                           const std::vector<SliceSpec>& slices) {
  const std::uint64_t whole = element_count(shape);
  std::uint64_t listed = 0;
  for (const SliceSpec& slice : slices) {
    std::vector<std::int64_t> extents(shape.begin(), shape.end());
    for (std::size_t i = 0; i < std::min(slice.size(), extents.size()); ++i) {
      if (slice[i].length >= 0) extents[i] = std::min(slice[i].length, extents[i]);
    }
    listed += std::min(element_count(extents), whole - listed);
  }
  return listed;
}

}  // namespace

TensorInfos::TensorInfos(py::type type) : type_(std::move(type)) {
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const py::object slot = type_.attr(kFields[i]);
    if (!Py_IS_TYPE(slot.ptr(), &PyMemberDescr_Type)) {
      throw py::type_error("a class with slots is expected");
    }
    places_[i] = reinterpret_cast<const PyMemberDescrObject*>(slot.ptr())->d_member->offset;
  }
}

py::object TensorInfos::make(py::object name, const Dtypes::Type& type, const StoredRange& range,
                             const std::vector<SliceSpec>& slices, Last& last) const {
  if (!std::ranges::equal(range.shape, last.dims)) {
    last.dims.assign(range.shape.begin(), range.shape.end());
    last.shape = int_tuple(range.shape);
  }
  if (range.size != last.size) {
    last.size = range.size;
    last.nbytes = py::int_(range.size);
  }
  auto* const python_type = reinterpret_cast<PyTypeObject*>(type_.ptr());
  auto info = py::reinterpret_steal<py::object>(python_type->tp_alloc(python_type, 0));
  if (!info) throw py::error_already_set();
  std::size_t next = 0;
  // What the class's own __init__ does, slot by slot, in the time that it takes to begin. Nobody
  // else has seen the object yet.
  const auto set = [&](py::object value) {
    char* const slot = reinterpret_cast<char*>(info.ptr()) + places_[next++];
    *reinterpret_cast<PyObject**>(slot) = value.release().ptr();
  };
  set(std::move(name));
  set(type.dtype);
  set(last.shape);
  if (slices.empty()) {
    set(last.nbytes);
    set(py::int_(range.shard));
    set(py::int_(range.offset));
    set(py::int_(range.crc32c));
  } else {
    set(py::int_(listed_count(range.shape, slices)) * py::int_(type.width));
    for (int i = 0; i < 3; ++i) set(py::none());
  }
  set(slices_tuple(slices));
  set(py::int_(range.dtype));
  return info;
}

StoredRange range_of(const py::handle& info, std::vector<std::int64_t>& shape) {
  shape = info.attr("shape").cast<std::vector<std::int64_t>>();
  return {info.attr("data_type").cast<std::int32_t>(), info.attr("shard").cast<std::int32_t>(),
          info.attr("offset").cast<std::int64_t>(),    info.attr("nbytes").cast<std::int64_t>(),
          info.attr("crc32c").cast<std::uint32_t>(),   shape};
}

}  // namespace tensorbundle::bindings
