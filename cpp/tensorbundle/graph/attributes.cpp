#include "tensorbundle/graph/attributes.hpp"

#include <bit>
#include <string>

namespace tensorbundle {

namespace {

// Functions have another number in lists than by themselves.
constexpr std::uint32_t kListedFunction = 9;

bool is_message(AttrMember member) {
  return member == AttrMember::kList || member == AttrMember::kShape ||
         member == AttrMember::kTensor || member == AttrMember::kFunction;
}

AttrMember member_of(const Field& field, AttrMember last) {
  return field.number >= 1 && field.number <= static_cast<std::uint32_t>(last)
             ? static_cast<AttrMember>(field.number)
             : AttrMember::kNone;
}

AttrMember listed_member(const Field& field) {
  if (field.number == kListedFunction) return AttrMember::kFunction;
  const AttrMember member = member_of(field, AttrMember::kTensor);
  return member == AttrMember::kList ? AttrMember::kNone : member;  // there are no lists of lists
}

float float_of(std::uint64_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
}

AttrContent number_content(AttrMember member, std::uint64_t value) {
  if (member == AttrMember::kBool) return value != 0;
  if (member == AttrMember::kType) return static_cast<std::int32_t>(value);
  return static_cast<std::int64_t>(value);
}

AttrContent content_of(AttrMember member, const Field& field) {
  switch (member) {
    case AttrMember::kNone:
      break;
    case AttrMember::kText:
    case AttrMember::kPlaceholder:
      return field.message();
    case AttrMember::kFloat:
      return float_of(field.fixed32());
    case AttrMember::kInt:
    case AttrMember::kBool:
    case AttrMember::kType:
      return number_content(member, field.varint());
    case AttrMember::kShape:
      return decode_partial_shape(field.message(), field.bytes_offset);
    case AttrMember::kList:
    case AttrMember::kTensor:
    case AttrMember::kFunction:
      return MessagePart{field.message(), field.bytes_offset};
  }
  return {};
}

bool is_number(AttrMember member) {
  return member == AttrMember::kInt || member == AttrMember::kFloat ||
         member == AttrMember::kBool || member == AttrMember::kType;
}

}  // namespace

MapEntry decode_map_entry(const Field& field) {
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

AttrValue decode_attr(ByteView message, std::uint64_t offset) {
  AttrValue value;
  MessageReader reader(message, offset);
  Field field;
  Field last;
  while (reader.next(field)) {
    const AttrMember member = member_of(field, AttrMember::kFunction);
    if (member == AttrMember::kNone) continue;
    value.in_parts = member == value.member && is_message(member);
    value.member = member;
    last = field;
  }
  if (!value.in_parts) value.content = content_of(value.member, last);
  return value;
}

bool AttrList::next(AttrValue& value) {
  if (packed_.done() && !next_field(value)) return false;
  if (!packed_.done()) {
    value.member = listed_member(field_);
    value.content = value.member == AttrMember::kFloat
                        ? AttrContent(float_of(packed_.fixed<std::uint32_t>()))
                        : number_content(value.member, packed_.varint());
  }
  count();
  return true;
}

// Gives the next field that is one value, or has packed_ hold several.
bool AttrList::next_field(AttrValue& value) {
  while (reader_.next(field_)) {
    const AttrMember member = listed_member(field_);
    if (member == AttrMember::kNone) continue;
    if (is_number(member) && field_.wire == WireType::kBytes) {
      packed_ = Reader(field_.bytes, field_.bytes_offset);
      if (packed_.done()) continue;
      return true;
    }
    value.member = member;
    value.content = content_of(member, field_);
    return true;
  }
  return false;
}

void AttrList::count() {
  if (count_++ < kMaxValues) return;
  throw Error(ErrorCode::kFormat,
              "an attribute lists more than " + std::to_string(kMaxValues) + " values",
              field_.wire == WireType::kBytes ? field_.bytes_offset : field_.offset);
}

}  // namespace tensorbundle
