#include <limits>
#include <string>
#include <vector>

#include "check.hpp"
#include "table_maker.hpp"
#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/format/bundle.hpp"

namespace {

using namespace tensorbundle;
using namespace std::string_literals;
using maker::from_hex;
using Shape = std::vector<std::int64_t>;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

Entry decode(const std::string& bytes) {
  Entry entry;
  entry.size = 99;  // what an earlier use left behind
  entry.shape = {1, 2, 3};
  decode_entry(bytes, 0, entry);
  return entry;
}

Header header(const std::string& hex) { return decode_header(from_hex(hex), 0); }

void check_same(const Entry& a, const Entry& b) {
  CHECK_EQ(a.dtype, b.dtype);
  CHECK(a.shape == b.shape);
  CHECK_EQ(a.shard, b.shard);
  CHECK_EQ(a.offset, b.offset);
  CHECK_EQ(a.size, b.size);
  if (a.slices.empty()) CHECK_EQ(a.crc32c, b.crc32c);
  CHECK(a.slices == b.slices);
}

// Its bytes are this entry, and the entry is these bytes.
void check_vector(const std::string& hex, const Entry& entry) {
  CHECK(maker::entry(entry) == from_hex(hex));
  check_same(decode(from_hex(hex)), entry);
}

TEST(headers_of_the_format_are_decoded) {
  CHECK_EQ(header("08 01 1a 02 08 01").num_shards, 1);
  CHECK_EQ(header("08 01 1a 02 08 01").producer, 1);
  CHECK(!header("08 01 1a 02 08 01").big_endian);
  CHECK_EQ(header("08 02 1a 02 08 01").num_shards, 2);
  CHECK(header("08 01 10 01 1a 02 08 01").big_endian);
}

TEST(headers_that_tensorflow_accepts_are_accepted) {
  CHECK_EQ(header("08 01 1a 03 08 e7 07").producer, 999);
  CHECK_EQ(header("08 01").producer, 0);
  CHECK(!header("08 01 10 02").big_endian);
  CHECK_EQ(header("").num_shards, 0);
  CHECK_EQ(header("7a 01 78 1a 02 08 01 08 03").num_shards, 3);
}

TEST(versions_that_must_not_be_read_are_unsupported) {
  for (const char* hex : {"1a 0b 08 ff ff ff ff ff ff ff ff ff 01", "1a 02 10 02", "1a 02 18 01",
                          "1a 03 1a 01 01", "1a 04 1a 02 05 01"}) {
    CHECK_THROWS(header(hex), ErrorCode::kUnsupported);
  }
  CHECK_EQ(header("08 01 1a 07 08 01 10 01 1a 01 02").min_consumer, 1);
}

TEST(malformed_headers_are_format_errors) {
  for (const char* hex : {"08", "1a 05 08", "08 ff ff ff ff ff ff ff ff ff 01", "1a 02 1a 04"}) {
    CHECK_THROWS(header(hex), ErrorCode::kFormat);
  }
}

TEST(entries_of_the_format_are_decoded) {  // format.md §12.6
  const std::uint32_t empty = crc32c("");
  const auto crc = [](std::uint32_t stored) { return crc32c_unmask(byte_swapped(stored)); };
  check_vector("08 01 12 00 28 04 35 81 a5 da 2b", {1, {}, 0, 0, 4, 0xdd54c4ab, {}});
  check_vector("08 01 12 08 12 02 08 02 12 02 08 03 20 04 28 18 35 6b 3e 3a a8",
               {1, {2, 3}, 0, 4, 24, crc(0x6b3e3aa8), {}});
  check_vector("08 01 12 02 12 00 20 04 35 d8 ea 82 a2", {1, {0}, 0, 4, 0, empty, {}});
  check_vector("08 01 12 0a 12 02 08 03 12 00 12 02 08 02 20 1c 35 d8 ea 82 a2",
               {1, {3, 0, 2}, 0, 28, 0, empty, {}});
  check_vector("08 01 12 04 12 02 08 01 18 01 28 04 35 10 fd 78 4f",
               {1, {1}, 1, 0, 4, crc(0x10fd784f), {}});
  check_vector("08 07 12 02 12 00 20 1c 28 04 35 f6 c1 0c 64",
               {7, {0}, 0, 28, 4, crc32c(from_hex("d8 ea 82 a2")), {}});
  check_vector("08 07 12 00 20 20 28 05 35 bd 67 07 be", {7, {}, 0, 32, 5, crc(0xbd6707be), {}});
  check_vector("08 04 12 08 12 06 08 83 80 80 80 10 28 83 80 80 80 10 35 24 93 26 f1",
               {4, {(1LL << 32) + 3}, 0, 0, (1LL << 32) + 3, crc(0x249326f1), {}});
  check_vector(
      "08 01 12 08 12 02 08 02 12 02 08 03 3a 08 0a 02 10 01 0a 02 10 03 "
      "3a 0a 0a 04 08 01 10 01 0a 02 10 03",
      {1, {2, 3}, 0, 0, 0, 0, {{{0, 1}, {0, 3}}, {{1, 1}, {0, 3}}}});
}

TEST(an_absent_checksum_is_a_masked_zero) {
  CHECK_EQ(decode(from_hex("08 01 12 00 28 04")).crc32c, 0x8A942EBE);
}

TEST(fields_in_any_order_unknown_ones_and_defaults_are_accepted) {
  const Entry plain = decode(from_hex("08 01 12 04 12 02 08 01 18 01 28 04 35 10 fd 78 4f"));
  for (const char* hex : {"35 10 fd 78 4f 28 04 18 01 12 04 12 02 08 01 08 01",
                          "08 01 12 04 12 02 08 01 18 01 20 00 28 04 35 10 fd 78 4f",
                          "7a 02 68 69 08 01 12 09 7a 03 61 62 63 12 02 08 01 18 01 28 04 "
                          "35 10 fd 78 4f 80 01 05",
                          "08 05 08 01 12 04 12 02 08 01 18 01 28 04 35 10 fd 78 4f"}) {
    check_same(decode(from_hex(hex)), plain);
  }
}

TEST(a_field_after_a_group_is_not_lost) {
  const Entry plain = decode(from_hex("08 01 12 04 12 02 08 01 28 04 35 10 fd 78 4f"));
  check_same(decode(from_hex("08 01 7b 08 05 7c 12 04 12 02 08 01 28 04 35 10 fd 78 4f")), plain);
  check_same(decode(from_hex("08 01 12 06 7b 7c 12 02 08 01 28 04 35 10 fd 78 4f 7b 7c")), plain);
  CHECK_THROWS(decode(from_hex("08 01 7b 7c 12")), ErrorCode::kFormat);
}

TEST(a_dimension_in_long_form_is_the_same_dimension) {
  for (const char* hex : {"08 01 12 04 12 02 08 05", "08 01 12 05 12 03 08 85 00",
                          "08 01 12 08 12 06 08 01 12 00 08 05", "08 01 12 06 12 04 12 00 08 05"}) {
    CHECK(decode(from_hex(hex)).shape == Shape{5});
  }
  CHECK(decode(from_hex("08 01 12 04 12 02 08 00")).shape == Shape{0});
  CHECK(decode(from_hex("08 01 12 04 12 02 12 00")).shape == Shape{0});  // only a name
}

TEST(a_second_shape_adds_its_dimensions) {
  CHECK((decode(from_hex("08 01 12 04 12 02 08 02 12 04 12 02 08 03")).shape == Shape{2, 3}));
}

TEST(an_element_count_beyond_64_bits_is_a_format_error) {
  const auto with = [](const Shape& shape) { return maker::entry({1, shape, 0, 0, 0, 0, {}}); };
  CHECK((decode(with({1LL << 31, 1LL << 31})).shape.size() == 2));
  CHECK(decode(with({kMax})).shape == Shape{kMax});
  CHECK((decode(with({0, kMax})).shape == Shape{0, kMax}));
  CHECK_THROWS(decode(with({1LL << 32, 1LL << 32})), ErrorCode::kFormat);
  CHECK_THROWS(decode(with({1LL << 40, 0, 1LL << 40})), ErrorCode::kFormat);
  // Also in two shapes, which come to one.
  const std::string half = maker::field(0x12, maker::field(0x12, maker::number(0x08, 1ULL << 40)));
  CHECK_THROWS(decode("\x08\x01" + half + half), ErrorCode::kFormat);
}

TEST(negative_and_absurd_numbers_are_format_errors) {
  const std::string minus = "ff ff ff ff ff ff ff ff ff 01";
  CHECK_THROWS(decode(from_hex("08 01 12 0d 12 0b 08" + minus)), ErrorCode::kFormat);
  CHECK_THROWS(decode(from_hex("08 01 12 00 20" + minus)), ErrorCode::kFormat);
  CHECK_THROWS(decode(from_hex("08 01 12 00 28" + minus)), ErrorCode::kFormat);
  CHECK_THROWS(decode(from_hex("08 01 12 02 18 01")), ErrorCode::kFormat);  // of unknown rank
  CHECK_EQ(decode(from_hex("08 01 12 00 18" + minus)).shard, -1);           // for plan() to refuse
}

TEST(more_than_254_dimensions_are_a_format_error) {
  CHECK_EQ(decode(maker::entry({1, Shape(254, 1), 0, 0, 0, 0, {}})).shape.size(), 254);
  CHECK_THROWS(decode(maker::entry({1, Shape(255, 1), 0, 0, 0, 0, {}})), ErrorCode::kFormat);
  const SliceSpec wide(255);
  CHECK_THROWS(decode(maker::entry({1, {}, 0, 0, 0, 0, {wide}})), ErrorCode::kFormat);
}

TEST(malformed_entries_are_format_errors) {
  for (const char* hex : {"08", "12 05 12", "35 01 02 03", "12 02 12 01", "10 01", "0a 00", "20",
                          "30 01", "3a 02 08 01", "3a 04 0a 02 10", "0f", "00 01", "7b", "7c"}) {
    CHECK_THROWS(decode(from_hex(hex)), ErrorCode::kFormat);
  }
}

TEST(malformed_slices_are_format_errors) {
  const std::string minus = "ff ff ff ff ff ff ff ff ff 01";
  const auto slice = [](const std::string& hex) { return decode_slice(from_hex(hex), 0); };
  CHECK((slice("0a 00 0a 04 08 01 10 02") == SliceSpec{{0, Extent::kWhole}, {1, 2}}));
  CHECK((slice("0a 02 10 00") == SliceSpec{{0, 0}}));      // present, and zero: not the whole
  CHECK_THROWS(slice("0a 02 08 01"), ErrorCode::kFormat);  // whole, but from 1
  CHECK_THROWS(slice("0a 0b 10" + minus), ErrorCode::kFormat);
  CHECK_THROWS(slice("0a 0d 08" + minus + "10 01"), ErrorCode::kFormat);
}

TEST(slice_keys_of_the_format_are_encoded) {  // format.md §12.9
  constexpr std::int64_t kWhole = Extent::kWhole;
  struct Vector {
    std::string name;
    SliceSpec slice;
    const char* key;
  };
  for (const auto& [name, slice, key] : std::vector<Vector>{
           {"w", {{0, 2}, {0, 3}}, "00 77 00 01 01 02 80 82 80 83"},
           {"w", {{0, 2}, {3, 3}}, "00 77 00 01 01 02 80 82 83 83"},
           {"w", {{2, 2}, {0, kWhole}}, "00 77 00 01 01 02 82 82 80 7f"},
           {"w", {{70, 1}, {0, kWhole}}, "00 77 00 01 01 02 c0 46 81 80 7f"},
           {"w", {{8192, 1}, {0, kWhole}}, "00 77 00 01 01 02 e0 20 00 81 80 7f"},
           {"w", {{1 << 20, 1}, {0, kWhole}}, "00 77 00 01 01 02 f0 10 00 00 81 80 7f"},
           {"w", {{1LL << 33, 1}, {0, kWhole}}, "00 77 00 01 01 02 fa 00 00 00 00 81 80 7f"},
           {"a\0b"s, {{0, 2}, {0, 6}}, "00 61 00 ff 62 00 01 01 02 80 82 80 86"},
           {"\xff\xff", {{2, 2}, {0, 6}}, "00 ff 00 ff 00 00 01 01 02 82 82 80 86"},
           {"x", {}, "00 78 00 01 00"},
           {"x", {{0, kWhole}}, "00 78 00 01 01 01 80 7f"}}) {
    CHECK(encode_slice_key(name, slice) == from_hex(key));
    CHECK(encode_slice_key(name, slice) == encode_slice_name(name) + encode_slice_extents(slice));
  }
}

TEST(numbers_in_slice_keys_are_encoded) {  // the table of format.md §6.2
  const auto encoded = [](std::int64_t value) {
    return encode_slice_key("", {{0, value}}).substr(6);
  };
  for (const auto& [value, hex] : std::vector<std::pair<std::int64_t, const char*>>{
           {0, "80"},
           {1, "81"},
           {63, "bf"},
           {64, "c0 40"},
           {-1, "7f"},
           {-64, "40"},
           {-65, "3f bf"},
           {8191, "df ff"},
           {8192, "e0 20 00"},
           {(1 << 20) - 1, "ef ff ff"},
           {1 << 20, "f0 10 00 00"},
           {1 << 27, "f8 08 00 00 00"},
           {1LL << 33, "fa 00 00 00 00"},
           {1LL << 34, "fc 04 00 00 00 00"},
           {1LL << 41, "fe 02 00 00 00 00 00"},
           {1LL << 48, "ff 01 00 00 00 00 00 00"},
           {1LL << 55, "ff 80 80 00 00 00 00 00 00"},
           {(1LL << 62) - 1, "ff bf ff ff ff ff ff ff ff"}}) {
    CHECK(encoded(value) == from_hex(hex));
  }
}

TEST(numbers_in_slice_keys_keep_their_order) {
  std::string last;
  for (int bits = 0; bits < 63; ++bits) {
    for (const std::int64_t near : {-1, 0, 1}) {
      const std::int64_t value = (1LL << bits) + near;
      if (bits < 2 && near != 0) continue;
      const std::string key = encode_slice_extents({{value, 0}});
      CHECK(last < key);
      CHECK(encode_slice_extents({{-value, 0}}) < encode_slice_extents({{-value + 1, 0}}));
      last = key;
    }
  }
  CHECK(last < encode_slice_extents({{kMax, 0}}));
}

TEST(element_sizes_are_those_of_the_format) {  // format.md §4.2
  const std::vector<int> expected = {0, 4,  8, 4, 1, 2, 1, 0, 8, 8, 1, 1, 1, 4, 2, 2, 2,
                                     2, 16, 2, 0, 0, 4, 8, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  for (std::size_t dtype = 0; dtype < expected.size(); ++dtype) {
    CHECK_EQ(element_bytes(static_cast<std::int32_t>(dtype)), expected[dtype]);
  }
  for (const std::int32_t unknown : {-1, 34, 101, INT32_MIN, INT32_MAX}) {
    CHECK_EQ(element_bytes(unknown), 0);
  }
}

}  // namespace
