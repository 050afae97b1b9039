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
py::tuple slices_tuple(const std::vector<SliceSpec>& slices);

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

  [[nodiscard]] py::object make(py::object name, const Dtypes::Type& type, const StoredRange& range,
                                const std::vector<SliceSpec>& slices) const;

 private:
  static constexpr std::array kFields = {"name",   "dtype",  "shape",  "nbytes",   "shard",
                                         "offset", "crc32c", "slices", "data_type"};

  py::type type_;
  std::array<py::object, kFields.size()> slots_;  // descriptors, in the order of kFields
};

// The range that a TensorInfo of a tensor or slice with bytes of its own describes. `shape` holds
// what it borrows.
StoredRange range_of(const py::handle& info, std::vector<std::int64_t>& shape);

}  // namespace tensorbundle::bindings
