// The attributes of nodes as Python values: maps of them, and one (freeze.md §1.1).
#include "tensorbundle/graph/attributes.hpp"

#include <string>

#include "bindings.hpp"
#include "tensor_infos.hpp"

namespace tensorbundle::bindings {

namespace {

// A copy of so few bytes is cheaper than a view of them.
constexpr std::size_t kShort = 512;

// A message and the object whose memory it is in: parts of it are handed out as bytes or views.
struct Message {
  explicit Message(const py::object& object) : owner(object), buffer(object, false) {}

  [[nodiscard]] ByteView bytes() const { return {buffer.data(), buffer.size()}; }

  [[nodiscard]] py::object view(ByteView part) const {
    const auto begin = static_cast<py::ssize_t>(part.data() - buffer.data());
    const py::slice range(begin, begin + static_cast<py::ssize_t>(part.size()), 1);
    return py::memoryview(owner)[range];
  }

  py::object owner;
  BorrowedBuffer buffer;
};

py::dict map_entries(const py::object& object, std::uint32_t number, std::uint64_t base) {
  const Message message(object);
  py::dict entries;
  MessageReader reader(message.bytes(), base);
  Field field;
  while (reader.next(field)) {
    if (field.number != number) continue;
    const MapEntry entry = decode_map_entry(field);
    entries[decode_name(entry.key)] =
        entry.value.size() <= kShort ? py::object(py::bytes(entry.value.data(), entry.value.size()))
                                     : message.view(entry.value);
  }
  return entries;
}

// Where the value of the last entry of that key begins.
std::uint64_t map_value_offset(const py::object& object, std::uint32_t number, const py::str& key,
                               std::uint64_t base) {
  const Message message(object);
  const std::string wanted = encode_name(key);
  std::uint64_t offset = base;
  MessageReader reader(message.bytes(), base);
  Field field;
  while (reader.next(field)) {
    if (field.number != number) continue;
    if (const MapEntry entry = decode_map_entry(field); entry.key == wanted) offset = entry.offset;
  }
  return offset;
}

// The content of a value, but for lists, as Python has it.
struct ToPython {
  const Message& message;

  py::object operator()(std::monostate) const { return py::none(); }
  py::object operator()(ByteView text) const { return py::bytes(text.data(), text.size()); }
  py::object operator()(std::int64_t number) const { return py::int_(number); }
  py::object operator()(std::int32_t number) const { return py::int_(number); }
  py::object operator()(float number) const { return py::float_(number); }
  py::object operator()(bool truth) const { return py::bool_(truth); }
  py::object operator()(const PartialShape& shape) const { return partial_shape_tuple(shape); }
  py::object operator()(const MessagePart& part) const {
    return py::make_tuple(message.view(part.bytes), part.offset);
  }
};

py::tuple pair_of(const Message& message, const AttrValue& value) {
  return py::make_tuple(static_cast<int>(value.member),
                        std::visit(ToPython{message}, value.content));
}

// What _core.pyi says.
py::object attr_value(const py::object& object, std::uint64_t base) {
  const Message message(object);
  const AttrValue value = decode_attr(message.bytes(), base);
  if (value.member == AttrMember::kNone) return py::none();
  if (value.in_parts) return py::int_(static_cast<int>(value.member));
  if (value.member != AttrMember::kList) return pair_of(message, value);
  py::list items;
  AttrList list(std::get<MessagePart>(value.content));
  for (AttrValue item; list.next(item);) items.append(pair_of(message, item));
  return py::make_tuple(static_cast<int>(value.member), items);
}

}  // namespace

void register_attributes(py::module_& module) {
  using namespace py::literals;
  module.def("map_entries", &map_entries, "message"_a, "number"_a, "base"_a = 0);
  module.def("map_value_offset", &map_value_offset, "message"_a, "number"_a, "key"_a, "base"_a = 0);
  module.def("attr_value", &attr_value, "attr"_a, "base"_a = 0);
}

}  // namespace tensorbundle::bindings
