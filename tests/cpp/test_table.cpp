#include <fstream>
#include <iterator>
#include <string>

#include "check.hpp"
#include "table_maker.hpp"
#include "temporary_file.hpp"
#include "tensorbundle/format/table.hpp"

namespace {

using namespace tensorbundle;
using maker::Entries;
using maker::from_hex;

// format.md §12.2
const std::string kSmallest = from_hex(R"(
    00 00 06 08 01 1a 02 08 01 00 01 0b 78 08 01 12  00 28 04 35 81 a5 da 2b 00 00 00 00 01 00 00 00
    00 38 5a df 39 00 00 00 00 01 00 00 00 00 c0 f2  a1 b0 00 01 02 79 00 20 00 00 00 00 01 00 00 00
    00 c2 4c 06 42 25 08 32 0e 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
    00 00 00 00 00 00 00 00 00 00 00 00 00 57 fb 80  8b 24 75 47 db)");

Entries entries_of(const Table& table) {
  Entries entries;
  BlockBuffers buffers;
  for (std::size_t block = 0; block < table.block_count(); ++block) {
    BlockCursor cursor(table.read_block(block, buffers), table.handle(block).offset);
    while (cursor.next()) entries.emplace_back(cursor.key(), cursor.value());
  }
  return entries;
}

Entries read_all(const std::string& bytes) {
  const TemporaryFile file(bytes);
  return entries_of(Table(file.open()));
}

void open_table(const std::string& bytes) {
  const TemporaryFile file(bytes);
  const Table table(file.open());
}

std::string golden(const std::string& name) {
  std::ifstream stream("golden/data/" + name, std::ios::binary);
  if (!stream) throw std::runtime_error("no golden file " + name);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Keys with long shared beginnings, by hundreds.
Entries many_entries(int count) {
  Entries entries;
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(1000 + i);
    entries.emplace_back("layer_" + number.substr(1) + "/kernel", std::string(20, 'v') + number);
  }
  return entries;
}

TEST(the_smallest_index_is_read) {
  const Entries expected = {{"", maker::kHeader}, {"x", from_hex("08 01 12 00 28 04 35 81a5da2b")}};
  CHECK(read_all(kSmallest) == expected);
  CHECK(maker::table(expected) == kSmallest);
}

TEST(a_header_only_index_is_read) {  // format.md §12.3
  const std::string bytes =
      from_hex(
          "00 00 06 08 01 1a 02 08 01 00 00 00 00 01 00 00 00 00 62 94 57 f9"
          "00 00 00 00 01 00 00 00 00 c0 f2 a1 b0"
          "00 00 02 00 11 00 00 00 00 01 00 00 00 00 cc bf 8b 5d 16 08 23 0d") +
      std::string(36, '\0') + from_hex("57 fb 80 8b 24 75 47 db");
  const Entries expected = {{"", maker::kHeader}};
  CHECK(read_all(bytes) == expected);
  CHECK(maker::table(expected) == bytes);
}

TEST(a_table_without_entries_has_no_blocks) {
  const TemporaryFile file(maker::table({}));
  const Table table(file.open());
  CHECK_EQ(table.block_count(), 0);
  CHECK(!table.find_block("x"));
}

TEST(eighteen_scalars_have_two_restart_points) {  // format.md §12.4
  Entries entries = {{"", maker::kHeader}};
  for (int i = 0; i < 18; ++i) {
    const std::string key = std::string(i < 10 ? "p0" : "p1") + static_cast<char>('0' + i % 10);
    const std::string byte(1, static_cast<char>(i));
    entries.emplace_back(key, maker::entry({4, {}, 0, i, 1, crc32c(byte), {}}));
  }
  const std::string bytes = maker::table(entries);
  CHECK_EQ(bytes.size(), 416);
  CHECK(bytes.substr(0, 0x30) == from_hex("00 00 06 08 01 1a 02 08 01 00 03 0b 70 30 30 08"
                                          "04 12 00 28 01 35 d2 8f 25 49 02 01 0d 31 08 04"
                                          "12 00 20 01 28 01 35 05 2b 28 43 02 01 0d 32 08"));
  CHECK(bytes.substr(0x100, 0x50) == from_hex("20 0e 28 01 35 e3 e6 70 7b 00 03 0d 70 31 35 08"
                                              "04 12 00 20 0f 28 01 35 b4 03 6d 81 02 01 0d 36"
                                              "08 04 12 00 20 10 28 01 35 1f 6f ff ca 02 01 0d"
                                              "37 08 04 12 00 20 11 28 01 35 68 4b fe d0 00 00"
                                              "00 00 09 01 00 00 02 00 00 00 00 6f 46 58 bf"
                                              "00"));
  CHECK(read_all(bytes) == entries);
}

TEST(an_index_of_tensorflow_is_made_again_byte_for_byte) {
  for (const char* name : {"blocks/many.index", "names.index", "dtypes.index"}) {
    const std::string bytes = golden(name);
    CHECK(maker::table(read_all(bytes)) == bytes);
  }
}

TEST(every_block_of_many_is_read) {
  const TemporaryFile file(golden("blocks/many.index"));
  CHECK(Table(file.open()).block_count() > 1);
}

TEST(snappy_blocks_are_read) {
  const std::string plain = maker::Block().add("a", std::string(60, 'x')).contents();
  std::string stored;
  append_varint(stored, plain.size());
  stored += static_cast<char>((plain.size() - 1) << 2);  // none of them is over 60 bytes
  if (plain.size() > 60) stored.back() = '\xf0', stored += static_cast<char>(plain.size() - 1);
  stored += plain;
  const Entries expected = {{"a", std::string(60, 'x')}};
  CHECK(read_all(maker::File().add(stored, "a", 1).finish()) == expected);
}

TEST(a_malformed_snappy_block_is_a_format_error) {
  CHECK_THROWS(read_all(maker::File().add("\xff\xff\xff\xff\x0f", "a", 1).finish()),
               ErrorCode::kFormat);
}

TEST(an_unknown_compression_is_a_format_error) {
  const std::string block = maker::Block().add("a", "v").contents();
  CHECK_THROWS(read_all(maker::File().add(block, "a", 2).finish()), ErrorCode::kFormat);
}

TEST(find_block_leads_to_the_block_of_every_key) {
  const Entries entries = many_entries(300);
  const TemporaryFile file(maker::table(entries, 500));
  const Table table(file.open());
  CHECK(table.block_count() > 10);
  BlockBuffers buffers;
  for (const auto& [key, value] : entries) {
    const std::size_t block = table.find_block(key).value();
    BlockCursor cursor(table.read_block(block, buffers), table.handle(block).offset);
    CHECK(cursor.seek(key));
    CHECK_EQ(cursor.key(), key);
  }
  CHECK(!table.find_block("zzz"));
}

TEST(value_offsets_are_positions_in_the_file) {
  const std::string bytes = maker::table(many_entries(300), 500);
  const TemporaryFile file(bytes);
  const Table table(file.open());
  BlockBuffers buffers;
  for (std::size_t block = 0; block < table.block_count(); ++block) {
    BlockCursor cursor(table.read_block(block, buffers), table.handle(block).offset);
    while (cursor.next()) {
      CHECK(bytes.compare(cursor.value_offset(), cursor.value().size(), cursor.value()) == 0);
    }
  }
}

TEST(every_flipped_bit_outside_what_is_never_read_is_noticed) {
  const TemporaryFile file;
  const Entries expected = read_all(kSmallest);
  for (std::size_t at = 0; at < kSmallest.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = kSmallest;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      file.write(flipped);
      // The metaindex block, its handle, and the padding of the footer.
      const bool unread = (at >= 0x25 && at < 0x32) || at == 0x45 || at == 0x46;
      const bool padding = at >= 0x49 && at < 0x6d;
      // The last number of the footer goes on in the padding then, and stays the same.
      const bool longer = at == 0x48 && bit == 7;
      try {
        CHECK(entries_of(Table(file.open())) == expected);
        CHECK(unread || padding || longer);
      } catch (const Error&) {
        CHECK(!padding);
      }
    }
  }
}

TEST(every_truncation_is_a_format_error) {
  const TemporaryFile file;
  for (std::size_t size = 0; size < kSmallest.size(); ++size) {
    file.write(kSmallest.substr(0, size));
    CHECK_THROWS(Table(file.open()), ErrorCode::kFormat);
    file.write(kSmallest.substr(kSmallest.size() - size));
    // The index block ends at byte 69: only from there on is there something to check.
    CHECK_THROWS(Table(file.open()), size < 69 ? ErrorCode::kFormat : ErrorCode::kChecksum);
  }
}

TEST(a_flipped_byte_in_a_block_is_a_checksum_error_at_that_block) {
  std::string bytes = maker::table(many_entries(300), 500);
  const TemporaryFile file(bytes);
  const BlockHandle handle = Table(file.open()).handle(3);
  bytes[handle.offset + 7] ^= 1;
  file.write(bytes);
  const Table table(file.open());
  BlockBuffers buffers;
  table.read_block(2, buffers);
  try {
    table.read_block(3, buffers);
    CHECK(false);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kChecksum);
    CHECK_EQ(error.offset().value(), handle.offset);
  }
}

TEST(a_block_that_does_not_fit_in_the_file_is_a_format_error) {
  for (const auto& [offset, size] : {std::pair<std::uint64_t, std::uint64_t>{0, 1 << 20},
                                     {~std::uint64_t{0}, 1},
                                     {0, ~std::uint64_t{0}},
                                     {~std::uint64_t{0} - 2, 8}}) {
    const std::string handle = maker::handle(offset, size);
    CHECK_THROWS(open_table(maker::File().add_handle("a", handle).finish()), ErrorCode::kFormat);
    const std::string at_end = maker::footer(maker::handle(0, 0), handle);
    CHECK_THROWS(open_table(std::string(100, '\0') + at_end), ErrorCode::kFormat);
  }
}

TEST(blocks_that_overlap_are_a_format_error) {
  const std::string block = maker::Block().contents();
  const std::string twice =
      maker::File().add(block, "a").add_handle("b", maker::handle(0, block.size())).finish();
  CHECK_THROWS(open_table(twice), ErrorCode::kFormat);
}

TEST(blocks_out_of_order_are_a_format_error) {
  const std::string block = maker::Block().contents();
  CHECK_THROWS(open_table(maker::File().add(block, "b").add(block, "a").finish()),
               ErrorCode::kFormat);
}

TEST(a_cut_handle_is_a_format_error) {
  CHECK_THROWS(open_table(maker::File().add_handle("a", "").finish()), ErrorCode::kFormat);
  CHECK_THROWS(open_table(maker::File().add_handle("a", "\x80").finish()), ErrorCode::kFormat);
}

TEST(bytes_after_a_handle_are_allowed) {
  const std::string block = maker::Block().add("a", "v").contents();
  maker::Block index(1);
  index.add("a", maker::handle(0, block.size()) + "more");
  const std::string stored = block + maker::trailer(block), contents = index.contents();
  const Entries expected = {{"a", "v"}};
  CHECK(read_all(stored + contents + maker::trailer(contents) +
                 maker::footer(maker::handle(0, 0),
                               maker::handle(stored.size(), contents.size()))) == expected);
}

TEST(keys_that_share_as_much_as_writers_let_them_are_read) {
  Entries entries;
  for (int i = 0; i < 64; ++i) entries.emplace_back(std::string(10'000, 'k') + char('0' + i), "");
  CHECK(read_all(maker::table(entries)) == entries);
}

TEST(a_large_entry_is_in_a_block_of_its_own) {
  const Entries entries = {{"a", "v"}, {"b", std::string(524288, 'x')}, {"c", "v"}};
  const std::string bytes = maker::table(entries);
  CHECK(read_all(bytes) == entries);
  const TemporaryFile file(bytes);
  CHECK_EQ(Table(file.open()).block_count(), 3);
}

TEST(keys_of_the_index_block_that_grow_are_a_format_error) {
  maker::Block index;
  index.add(std::string(1 << 20, 'k'), maker::handle(0, 0));
  for (std::uint64_t i = 1; i < 100; ++i) {  // blocks that are in order, and fit
    index.add_raw(1 << 20, std::string(1, static_cast<char>(i)), maker::handle(5 * i, 0));
  }
  const std::string contents = index.contents();
  CHECK_THROWS(open_table(contents + maker::trailer(contents) +
                          maker::footer(maker::handle(0, 0), maker::handle(0, contents.size()))),
               ErrorCode::kFormat);
}

}  // namespace
