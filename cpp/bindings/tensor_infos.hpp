// What Python knows tensors by: numpy's dtype of each DataType number, and TensorInfo.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "bindings.hpp"
#include "tensorbundle/format/bundle.hpp"

namespace tensorbundle::bindings {

py::tuple int_tuple(std::span<const std::int64_t> values);
py::tuple slice_tuple(const SliceSpec& slice);
py::tuple slices_tuple(const std::vector<SliceSpec>& slices);
// None where not even the number of dimensions is known.
py::object partial_shape_tuple(const PartialShape& shape);

// Asks Python once for each number that occurs: most checkpoints never need ml_dtypes.
class Dtypes {
 public:
  struct Type {
    py::object dtype;     // None where no array holds such elements
    bool plain;           // whether stored bytes are those of an array as they are
    std::uint64_t width;  // bytes an element of an array; 0 for strings
  };

  // `of`: called with a number, gives (dtype, plain).
  explicit Dtypes(py::object of) : of_(std::move(of)) {}
  ~Dtypes();
  Dtypes(const Dtypes&) = delete;
  Dtypes& operator=(const Dtypes&) = delete;

  [[nodiscard]] const Type& at(std::int32_t number) const;

 private:
  py::object of_;
  Type none_{py::none(), false, 0};
  mutable std::array<std::atomic<const Type*>, 64> types_{};
};

// Makes objects of a frozen dataclass with slots in the time that its __init__ takes to begin.
class TensorInfos {
 public:
  explicit TensorInfos(py::type type);

  // What one tensor shares with the next, mostly: made once for both.
  struct Last {
    std::vector<std::int64_t> dims;
    py::object shape = py::tuple();
    std::int64_t size = 0;
    py::object nbytes = py::int_(0);
  };

  [[nodiscard]] py::object make(py::object name, const Dtypes::Type& type, const StoredRange& range,
                                const std::vector<SliceSpec>& slices, Last& last) const;

 private:
  static constexpr std::array kFields = {"name",   "dtype",  "shape",  "nbytes",   "shard",
                                         "offset", "crc32c", "slices", "data_type"};

  py::type type_;
  std::array<Py_ssize_t, kFields.size()> places_{};  // of the slots in an object
};

// The range that a TensorInfo of a tensor or slice with bytes of its own describes. `shape` holds
// what it borrows.
StoredRange range_of(const py::handle& info, std::vector<std::int64_t>& shape);

}  // namespace tensorbundle::bindings
