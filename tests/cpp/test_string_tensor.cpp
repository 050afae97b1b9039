#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"
#include "table_maker.hpp"
#include "temporary_file.hpp"
#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/format/string_tensor.hpp"

namespace {

using namespace tensorbundle;
using maker::from_hex;
using Elements = std::vector<std::string>;

std::string fixed(std::uint64_t value, std::size_t size, bool big_endian) {
  std::string bytes;
  append_fixed(bytes, big_endian ? byte_swapped(value) : value);
  return big_endian ? bytes.substr(8 - size) : bytes.substr(0, size);
}

// What format.md §5.4 says is stored, and the checksum of the entry.
struct Stored {
  std::string bytes;
  std::uint32_t crc32c = 0;
};

Stored store(const Elements& elements, bool big_endian = false) {
  Stored out;
  for (const std::string& element : elements) {
    append_varint(out.bytes, element.size());
    const std::string length = fixed(element.size(), 4, big_endian);
    out.crc32c = crc32c_extend(out.crc32c, length.data(), length.size());
  }
  const std::string inner = fixed(crc32c_mask(out.crc32c), 4, big_endian);
  out.bytes += inner;
  out.crc32c = crc32c_extend(out.crc32c, inner.data(), inner.size());
  for (const std::string& element : elements) {
    out.bytes += element;
    out.crc32c = crc32c_extend(out.crc32c, element.data(), element.size());
  }
  return out;
}

Elements split(const StringTensor& tensor) {
  Elements elements;
  std::size_t at = 0;
  for (const std::uint64_t length : tensor.lengths) {
    elements.push_back(tensor.bytes.substr(at, length));
    at += length;
  }
  CHECK_EQ(at, tensor.bytes.size());
  return elements;
}

// Reads `elements` from the middle of a file, in both ways.
void check_round_trip(const Elements& elements, bool big_endian = false) {
  const Stored stored = store(elements, big_endian);
  const TemporaryFile file("before" + stored.bytes + "after");
  const auto opened = file.open();
  for (const std::uint64_t limit : {UINT64_MAX, std::uint64_t{stored.bytes.size()}}) {
    const StringTensorPlace place{6, elements.size(), big_endian, limit};
    const StringTensor tensor = read_strings(*opened, place);
    CHECK(split(tensor) == elements);
    CHECK_EQ(tensor.crc32c, stored.crc32c);
    CHECK_EQ(tensor.used, stored.bytes.size());
    const StringCheck check = check_strings(*opened, place);
    CHECK_EQ(check.crc32c, stored.crc32c);
    CHECK_EQ(check.used, stored.bytes.size());
  }
}

void read_of(const std::string& bytes, std::uint64_t count, std::uint64_t limit = UINT64_MAX) {
  const TemporaryFile file(bytes);
  read_strings(*file.open(), {0, count, false, limit});
}

void check_of(const std::string& bytes, std::uint64_t count, std::uint64_t limit = UINT64_MAX) {
  const TemporaryFile file(bytes);
  check_strings(*file.open(), {0, count, false, limit});
}

TEST(the_string_tensor_of_the_format_is_read) {  // format.md §12.7
  const Elements elements = {"a", "", "xyz"};
  CHECK(store(elements).bytes == from_hex("01 00 03 3f db 2b 73 61 78 79 7a"));
  CHECK_EQ(store(elements).crc32c, 0xd28d2abe);
  check_round_trip(elements);
  CHECK(store({""}).bytes == from_hex("00 a6 7b 11 3a"));
}

TEST(the_big_endian_string_tensor_of_the_format_is_read) {
  const Elements elements = {"a", "", "xyz"};
  CHECK(store(elements, true).bytes == from_hex("01 00 03 c4 46 82 f5 61 78 79 7a"));
  CHECK_EQ(store(elements, true).crc32c, crc32c_unmask(0x2cbc84ae));
  check_round_trip(elements, true);
}

TEST(no_elements_take_four_bytes) {
  CHECK(store({}).bytes == from_hex("d8 ea 82 a2"));
  CHECK_EQ(store({}).crc32c, crc32c_unmask(0x640cc1f6));
  check_round_trip({});
}

TEST(lengths_and_payload_beyond_a_window_are_read) {
  constexpr std::size_t kWindow = 256 * 1024;
  check_round_trip(Elements(300'000, "x"));                 // lengths of more than a window
  check_round_trip({std::string(kWindow * 3 + 7, 'y')});    // payload of more than a window
  check_round_trip(Elements(5000, std::string(200, 'z')));  // varints of two bytes
  Elements mixed;
  for (std::size_t i = 0; i < 3000; ++i) mixed.emplace_back((i * 37) % 400, static_cast<char>(i));
  check_round_trip(mixed);
}

TEST(every_place_of_the_inner_checksum_around_a_window_is_read) {
  for (std::size_t count = 256 * 1024 - 12; count < 256 * 1024 + 4; ++count) {
    check_round_trip(Elements(count, ""));
  }
}

TEST(a_varint_across_the_window_is_read) {
  for (std::size_t count = 256 * 1024 - 4; count < 256 * 1024 + 1; ++count) {
    Elements elements(count, "");
    elements.emplace_back(20'000, 'x');
    elements.emplace_back("end");
    check_round_trip(elements);
  }
}

TEST(a_long_element_enters_the_checksum_with_eight_bytes) {
  // format.md §12.7: ["abc", 2^32+5 zero bytes]; only the lengths are checked here, since the
  // payload is not there.
  std::string bytes = from_hex("03");
  append_varint(bytes, (std::uint64_t{1} << 32) + 5);
  const std::string hashed = from_hex("03000000 05000000 01000000");
  append_fixed(bytes, crc32c_mask(crc32c(hashed)));
  CHECK_THROWS(read_of(bytes + "abc", 2), ErrorCode::kSizeMismatch);
  const std::string wrong = from_hex("03000000 05000000");
  bytes.resize(bytes.size() - 4);
  append_fixed(bytes, crc32c_mask(crc32c(wrong)));
  CHECK_THROWS(read_of(bytes + "abc", 2), ErrorCode::kChecksum);
}

TEST(every_flipped_bit_is_noticed) {
  const Stored stored = store({"a", "", "xyz"});
  const TemporaryFile file;
  for (std::size_t at = 0; at < stored.bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = stored.bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      file.write(flipped);
      const auto opened = file.open();
      for (const auto& crc_of :
           {+[](const tensorbundle::File& f) { return read_strings(f, {0, 3}).crc32c; },
            +[](const tensorbundle::File& f) { return check_strings(f, {0, 3}).crc32c; }}) {
        try {
          CHECK(crc_of(*opened) != stored.crc32c);
          CHECK(at >= 7);  // in the payload: for the caller to compare
        } catch (const Error& error) {
          CHECK(error.code() == ErrorCode::kChecksum || error.code() == ErrorCode::kFormat);
        }
      }
    }
  }
}

TEST(every_truncation_is_an_error) {
  const std::string bytes = store({"a", "", "xyz"}).bytes;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const ErrorCode code = size < 7 ? ErrorCode::kFormat : ErrorCode::kSizeMismatch;
    CHECK_THROWS(read_of(bytes.substr(0, size), 3), code);
    CHECK_THROWS(check_of(bytes.substr(0, size), 3), code);
    CHECK_THROWS(read_of(bytes, 3, size), code);
    CHECK_THROWS(check_of(bytes, 3, size), code);
  }
}

TEST(absurd_counts_and_lengths_take_no_memory) {
  CHECK_THROWS(read_of("abc", UINT64_MAX), ErrorCode::kFormat);
  CHECK_THROWS(check_of("abc", UINT64_MAX), ErrorCode::kFormat);
  // Two lengths that come to less than nothing, with the right checksum.
  std::string bytes, hashed;
  for (const std::uint64_t length : {UINT64_MAX, std::uint64_t{2}}) append_varint(bytes, length);
  append_fixed(hashed, UINT64_MAX);
  append_fixed(hashed, std::uint32_t{2});
  append_fixed(bytes, crc32c_mask(crc32c(hashed)));
  CHECK_THROWS(read_of(bytes + "abc", 2), ErrorCode::kSizeMismatch);
  CHECK_THROWS(check_of(bytes + "abc", 2), ErrorCode::kSizeMismatch);
}

TEST(an_offset_past_the_end_is_a_format_error) {
  const TemporaryFile file("abc");
  CHECK_THROWS(read_strings(*file.open(), {100, 0}), ErrorCode::kFormat);
  CHECK_THROWS(read_strings(*file.open(), {UINT64_MAX, 1}), ErrorCode::kFormat);
}

TEST(a_file_cut_while_open_is_truncated) {
  const TemporaryFile file(store(Elements(300'000, "x")).bytes);
  const auto opened = file.open();
  file.write(std::string(1000, '\1'));
  CHECK_THROWS(read_strings(*opened, {0, 300'000}), ErrorCode::kTruncated);
  CHECK_THROWS(check_strings(*opened, {0, 300'000}), ErrorCode::kTruncated);
}

// format.md §12.8
const std::string kVariant = "\x52" + from_hex("0a 16") + "tensorflow::TensorList" +
                             from_hex(
                                 "12 10 00 01 ff ff ff ff ff ff ff ff ff 01 12 02 08 02"
                                 "1a 12 08 01 12 04 12 02 08 02 2a 08 00 00 80 3f 00 00 00 40"
                                 "1a 12 08 01 12 04 12 02 08 02 2a 08 00 00 40 40 00 00 80 40"
                                 "69 15 45 8e");

TEST(the_variant_of_the_format_is_checked) {
  CHECK_EQ(kVariant.size(), 87);
  const TemporaryFile file("x" + kVariant + "y");
  const StringCheck check = check_variants(*file.open(), {1, 1, false, 87});
  CHECK_EQ(check.crc32c, crc32c_unmask(0xa3e20009));
  CHECK_EQ(check.used, 87);
}

TEST(the_checksum_of_variants_runs_on_over_elements) {
  std::string bytes;
  std::uint32_t crc = 0;
  for (const std::string& element : {std::string("ab"), std::string(600'000, 'c'), std::string()}) {
    append_varint(bytes, element.size());
    const std::string length = fixed(element.size(), 8, false);
    crc = crc32c_extend(crc, length.data(), length.size());
    crc = crc32c_extend(crc, element.data(), element.size());
    const std::string inner = fixed(crc32c_mask(crc), 4, false);
    crc = crc32c_extend(crc, inner.data(), inner.size());
    bytes += element + inner;
  }
  const TemporaryFile file(bytes);
  CHECK_EQ(check_variants(*file.open(), {0, 3}).crc32c, crc);
  CHECK_EQ(check_variants(*file.open(), {0, 3}).used, bytes.size());
}

TEST(damaged_variants_are_errors) {
  const TemporaryFile file;
  for (std::size_t at = 0; at < kVariant.size(); ++at) {
    std::string flipped = kVariant;
    flipped[at] ^= 1;
    file.write(flipped);
    const auto opened = file.open();
    CHECK_THROWS(check_variants(*opened, {0, 1}),
                 at == 0 ? (flipped[0] > '\x52' ? ErrorCode::kFormat : ErrorCode::kChecksum)
                         : ErrorCode::kChecksum);
    file.write(kVariant.substr(0, at));
    CHECK_THROWS(check_variants(*file.open(), {0, 1}), ErrorCode::kFormat);
  }
}

TEST(no_variants_take_no_bytes) {
  const TemporaryFile file("abc");
  for (const std::uint64_t offset : {0U, 3U, 100U}) {
    CHECK_EQ(check_variants(*file.open(), {offset, 0}).used, 0);
    CHECK_EQ(check_variants(*file.open(), {offset, 0}).crc32c, 0);
  }
}

}  // namespace
