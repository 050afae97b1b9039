// The fields of any message, for rooms of Python that decode small messages by the thousand.
#include "tensorbundle/format/message.hpp"

#include <algorithm>
#include <string>

#include "bindings.hpp"
#include "tensor_infos.hpp"

namespace tensorbundle::bindings {

namespace {

// Where the bytes of a field begin that has no length: after its tag.
std::size_t after_tag(ByteView message, std::size_t at) {
  while ((static_cast<unsigned char>(message[at]) & 0x80U) != 0) ++at;
  return at + 1;
}

py::tuple read_field(const Field& field, const py::memoryview& view, ByteView message,
                     std::uint64_t base, std::size_t end) {
  const std::size_t begin = field.wire == WireType::kBytes
                                ? end - field.bytes.size()
                                : after_tag(message, static_cast<std::size_t>(field.offset - base));
  const py::slice range(static_cast<py::ssize_t>(begin), static_cast<py::ssize_t>(end), 1);
  const std::uint64_t value = field.wire == WireType::kVarint ? field.value : 0;
  return py::make_tuple(field.number, static_cast<int>(field.wire), value, view[range],
                        base + begin);
}

// Up to `most` fields from position `at` on, where the next one begins, and why that is none.
py::tuple message_fields(const py::memoryview& view, std::uint64_t base, std::size_t at,
                         std::size_t most) {
  const BorrowedBuffer buffer(view, false);
  const ByteView message(buffer.data(), buffer.size());
  MessageReader reader(message.substr(at), base + at);
  py::list found;
  Field field;
  std::size_t next = at;
  try {
    while (reader.next(field)) {
      next = static_cast<std::size_t>(reader.rest().offset() - base);
      found.append(read_field(field, view, message, base, next));
      if (found.size() == most) return py::make_tuple(found, next, py::none());
    }
  } catch (const Error& error) {
    return py::make_tuple(found, next, exception_for(error));
  }
  return py::make_tuple(found, message.size(), py::none());
}

// The varint at position `at`, and where it ends.
py::tuple varint(const py::object& data, std::size_t at, std::uint64_t base) {
  const BorrowedBuffer buffer(data, false);
  const ByteView bytes(buffer.data(), buffer.size());
  Reader reader(bytes.substr(std::min(at, bytes.size())), base + at);
  const std::uint64_t value = reader.varint();
  return py::make_tuple(value, reader.offset() - base);
}

// A run of varints, and nothing else.
py::list varints(const py::object& data, std::uint64_t base) {
  const BorrowedBuffer buffer(data, false);
  Reader reader({buffer.data(), buffer.size()}, base);
  py::list values;
  while (!reader.done()) values.append(py::int_(reader.varint()));
  return values;
}

py::tuple shape_of(const py::object& message, std::uint64_t base) {
  const BorrowedBuffer buffer(message, false);
  std::vector<std::int64_t> dims;
  std::int64_t count = 1;
  decode_shape({buffer.data(), buffer.size()}, base, dims, count);
  return int_tuple(dims);
}

// Of each number the last field, of a message in which none is repeated.
py::dict flat_fields(const py::object& object, std::uint64_t base) {
  const BorrowedBuffer buffer(object, false);
  MessageReader reader(ByteView(buffer.data(), buffer.size()), base);
  py::dict found;
  Field field;
  while (reader.next(field)) {
    const py::int_ number(field.number);
    if (field.wire == WireType::kBytes) {
      found[number] = py::bytes(field.bytes.data(), field.bytes.size());
    } else {
      found[number] = py::int_(static_cast<std::int64_t>(field.value));
    }
  }
  return found;
}

}  // namespace

void register_message(py::module_& module) {
  using namespace py::literals;
  module.def("message_fields", &message_fields, "message"_a, "base"_a, "at"_a, "most"_a);
  module.def("varint", &varint, "data"_a, "at"_a = 0, "base"_a = 0);
  module.def("varints", &varints, "data"_a, "base"_a = 0);
  module.def("decode_shape", &shape_of, "message"_a, "base"_a = 0);
  module.def(
      "decode_partial_shape",
      [](const py::object& message, std::uint64_t base) {
        const BorrowedBuffer buffer(message, false);
        return partial_shape_tuple(decode_partial_shape({buffer.data(), buffer.size()}, base));
      },
      "message"_a, "base"_a = 0);
  module.def(
      "decode_slice",
      [](const py::object& message, std::uint64_t base) {
        const BorrowedBuffer buffer(message, false);
        return slice_tuple(decode_slice({buffer.data(), buffer.size()}, base));
      },
      "message"_a, "base"_a = 0);
  module.def(
      "check_version",
      [](const py::object& versions, std::uint64_t base) {
        const BorrowedBuffer buffer(versions, false);
        Header header;
        check_version({buffer.data(), buffer.size()}, base, header);
      },
      "versions"_a, "base"_a = 0);
  module.def("flat_fields", &flat_fields, "message"_a, "base"_a = 0);
}

}  // namespace tensorbundle::bindings
