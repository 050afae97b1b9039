#include "tensorbundle/format/message.hpp"

#include <string>
#include <vector>

namespace tensorbundle {

namespace {

// protobuf's own limit on nesting.
constexpr std::size_t kMaxGroupDepth = 100;

}  // namespace

void Field::throw_unexpected(WireType wanted) const {
  throw Error(ErrorCode::kFormat,
              "field " + std::to_string(number) + " has wire type " +
                  std::to_string(static_cast<int>(wire)) + ", expected " +
                  std::to_string(static_cast<int>(wanted)),
              offset);
}

void MessageReader::throw_bad_tag(const Field& field, std::uint64_t tag) {
  throw Error(ErrorCode::kFormat,
              "no field can have the tag " + std::to_string(tag) + " (number " +
                  std::to_string(tag >> 3) + ", wire type " + std::to_string(tag & 7) + ")",
              field.offset);
}

bool MessageReader::pass_groups(Field& field) {
  do {
    if (field.wire == WireType::kGroupEnd) {
      throw Error(ErrorCode::kFormat, "a group ends that never began", field.offset);
    }
    skip_group(field.number);
    if (!next_raw(field)) return false;
  } while (is_group(field.wire));
  return true;
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
