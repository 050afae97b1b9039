// Walks a protobuf message: fields as numbers and byte ranges, in the order they are stored.
//
// Only the wire format is known here; which field means what is said in the rooms above. Views
// point into the bytes that were given, so unknown fields can be passed over, or kept verbatim.
#pragma once

#include <cstdint>

#include "tensorbundle/base/bytes.hpp"

namespace tensorbundle {

enum class WireType : std::uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kGroupStart = 3,
  kGroupEnd = 4,
  kFixed32 = 5,
};

struct Field {
  std::uint32_t number = 0;
  WireType wire = WireType::kVarint;
  std::uint64_t value = 0;         // of a varint, fixed32 or fixed64
  ByteView bytes;                  // of a length-delimited field
  std::uint64_t offset = 0;        // where the field starts
  std::uint64_t bytes_offset = 0;  // where `bytes` start

  // The value, of a field that must have that wire type. Throws kFormat.
  [[nodiscard]] std::uint64_t varint() const { return expect(WireType::kVarint), value; }
  [[nodiscard]] std::uint64_t fixed32() const { return expect(WireType::kFixed32), value; }
  [[nodiscard]] ByteView message() const { return expect(WireType::kBytes), bytes; }
  // As protobuf: an int32 is its varint's low 32 bits.
  [[nodiscard]] std::int32_t int32() const { return static_cast<std::int32_t>(varint()); }
  [[nodiscard]] std::int64_t int64() const { return static_cast<std::int64_t>(varint()); }

 private:
  void expect(WireType wanted) const {
    if (wire != wanted) throw_unexpected(wanted);
  }
  [[noreturn]] void throw_unexpected(WireType wanted) const;
};

// The tag that a field of this number and wire type starts with.
constexpr std::uint32_t tag_of(std::uint32_t number, WireType wire) {
  return number << 3 | static_cast<std::uint32_t>(wire);
}

class MessageReader {
 public:
  explicit MessageReader(ByteView message, std::uint64_t base = 0) : reader_(message, base) {}

  // Continues with what a Reader has left.
  explicit MessageReader(const Reader& reader) : reader_(reader) {}

  // Moves to the next field; false at the end. Groups, which no known message uses, are passed
  // over. Throws kFormat.
  bool next(Field& field) {
    if (!next_raw(field)) return false;
    return !is_group(field.wire) || pass_groups(field);
  }

  // What is left after the field that next() gave.
  [[nodiscard]] const Reader& rest() const { return reader_; }

 private:
  static bool is_group(WireType wire) {
    return wire == WireType::kGroupStart || wire == WireType::kGroupEnd;
  }

  // Inlined: an index of 50,000 entries has half a million fields.
  bool next_raw(Field& field) {
    if (reader_.done()) return false;
    field.offset = reader_.offset();
    const std::uint64_t tag = reader_.varint();
    field.number = static_cast<std::uint32_t>(tag >> 3);
    field.wire = static_cast<WireType>(tag & 7);
    if (tag > UINT32_MAX || field.number == 0) throw_bad_tag(field, tag);
    switch (field.wire) {
      case WireType::kVarint:
        field.value = reader_.varint();
        return true;
      case WireType::kFixed64:
        field.value = reader_.fixed<std::uint64_t>();
        return true;
      case WireType::kFixed32:
        field.value = reader_.fixed<std::uint32_t>();
        return true;
      case WireType::kBytes:
        field.bytes = reader_.bytes(reader_.varint());
        field.bytes_offset = reader_.offset() - field.bytes.size();
        return true;
      case WireType::kGroupStart:
      case WireType::kGroupEnd:
        return true;
    }
    throw_bad_tag(field, tag);
  }

  [[noreturn]] static void throw_bad_tag(const Field& field, std::uint64_t tag);
  // From a group on to the next field outside of any; false at the end.
  bool pass_groups(Field& field);
  void skip_group(std::uint32_t number);

  Reader reader_;
};

}  // namespace tensorbundle
