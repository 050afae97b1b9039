#include <string>

#include "check.hpp"
#include "tensorbundle/base/bytes.hpp"

namespace {

using namespace tensorbundle;
using namespace std::string_literals;

std::uint64_t read_varint(const std::string& bytes) { return Reader(bytes).varint(); }

TEST(a_varint_of_every_length_comes_back) {
  for (int bits = 0; bits <= 64; ++bits) {
    const std::uint64_t top = bits == 0 ? 0 : ~std::uint64_t{0} >> (64 - bits);
    for (const std::uint64_t value : {top, top / 2 + 1, top - top / 3}) {
      std::string bytes;
      append_varint(bytes, value);
      Reader reader(bytes);
      CHECK_EQ(reader.varint(), value);
      CHECK(reader.done());
    }
  }
}

TEST(a_varint_with_needless_bytes_is_read) { CHECK_EQ(read_varint("\x81\x80\x00"s), 1); }

TEST(a_cut_varint_is_a_format_error) {
  CHECK_THROWS(read_varint(""), ErrorCode::kFormat);
  CHECK_THROWS(read_varint("\x80"), ErrorCode::kFormat);
  CHECK_THROWS(read_varint(std::string(9, '\xff')), ErrorCode::kFormat);
}

TEST(a_varint_beyond_64_bits_is_a_format_error) {
  CHECK_EQ(read_varint(std::string(9, '\xff') + '\x01'), ~std::uint64_t{0});
  CHECK_THROWS(read_varint(std::string(9, '\xff') + '\x02'), ErrorCode::kFormat);
  CHECK_THROWS(read_varint(std::string(9, '\x80') + "\x80\x00"s), ErrorCode::kFormat);
}

TEST(a_varint_beyond_32_bits_is_refused_where_one_is_wanted) {
  CHECK_EQ(Reader("\xff\xff\xff\xff\x0f").varint32("it"), 0xFFFFFFFF);
  CHECK_THROWS(Reader("\x80\x80\x80\x80\x10").varint32("it"), ErrorCode::kFormat);
}

TEST(fixed_numbers_are_little_endian_at_any_alignment) {
  const std::string bytes = "x\x01\x02\x03\x04\x05\x06\x07\x08";
  Reader reader(bytes);
  CHECK_EQ(reader.fixed<std::uint8_t>(), 'x');
  CHECK_EQ(reader.fixed<std::uint64_t>(), 0x0807060504030201);
  CHECK_THROWS(reader.fixed<std::uint8_t>(), ErrorCode::kFormat);
  std::string written;
  append_fixed(written, std::uint32_t{0x04030201});
  CHECK_EQ(written, "\x01\x02\x03\x04");
}

TEST(swapping_reverses_the_bytes) {
  CHECK_EQ(byte_swapped(std::uint16_t{0x0102}), 0x0201);
  CHECK_EQ(byte_swapped(std::uint32_t{0x01020304}), 0x04030201);
  CHECK_EQ(byte_swapped(std::uint64_t{0x0102030405060708}), 0x0807060504030201);
}

TEST(a_length_past_the_end_is_refused_however_large) {
  Reader reader("abc", 100);
  for (const std::uint64_t size : {std::uint64_t{4}, ~std::uint64_t{0}}) {
    CHECK_THROWS(reader.bytes(size), ErrorCode::kFormat);
  }
  CHECK_EQ(reader.remaining(), 3);
  CHECK_EQ(reader.bytes(3), "abc");
  CHECK(reader.done());
  CHECK_EQ(reader.bytes(0), "");
}

TEST(offsets_count_from_the_base) {
  Reader reader("abc", 100);
  reader.bytes(2);
  CHECK_EQ(reader.offset(), 102);
  try {
    reader.bytes(2);
    CHECK(false);
  } catch (const Error& error) {
    CHECK_EQ(error.offset().value(), 102);
  }
}

TEST(a_view_of_nothing_is_done) {
  Reader reader{ByteView()};
  CHECK(reader.done());
  CHECK_EQ(reader.bytes(0).size(), 0);
  CHECK_THROWS(reader.varint(), ErrorCode::kFormat);
}

}  // namespace
