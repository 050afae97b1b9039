#include "message.hpp"

#include <string>
#include <vector>

namespace tensorbundle {

namespace {

// protobuf's own limit on nesting.
constexpr std::size_t kMaxGroupDepth = 100;

}  // namespace

void Field::expect(WireType wanted) const {
  if (wire == wanted) return;
  throw Error(ErrorCode::kFormat,
              "field " + std::to_string(number) + " has wire type " +
                  std::to_string(static_cast<int>(wire)) + ", expected " +
                  std::to_string(static_cast<int>(wanted)),
              offset);
}

bool MessageReader::next_raw(Field& field) {
  if (reader_.done()) return false;
  field.offset = reader_.offset();
  const std::uint32_t tag = reader_.varint32("a field's tag");
  field.number = tag >> 3;
  if (field.number == 0) throw Error(ErrorCode::kFormat, "a field has number 0", field.offset);
  field.wire = static_cast<WireType>(tag & 7);
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
  throw Error(ErrorCode::kFormat, "a field has wire type " + std::to_string(tag & 7),
              field.offset);
}

bool MessageReader::next(Field& field) {
  while (next_raw(field)) {
    if (field.wire == WireType::kGroupEnd) {
      throw Error(ErrorCode::kFormat, "a group ends that never began", field.offset);
    }
    if (field.wire != WireType::kGroupStart) return true;
    skip_group(field.number);
  }
  return false;
}

void MessageReader::skip_group(std::uint32_t number) {
  std::vector<std::uint32_t> open = {number};
  Field inner;
  while (!open.empty()) {
    if (!next_raw(inner)) throw Error(ErrorCode::kFormat, "a group is cut off", reader_.offset());
    if (inner.wire == WireType::kGroupStart) {
      if (open.size() == kMaxGroupDepth) {
        throw Error(ErrorCode::kFormat, "groups are nested too deep", inner.offset);
      }
      open.push_back(inner.number);
    } else if (inner.wire == WireType::kGroupEnd) {
      if (inner.number != open.back()) {
        throw Error(ErrorCode::kFormat, "a group ends that is not the open one", inner.offset);
      }
      open.pop_back();
    }
  }
}

}  // namespace tensorbundle
