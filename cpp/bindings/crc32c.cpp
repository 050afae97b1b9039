#include "tensorbundle/base/crc32c.hpp"

#include "bindings.hpp"
#include "tensorbundle/base/fingerprint64.hpp"

namespace tensorbundle::bindings {

namespace {

// Below this, taking the GIL again costs more than the checksum.
constexpr std::size_t kReleaseGilFrom = std::size_t{32} << 10;

std::uint32_t crc32c_of(const py::object& data, std::uint32_t value) {
  const BorrowedBuffer buffer(data, false);
  if (buffer.size() < kReleaseGilFrom) return crc32c_extend(value, buffer.data(), buffer.size());
  const py::gil_scoped_release release;
  return crc32c_extend(value, buffer.data(), buffer.size());
}

std::uint64_t fingerprint64_of(const py::object& data) {
  const BorrowedBuffer buffer(data, false);
  const ByteView bytes(static_cast<const char*>(buffer.data()), buffer.size());
  const py::gil_scoped_release release;
  return fingerprint64(bytes);
}

}  // namespace

void register_crc32c(py::module_& module) {
  using namespace py::literals;
  module.def("crc32c", &crc32c_of, "data"_a, "value"_a = 0);
  module.def("crc32c_combine", &crc32c_combine, "first"_a, "second"_a, "second_size"_a);
  module.def("crc32c_mask", &crc32c_mask, "crc32c"_a);
  module.def("crc32c_unmask", &crc32c_unmask, "stored"_a);
  module.def("fingerprint64", &fingerprint64_of, "data"_a);
  module.def("crc32c_kernel", &crc32c_kernel_name);
}

}  // namespace tensorbundle::bindings
