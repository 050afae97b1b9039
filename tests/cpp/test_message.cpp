#include <string>

#include "check.hpp"
#include "table_maker.hpp"
#include "tensorbundle/format/message.hpp"

namespace {

using namespace tensorbundle;
using maker::from_hex;

// The numbers of the fields, and a walk to the end.
std::string walk(const std::string& message) {
  MessageReader reader(message);
  Field field;
  std::string numbers;
  while (reader.next(field)) numbers += std::to_string(field.number) + ' ';
  return numbers;
}

TEST(every_wire_type_is_read) {
  const std::string bytes = from_hex("08 96 01 11 0102030405060708 1a 03 616263 25 01020304");
  MessageReader reader(bytes, 1000);
  Field field;
  CHECK(reader.next(field));
  CHECK_EQ(field.varint(), 150);
  CHECK_EQ(field.offset, 1000);
  CHECK(reader.next(field));
  CHECK_EQ(field.value, 0x0807060504030201);
  CHECK(reader.next(field));
  CHECK_EQ(field.message(), "abc");
  CHECK_EQ(field.offset, 1012);
  CHECK_EQ(field.bytes_offset, 1014);
  CHECK(reader.next(field));
  CHECK_EQ(field.fixed32(), 0x04030201);
  CHECK(!reader.next(field));
}

TEST(negative_numbers_are_ten_byte_varints) {
  const std::string minus_two = from_hex("08 fe ff ff ff ff ff ff ff ff 01");
  MessageReader reader(minus_two);
  Field field;
  CHECK(reader.next(field));
  CHECK_EQ(field.int32(), -2);
  CHECK_EQ(field.int64(), -2);
}

TEST(an_int32_keeps_its_low_bits) {
  const std::string bytes = from_hex("08 81 80 80 80 80 01");
  MessageReader reader(bytes);
  Field field;
  CHECK(reader.next(field));
  CHECK_EQ(field.int32(), 1);
}

TEST(another_wire_type_than_wanted_is_a_format_error) {
  const std::string bytes = from_hex("08 01");
  MessageReader reader(bytes);
  Field field;
  CHECK(reader.next(field));
  CHECK_THROWS(field.message(), ErrorCode::kFormat);
  CHECK_THROWS(field.fixed32(), ErrorCode::kFormat);
}

TEST(groups_are_passed_over) {
  CHECK_EQ(walk(from_hex("08 01 13 08 05 1b 22 00 1c 14 18 01")), "1 3 ");
  CHECK_EQ(walk(from_hex("13 14 13 14")), "");
}

TEST(malformed_groups_are_format_errors) {
  CHECK_THROWS(walk(from_hex("14")), ErrorCode::kFormat);                // ends, never began
  CHECK_THROWS(walk(from_hex("13 1c")), ErrorCode::kFormat);             // another one ends
  CHECK_THROWS(walk(from_hex("13 08 01")), ErrorCode::kFormat);          // cut off
  CHECK_THROWS(walk(std::string(100'000, '\x13')), ErrorCode::kFormat);  // too deep
}

TEST(malformed_fields_are_format_errors) {
  CHECK_THROWS(walk(from_hex("00 01")), ErrorCode::kFormat);              // number 0
  CHECK_THROWS(walk(from_hex("0e")), ErrorCode::kFormat);                 // wire type 6
  CHECK_THROWS(walk(from_hex("0f")), ErrorCode::kFormat);                 // wire type 7
  CHECK_THROWS(walk(from_hex("80 80 80 80 10 01")), ErrorCode::kFormat);  // a tag of 33 bits
  CHECK_THROWS(walk(from_hex("08")), ErrorCode::kFormat);
  CHECK_THROWS(walk(from_hex("0d 01 02 03")), ErrorCode::kFormat);
  CHECK_THROWS(walk(from_hex("0a 02 61")), ErrorCode::kFormat);
  CHECK_THROWS(walk(from_hex("0a ff ff ff ff ff ff ff ff ff 01")), ErrorCode::kFormat);
}

TEST(an_empty_message_has_no_fields) { CHECK_EQ(walk(""), ""); }

}  // namespace
