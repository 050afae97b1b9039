#include <string>
#include <vector>

#include "check.hpp"
#include "table_maker.hpp"
#include "tensorbundle/graph/attributes.hpp"

namespace {

using namespace tensorbundle;
using maker::from_hex;

AttrValue attr(const std::string& message) { return decode_attr(message, 100); }

// The members of a list, and a walk to its end.
std::string members_of(const std::string& list) {
  AttrList values({list, 0});
  std::string members;
  for (AttrValue value; values.next(value);) {
    members += std::to_string(static_cast<int>(value.member)) + ' ';
  }
  return members;
}

TEST(every_plain_member_is_read) {
  const std::string text = from_hex("12 02 6869");
  CHECK_EQ(std::get<ByteView>(attr(text).content), "hi");
  CHECK_EQ(std::get<std::int64_t>(attr(from_hex("18 feffffffffffffffff01")).content), -2);
  CHECK_EQ(std::get<float>(attr(from_hex("25 0000c03f")).content), 1.5F);
  CHECK(std::get<bool>(attr(from_hex("28 01")).content));
  CHECK_EQ(std::get<std::int32_t>(attr(from_hex("30 07")).content), 7);
  const std::string placeholder = from_hex("4a 01 54");
  CHECK(attr(placeholder).member == AttrMember::kPlaceholder);
  CHECK_EQ(std::get<ByteView>(attr(placeholder).content), "T");
}

TEST(messages_are_handed_out_with_their_place) {
  const std::string tensor = from_hex("42 02 08 01");
  const AttrValue value = attr(tensor);
  CHECK(value.member == AttrMember::kTensor);
  CHECK_EQ(std::get<MessagePart>(value.content).bytes, from_hex("08 01"));
  CHECK_EQ(std::get<MessagePart>(value.content).offset, 102);
}

TEST(the_last_member_counts) {
  CHECK_EQ(std::get<std::int64_t>(attr(from_hex("28 01 18 05")).content), 5);
  CHECK(attr("").member == AttrMember::kNone);
  CHECK(attr(from_hex("58 01")).member == AttrMember::kNone);  // a field that is no member
}

TEST(a_message_in_parts_is_told_and_not_read) {
  const AttrValue twice = attr(from_hex("42 00 42 00"));
  CHECK(twice.in_parts && twice.member == AttrMember::kTensor);
  CHECK(std::holds_alternative<std::monostate>(twice.content));
  CHECK(!attr(from_hex("42 00 18 01 42 00")).in_parts);  // the other member put the first aside
  CHECK(!attr(from_hex("18 01 18 02")).in_parts);        // no message
}

TEST(lists_hold_packed_numbers_and_single_ones) {
  CHECK_EQ(members_of(from_hex("1a 03 010203 18 04")), "3 3 3 3 ");
  CHECK_EQ(members_of(from_hex("22 08 0000803f 00000040 25 0000803f")), "4 4 4 ");
  CHECK_EQ(members_of(from_hex("2a 02 0100 32 01 07 1a 00")), "5 5 6 ");
  CHECK_EQ(members_of(from_hex("12 00 3a 00 42 00 4a 00")), "2 7 8 10 ");
  CHECK_EQ(members_of(from_hex("0a 00 52 00 58 01")), "");  // no lists of lists
  CHECK_EQ(members_of(""), "");
}

TEST(malformed_attributes_are_format_errors) {
  CHECK_THROWS(attr(from_hex("10 01")), ErrorCode::kFormat);  // a string that is a number
  CHECK_THROWS(attr(from_hex("1a 01 01")), ErrorCode::kFormat);
  CHECK_THROWS(attr(from_hex("42 05 00")), ErrorCode::kFormat);
  CHECK_THROWS(members_of(from_hex("1a 01 ff")), ErrorCode::kFormat);      // cut off in a number
  CHECK_THROWS(members_of(from_hex("22 03 000000")), ErrorCode::kFormat);  // and in a float
}

TEST(a_list_of_too_many_values_is_a_format_error) {
  const auto list = [](std::size_t count) {
    std::string message = "\x2a";
    append_varint(message, count);
    return message + std::string(count, '\x01');
  };
  CHECK_EQ(members_of(list(AttrList::kMaxValues)).size(), 2 * AttrList::kMaxValues);
  CHECK_THROWS(members_of(list(AttrList::kMaxValues + 1)), ErrorCode::kFormat);
}

TEST(map_entries_say_where_their_value_begins) {
  const std::string map = from_hex("2a 07 0a 01 54 12 02 3001");
  MessageReader reader(map, 10);
  Field field;
  CHECK(reader.next(field));
  const MapEntry entry = decode_map_entry(field);
  CHECK_EQ(entry.key, "T");
  CHECK_EQ(entry.value, from_hex("30 01"));
  CHECK_EQ(entry.offset, 17);
}

TEST(shapes_may_be_known_in_part) {
  CHECK(
      (decode_partial_shape(from_hex("12 02 08 03 12 0b 08 feffffffffffffffff01 12 00"), 0).dims ==
       std::vector<std::int64_t>{3, -1, 0}));
  CHECK(!decode_partial_shape(from_hex("18 01"), 0).has_rank);
  CHECK(decode_partial_shape(from_hex("18 01 18 00"), 0).has_rank);
  CHECK((decode_partial_shape(from_hex("0b 0c 12 02 08 03 0b 0c"), 0).dims ==
         std::vector<std::int64_t>{3}));  // beside groups, which mean nothing
  std::string dims;
  for (std::size_t i = 0; i < kMaxDimensions; ++i) dims += from_hex("12 00");
  CHECK_EQ(decode_partial_shape(dims, 0).dims.size(), kMaxDimensions);
  CHECK_THROWS(decode_partial_shape(dims + from_hex("12 00"), 0), ErrorCode::kFormat);
  CHECK_THROWS(decode_partial_shape(from_hex("10 01"), 0), ErrorCode::kFormat);
}

}  // namespace
