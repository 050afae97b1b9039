// Walks a protobuf message: fields as numbers and byte ranges, in the order they are stored.
//
// Only the wire format is known here; which field means what is said in the rooms above. Views
// point into the bytes that were given, so unknown fields can be passed over, or kept verbatim.
#pragma once

#include <cstdint>

#include "bytes.hpp"

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
  std::uint64_t value = 0;   // of a varint, fixed32 or fixed64
  ByteView bytes;            // of a length-delimited field
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
  void expect(WireType wanted) const;
};

class MessageReader {
 public:
  explicit MessageReader(ByteView message, std::uint64_t base = 0) : reader_(message, base) {}

  // Moves to the next field; false at the end. Groups, which no known message uses, are passed
  // over. Throws kFormat.
  bool next(Field& field);

 private:
  void skip_group(std::uint32_t number);
  bool next_raw(Field& field);

  Reader reader_;
};

}  // namespace tensorbundle
