// Bytes that Python has fetched: pieces of them checked, many in a call.
#include <vector>

#include "bindings.hpp"
#include "tensorbundle/base/crc32c.hpp"

namespace tensorbundle::bindings {

namespace {

// Bytes of uint32: the CRC-32C of the pieces of `data` that begin at `begins` and have `sizes`,
// which are arrays of int64.
py::bytes crc32c_pieces(const py::object& data, const py::object& begins, const py::object& sizes) {
  const BorrowedBuffer bytes(data, false);
  const BorrowedBuffer starts(begins, false);
  const BorrowedBuffer lengths(sizes, false);
  const std::size_t count = starts.size() / sizeof(std::int64_t);
  if (lengths.size() != starts.size()) throw py::value_error("as many begins as sizes");
  const auto* const begin = reinterpret_cast<const std::int64_t*>(starts.data());
  const auto* const size = reinterpret_cast<const std::int64_t*>(lengths.data());
  py::bytes found(nullptr, count * sizeof(std::uint32_t));
  auto* const into = reinterpret_cast<std::uint32_t*>(PyBytes_AS_STRING(found.ptr()));
  bool fits = true;
  {
    const py::gil_scoped_release release;
    const auto held = static_cast<std::int64_t>(bytes.size());
    for (std::size_t i = 0; i < count && fits; ++i) {
      fits = begin[i] >= 0 && size[i] >= 0 && begin[i] <= held && size[i] <= held - begin[i];
      if (fits) {
        into[i] = crc32c_extend(0, bytes.data() + begin[i], static_cast<std::size_t>(size[i]));
      }
    }
  }
  if (!fits) throw py::value_error("a piece does not lie in the data");
  return found;
}

}  // namespace

void register_pieces(py::module_& module) {
  using namespace py::literals;
  module.def("crc32c_pieces", &crc32c_pieces, "data"_a, "begins"_a, "sizes"_a);
}

}  // namespace tensorbundle::bindings
