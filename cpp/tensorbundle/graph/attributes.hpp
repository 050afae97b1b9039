// Attributes of nodes and functions: AttrValue, and the maps by name that hold them (freeze.md
// §1.1).
//
// Everything is a view into the bytes that were given; only the dimensions of a shape are copied.
// What is a message of its own (a tensor, a function) is left to whoever needs it. Nothing
// recurses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "tensorbundle/format/message.hpp"
#include "tensorbundle/format/shape.hpp"

namespace tensorbundle {

// An entry of a map with string keys.
struct MapEntry {
  ByteView key;
  ByteView value;
  std::uint64_t offset = 0;  // of the value
};

// Throws kFormat, as everything below.
MapEntry decode_map_entry(const Field& field);

// Members of AttrValue, by their field numbers.
enum class AttrMember : std::uint8_t {
  kNone = 0,
  kList = 1,
  kText = 2,
  kInt = 3,
  kFloat = 4,
  kBool = 5,
  kType = 6,
  kShape = 7,
  kTensor = 8,
  kPlaceholder = 9,
  kFunction = 10,
};

// A message within the one that was given.
struct MessagePart {
  ByteView bytes;
  std::uint64_t offset = 0;
};

// kText, kPlaceholder: bytes. kInt: int64. kType: int32, a DataType number. kList, kTensor,
// kFunction: a message. kNone: nothing.
using AttrContent = std::variant<std::monostate, ByteView, std::int64_t, std::int32_t, float, bool,
                                 PartialShape, MessagePart>;

struct AttrValue {
  AttrMember member = AttrMember::kNone;
  AttrContent content;
  // The member is a message in several parts, which have to be joined first: no content is given.
  bool in_parts = false;
};

// The member that counts, which is the last one.
AttrValue decode_attr(ByteView message, std::uint64_t offset);

// Walks the values of a list, whose numbers may be packed.
class AttrList {
 public:
  // Each value takes fifty times in Python what the shortest takes in the file.
  static constexpr std::size_t kMaxValues = std::size_t{1} << 20;

  explicit AttrList(const MessagePart& list)
      : reader_(list.bytes, list.offset), packed_(ByteView()) {}

  // Moves to the next value; false at the end.
  bool next(AttrValue& value);

 private:
  [[nodiscard]] bool next_field(AttrValue& value);
  void count();

  MessageReader reader_;
  Field field_;    // the one that packed_ belongs to, or the last
  Reader packed_;  // what is left of a packed field
  std::size_t count_ = 0;
};

}  // namespace tensorbundle
