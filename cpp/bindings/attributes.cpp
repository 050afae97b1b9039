// The attributes of nodes as Python values: maps of them, and one (freeze.md §1.1).
#include <algorithm>
#include <bit>
#include <string>

#include "bindings.hpp"
#include "tensorbundle/format/message.hpp"

namespace tensorbundle::bindings {

namespace {

// A copy of so few bytes is cheaper than a view of them.
constexpr std::size_t kShort = 512;

// Members of AttrValue; in its lists they have the same numbers, but that functions are 9 there.
enum Member : std::uint32_t {
  kList = 1,
  kString = 2,
  kInt = 3,
  kFloat = 4,
  kBool = 5,
  kType = 6,
  kShape = 7,
  kTensor = 8,
  kPlaceholder = 9,
  kFunction = 10,
};

// A message and the object whose memory it is in: parts of it are handed out as bytes or views.
struct Message {
  explicit Message(const py::object& object, std::uint64_t offset)
      : owner(object), buffer(object, false), base(offset) {}

  [[nodiscard]] ByteView bytes() const { return {buffer.data(), buffer.size()}; }

  [[nodiscard]] py::object view(ByteView part) const {
    const auto begin = static_cast<py::ssize_t>(part.data() - buffer.data());
    const py::slice range(begin, begin + static_cast<py::ssize_t>(part.size()), 1);
    return py::memoryview(owner)[range];
  }

  py::object owner;
  BorrowedBuffer buffer;
  std::uint64_t base;
};

struct MapEntry {
  ByteView key;
  ByteView value;
  std::uint64_t offset = 0;  // of the value
};

MapEntry read_entry(const Field& field) {
  MapEntry entry;
  entry.offset = field.bytes_offset;
  MessageReader reader(field.message(), field.bytes_offset);
  Field part;
  while (reader.next(part)) {
    if (part.number == 1) entry.key = part.message();
    if (part.number != 2) continue;
    entry.value = part.message();
    entry.offset = part.bytes_offset;
  }
  return entry;
}

py::dict map_entries(const py::object& object, std::uint32_t number, std::uint64_t base) {
  const Message message(object, base);
  py::dict entries;
  MessageReader reader(message.bytes(), base);
  Field field;
  while (reader.next(field)) {
    if (field.number != number) continue;
    const MapEntry entry = read_entry(field);
    entries[decode_name(entry.key)] =
        entry.value.size() <= kShort ? py::object(py::bytes(entry.value.data(), entry.value.size()))
                                     : message.view(entry.value);
  }
  return entries;
}

// Where the value of the last entry of that key begins.
std::uint64_t map_value_offset(const py::object& object, std::uint32_t number, const py::str& key,
                               std::uint64_t base) {
  const Message message(object, base);
  const std::string wanted = encode_name(key);
  std::uint64_t offset = base;
  MessageReader reader(message.bytes(), base);
  Field field;
  while (reader.next(field)) {
    if (field.number != number) continue;
    if (const MapEntry entry = read_entry(field); entry.key == wanted) offset = entry.offset;
  }
  return offset;
}

constexpr std::size_t kMaxItems = std::size_t{1} << 20;  // of a list

// TensorFlow's own limit, and what keeps the product of the dimensions a number of some size.
constexpr std::size_t kMaxRank = 254;

// Adds the dimensions of a shape; false when not even their number is known.
bool read_shape(ByteView shape, std::uint64_t base, py::list& dims) {
  bool known = true;
  MessageReader reader(shape, base);
  Field field;
  while (reader.next(field)) {
    if (field.number == 2) {
      std::int64_t size = 0;
      MessageReader dim(field.message(), field.bytes_offset);
      Field part;
      while (dim.next(part)) {
        if (part.number == 1) size = part.int64();
      }
      if (dims.size() == kMaxRank) {
        throw Error(ErrorCode::kFormat,
                    "a shape has more than " + std::to_string(kMaxRank) + " dimensions", base);
      }
      dims.append(std::max<std::int64_t>(size, -1));
    } else if (field.number == 3) {
      known = field.int64() == 0;
    }
  }
  return known;
}

py::object shape_value(ByteView shape, std::uint64_t base) {
  py::list dims;
  if (!read_shape(shape, base, dims)) return py::none();
  return py::tuple(dims);
}

py::float_ float_value(std::uint64_t bits) {
  return {std::bit_cast<float>(static_cast<std::uint32_t>(bits))};
}

py::object number_value(std::uint32_t member, std::uint64_t value) {
  if (member == kBool) return py::bool_(value != 0);
  if (member == kType) return py::int_(static_cast<std::int32_t>(value));
  return py::int_(static_cast<std::int64_t>(value));
}

// A message, and where it begins.
py::tuple part_value(const Message& message, const Field& field) {
  return py::make_tuple(message.view(field.message()), field.bytes_offset);
}

// Adds an item to a list. Each takes fifty times what the shortest takes in the file.
void add_item(py::list& items, const Field& field, const py::tuple& item) {
  if (items.size() == kMaxItems) {
    throw Error(ErrorCode::kFormat,
                "an attribute lists more than " + std::to_string(kMaxItems) + " values",
                field.bytes_offset);
  }
  items.append(item);
}

// Numbers of a list: packed, or a single one.
void read_numbers(const Field& field, py::list& items) {
  if (field.number == kFloat) {
    if (field.wire != WireType::kBytes) {
      add_item(items, field, py::make_tuple(field.number, float_value(field.fixed32())));
      return;
    }
    Reader reader(field.bytes, field.bytes_offset);
    while (!reader.done()) {
      add_item(items, field,
               py::make_tuple(field.number, float_value(reader.fixed<std::uint32_t>())));
    }
    return;
  }
  if (field.wire != WireType::kBytes) {
    add_item(items, field,
             py::make_tuple(field.number, number_value(field.number, field.varint())));
    return;
  }
  Reader reader(field.bytes, field.bytes_offset);
  while (!reader.done()) {
    add_item(items, field,
             py::make_tuple(field.number, number_value(field.number, reader.varint())));
  }
}

// The items of a list as (member, value).
py::list list_value(const Message& message, ByteView list, std::uint64_t base) {
  py::list items;
  MessageReader reader(list, base);
  Field field;
  while (reader.next(field)) {
    switch (field.number) {
      case kString:
        add_item(items, field,
                 py::make_tuple(field.number,
                                py::bytes(field.message().data(), field.message().size())));
        break;
      case kInt:
      case kFloat:
      case kBool:
      case kType:
        read_numbers(field, items);
        break;
      case kShape:
        add_item(items, field,
                 py::make_tuple(field.number, shape_value(field.message(), field.bytes_offset)));
        break;
      case kTensor:
        add_item(items, field, py::make_tuple(field.number, part_value(message, field)));
        break;
      case kPlaceholder:  // the number of functions here
        add_item(items, field, py::make_tuple(int{kFunction}, part_value(message, field)));
        break;
      default:
        break;
    }
  }
  return items;
}

bool is_message(std::uint32_t member) {
  return member == kList || member == kShape || member == kTensor || member == kFunction;
}

py::object member_value(const Message& message, const Field& field) {
  switch (field.number) {
    case kString:
    case kPlaceholder:
      return py::bytes(field.message().data(), field.message().size());
    case kFloat:
      return float_value(field.fixed32());
    case kInt:
    case kBool:
    case kType:
      return number_value(field.number, field.varint());
    case kShape:
      return shape_value(field.message(), field.bytes_offset);
    case kList:
      return list_value(message, field.message(), field.bytes_offset);
    default:
      return part_value(message, field);
  }
}

// (member, value) of an attribute, or None. The last member counts; the member alone where it is a
// message in several parts, which have to be joined first.
py::object attr_value(const py::object& object, std::uint64_t base) {
  const Message message(object, base);
  MessageReader reader(message.bytes(), base);
  Field field;
  Field last;
  bool in_parts = false;
  while (reader.next(field)) {
    if (field.number < kList || field.number > kFunction) continue;
    in_parts = field.number == last.number && is_message(field.number);
    last = field;
  }
  if (last.number == 0) return py::none();
  if (in_parts) return py::int_(last.number);
  return py::make_tuple(last.number, member_value(message, last));
}

}  // namespace

void register_attributes(py::module_& module) {
  using namespace py::literals;
  module.def("map_entries", &map_entries, "message"_a, "number"_a, "base"_a = 0);
  module.def("map_value_offset", &map_value_offset, "message"_a, "number"_a, "key"_a, "base"_a = 0);
  module.def("attr_value", &attr_value, "attr"_a, "base"_a = 0);
}

}  // namespace tensorbundle::bindings
