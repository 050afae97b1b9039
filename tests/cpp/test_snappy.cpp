#include <cstdint>
#include <random>
#include <string>

#include "check.hpp"
#include "tensorbundle/base/bytes.hpp"
#include "tensorbundle/format/snappy.hpp"

namespace {

using namespace tensorbundle;
using namespace std::string_literals;

constexpr uint64_t kLimit = 1 << 20;

// The elements of the format, built by hand; block() puts the declared length before them.
std::string block(uint64_t declared, const std::string& elements) {
  std::string bytes;
  append_varint(bytes, declared);
  return bytes + elements;
}

std::string number(uint64_t value, int width) {
  std::string bytes;
  for (; width > 0; --width, value >>= 8) bytes.push_back(static_cast<char>(value & 0xFF));
  return bytes;
}

std::string short_literal(const std::string& bytes) {
  return number((bytes.size() - 1) << 2, 1) + bytes;
}

std::string long_literal(const std::string& bytes, int width) {
  return number(static_cast<uint64_t>(59 + width) << 2, 1) + number(bytes.size() - 1, width) +
         bytes;
}

std::string copy1(uint64_t distance, uint64_t length) {
  return number((distance >> 8) << 5 | (length - 4) << 2 | 1, 1) + number(distance, 1);
}

std::string copy2(uint64_t distance, uint64_t length) {
  return number((length - 1) << 2 | 2, 1) + number(distance, 2);
}

std::string copy4(uint64_t distance, uint64_t length) {
  return number((length - 1) << 2 | 3, 1) + number(distance, 4);
}

std::string repeated(const std::string& bytes, size_t size) {
  std::string out;
  while (out.size() < size) out += bytes;
  return out.substr(0, size);
}

// A block of every kind of element, and what it stands for.
std::string sample_plain() {
  const std::string once = "tensor/" + repeated("kernel-", 70) + "ab";
  const std::string text = once + once.substr(once.size() - 10, 4) + "x";
  return text + repeated("x", 64) + text.substr(0, 20) + text.substr(3, 11);
}

std::string sample_block() {
  const std::string once = "tensor/" + repeated("kernel-", 70) + "ab";
  const uint64_t text = once.size() + 4 + 1;
  return block(sample_plain().size(), long_literal(once, 1) + copy1(10, 4) + short_literal("x") +
                                          copy2(1, 64) + copy4(text + 64, 20) +
                                          copy2(text + 64 + 20 - 3, 11));
}

TEST(nothing_stands_for_nothing) { CHECK_EQ(snappy_decompress(block(0, ""), 0), ""); }

TEST(literals_of_every_width_of_length) {
  CHECK_EQ(snappy_decompress(block(1, short_literal("a")), kLimit), "a");
  CHECK_EQ(snappy_decompress(block(60, short_literal(repeated("ab", 60))), kLimit),
           repeated("ab", 60));
  for (int width = 1; width <= 4; ++width) {
    CHECK_EQ(snappy_decompress(block(61, long_literal(repeated("ab", 61), width)), kLimit),
             repeated("ab", 61));
  }
  const std::string large = repeated("0123456789", 70000);
  CHECK_EQ(snappy_decompress(block(large.size(), long_literal(large, 3)), kLimit), large);
}

TEST(a_block_that_another_library_wrote) {
  // cramjam 2.14, snappy.compress_raw of the bytes expected below
  const std::string bytes =
      "~\x1c"s + "abcdefgh>\x08\x00"s + "0tensorbundle J\r\x00\x00\x00"s + "\xfe\x01\x00\x05\x01"s;
  CHECK_EQ(snappy_decompress(bytes, kLimit),
           repeated("abcdefgh", 24) + "tensorbundle tensorbundle tensor" + std::string(70, '\0'));
}

TEST(copies_that_overlap_repeat_a_pattern) {
  for (uint64_t distance = 1; distance <= 8; ++distance) {
    for (uint64_t length = 4; length <= 11; ++length) {
      const std::string pattern = std::string("abcdefgh").substr(0, distance);
      const std::string expected = repeated(pattern, distance + length);
      for (const std::string& copy :
           {copy1(distance, length), copy2(distance, length), copy4(distance, length)}) {
        const std::string bytes = block(expected.size(), short_literal(pattern) + copy);
        CHECK_EQ(snappy_decompress(bytes, kLimit), expected);
      }
    }
  }
}

TEST(every_kind_of_element_in_one_block) {
  CHECK_EQ(snappy_decompress(sample_block(), kLimit), sample_plain());
}

TEST(the_largest_expansion_is_not_refused) {
  std::string elements = short_literal("a");
  for (int i = 0; i < 1000; ++i) elements += copy2(1, 64);
  CHECK_EQ(snappy_decompress(block(64001, elements), 64001), std::string(64001, 'a'));
}

TEST(a_block_cut_off_at_any_length_is_malformed) {
  const std::string whole = sample_block();
  for (size_t size = 0; size < whole.size(); ++size) {
    CHECK_THROWS(snappy_decompress(whole.substr(0, size), kLimit), ErrorCode::kFormat);
  }
}

TEST(a_declared_length_that_is_wrong_is_malformed) {
  const std::string elements = short_literal("abcd") + copy1(4, 6);
  CHECK_EQ(snappy_decompress(block(10, elements), kLimit), "abcdabcdab");
  for (const uint64_t declared : {0U, 1U, 4U, 9U, 11U, 100U, 1000U}) {
    CHECK_THROWS(snappy_decompress(block(declared, elements), kLimit), ErrorCode::kFormat);
  }
}

TEST(a_length_above_the_limit_is_refused) {
  const std::string bytes = block(10, short_literal("0123456789"));
  CHECK_EQ(snappy_decompress(bytes, 10), "0123456789");
  CHECK_THROWS(snappy_decompress(bytes, 9), ErrorCode::kFormat);
}

TEST(a_length_that_the_bytes_cannot_hold_allocates_nothing) {
  // Without the bound this would ask for 4 GB, and address sanitizer would say so.
  CHECK_THROWS(snappy_decompress(block(UINT32_MAX, copy2(1, 64)), UINT64_MAX), ErrorCode::kFormat);
  CHECK_THROWS(snappy_decompress(block(uint64_t{1} << 32, ""), UINT64_MAX), ErrorCode::kFormat);
  CHECK_THROWS(snappy_decompress(std::string(11, '\xff'), UINT64_MAX), ErrorCode::kFormat);
}

TEST(a_literal_longer_than_the_block_is_malformed) {
  CHECK_THROWS(snappy_decompress(block(8, number(7 << 2, 1) + "abc"), kLimit), ErrorCode::kFormat);
  const std::string huge = number(63 << 2, 1) + number(UINT32_MAX, 4) + "abc";
  CHECK_THROWS(snappy_decompress(block(8, huge), kLimit), ErrorCode::kFormat);
}

TEST(a_copy_from_before_the_start_is_malformed) {
  for (const uint64_t distance : {uint64_t{0}, uint64_t{5}, uint64_t{UINT32_MAX}}) {
    const std::string elements = short_literal("abcd") + copy4(distance, 4);
    CHECK_THROWS(snappy_decompress(block(8, elements), kLimit), ErrorCode::kFormat);
  }
  CHECK_THROWS(snappy_decompress(block(4, copy1(1, 4)), kLimit), ErrorCode::kFormat);
}

TEST(the_error_tells_the_offset_of_the_element) {
  try {
    snappy_decompress(block(8, short_literal("abcd") + copy1(9, 4)), kLimit);
    CHECK(false);
  } catch (const Error& error) {
    CHECK_EQ(error.offset().value(), 6);
    CHECK_EQ(error.what(),
             "malformed snappy block: a copy from 9 bytes back, where 4 are written"s);
  }
}

// Returns whether the bytes decompress; any end other than a result or a typed error fails.
bool decompresses(const std::string& bytes) {
  try {
    const std::string out = snappy_decompress(bytes, kLimit);
    CHECK(out.size() <= kLimit && out.size() <= 64 * bytes.size() / 3);
    return true;
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kFormat && error.offset().value() <= bytes.size());
    return false;
  }
}

TEST(random_bytes_end_in_a_result_or_an_error) {
  std::mt19937_64 random(1);
  int good = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string elements = short_literal("abcdefgh");
    for (uint64_t size = random() % 40; size > 0; --size) {
      elements.push_back(static_cast<char>(random()));
    }
    good += decompresses(block(random() % 200, elements)) ? 1 : 0;
  }
  CHECK(good > 0);
}

TEST(every_flipped_bit_ends_in_a_result_or_an_error) {
  const std::string whole = sample_block();
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    decompresses(flipped);
  }
}

}  // namespace
