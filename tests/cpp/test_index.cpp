#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "table_maker.hpp"
#include "temporary_file.hpp"
#include "tensorbundle/reading/index.hpp"

namespace {

using namespace tensorbundle;
using namespace std::string_literals;
using maker::from_hex;
using Tensors = std::map<std::string, std::string>;

const std::string kSound = maker::float_entry(0, "abcd");

// An index over bytes of its own.
struct Opened {
  explicit Opened(const std::string& bytes) : file(bytes), index(file.open()) {}
  TemporaryFile file;
  Index index;
};

Tensors many_tensors(int count) {
  Tensors tensors;
  for (int i = 0; i < count; ++i) {
    tensors["layer_" + std::to_string(1000 + i) + "/kernel"] = maker::float_entry(4 * i, "abcd");
  }
  return tensors;
}

std::vector<std::string> names_of(const EntryList& entries) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < entries.size(); ++i) names.emplace_back(entries.name(i));
  return names;
}

// The index of `tensors` in blocks of some 500 bytes, with a bit of block `damaged` flipped.
std::string with_damaged_block(const Tensors& tensors, std::size_t damaged) {
  std::string bytes = maker::index(tensors, 500);
  const TemporaryFile file(bytes);
  const Table table(file.open());
  CHECK(table.block_count() > damaged + 1);
  bytes[table.handle(damaged).offset + 3] ^= 4;
  return bytes;
}

// An index of one data block, whose entries are in whatever order they are given.
std::string in_one_block(const maker::Entries& entries) {
  maker::Block block;
  for (const auto& [key, value] : entries) block.add(key, value);
  return maker::File().add(block.contents(), "\xff\xff").finish();
}

TEST(the_merged_index_of_the_format_is_read) {  // format.md §12.11
  const Tensors tensors = {{"a", from_hex("08 01 12 00 28 04 35 81 a5 da 2b")},
                           {"b", from_hex("08 01 12 04 12 02 08 01 18 01 28 04 35 10 fd 78 4f")}};
  maker::Entries entries = {{"", from_hex("08 02 1a 02 08 01")}};
  entries.insert(entries.end(), tensors.begin(), tensors.end());
  const std::string bytes = maker::table(entries);
  CHECK_EQ(bytes.size(), 138);
  CHECK(bytes.substr(0x2f, 6) == from_hex("00 00 01 00 00 00"));
  CHECK(bytes.substr(0x50, 14) == from_hex("00 01 00 00 00 00 7e 2c 7d 04 3a 08 47 0e"));
  const Opened opened(bytes);
  CHECK_EQ(opened.index.header().num_shards, 2);
  CHECK_EQ(opened.index.find("b")->shard, 1);
  CHECK_EQ(opened.index.find("b")->shape.at(0), 1);
}

TEST(the_partitioned_tensor_of_the_format_is_read) {  // format.md §12.10
  const std::string bytes =
      from_hex(
          "00 00 06 08 01 1a 02 08 01 00 0a 13 00 77 00 01  01 02 80 81 80 83 08 01 12 08 12"
          "02 08 01 12 02 08 03 28 0c 35 e9 09 50 3f 06 04 15 81 81 80 83 08 01 12 08 12 02"
          "08 01 12 02 08 03 20 0c 28 0c 35 67 3e 7d 63 00 01 22 77 08 01 12 08 12 02 08 02"
          "12 02 08 03 3a 08 0a 02 10 01 0a 02 10 03 3a 0a 0a 04 08 01 10 01 0a 02 10 03 00"
          "00 00 00 01 00 00 00 00 b9 c6 aa f5 00 00 00 00 01 00 00 00 00 c0 f2 a1 b0 00 01"
          "02 78 00 73 00 00 00 00 01 00 00 00 00 28 bd 45 a7 78 08 85 01 0e") +
      std::string(35, '\0') + from_hex("57 fb 80 8b 24 75 47 db");
  CHECK_EQ(bytes.size(), 200);
  const Opened opened(bytes);
  const EntryList& entries = opened.index.all();
  CHECK_EQ(entries.size(), 3);
  CHECK(entries.row(0).is_slice && entries.row(1).is_slice && !entries.row(2).is_slice);
  CHECK_EQ(entries.slices(2).size(), 2);
  CHECK_EQ(entries.name(0), encode_slice_key("w", entries.slices(2)[0]));
  CHECK_EQ(opened.index.find(encode_slice_key("w", entries.slices(2)[1]))->offset, 12);
}

TEST(an_index_of_many_blocks_is_read_whole) {
  const Tensors tensors = many_tensors(2000);
  const Opened opened(maker::index(tensors, 500));
  CHECK(opened.index.table().block_count() > 50);
  for (const bool listed : {false, true}) {  // through the table, then through the list
    if (listed) CHECK_EQ(opened.index.all().size(), tensors.size());
    for (int i = 0; i < 2000; ++i) {
      const std::string name = "layer_" + std::to_string(1000 + i) + "/kernel";
      CHECK_EQ(opened.index.find(name)->offset, 4 * i);
      CHECK(!opened.index.find(name + "x"));
      CHECK(!opened.index.find(name.substr(0, 9)));
    }
    CHECK(!opened.index.find(""));
    CHECK(!opened.index.find("a"));
    CHECK(!opened.index.find("z"));
  }
  std::size_t i = 0;
  for (const auto& [name, value] : tensors) CHECK_EQ(opened.index.all().name(i++), name);
}

TEST(a_damaged_block_stops_the_list_but_not_others) {
  const Opened opened(with_damaged_block(many_tensors(300), 3));
  CHECK_THROWS(opened.index.all(), ErrorCode::kChecksum);
  CHECK_THROWS(opened.index.all(), ErrorCode::kChecksum);  // no half-built list is kept
  CHECK(opened.index.find("layer_1299/kernel"));
}

TEST(salvage_goes_on_past_a_damaged_block) {
  const Tensors tensors = many_tensors(300);
  const Opened opened(with_damaged_block(tensors, 3));
  std::vector<BlockFault> faults;
  const auto entries = opened.index.salvage(faults);
  CHECK_EQ(faults.size(), 1);
  CHECK_EQ(faults[0].block, 3);
  CHECK(faults[0].error.code() == ErrorCode::kChecksum);
  CHECK(entries->size() < 300 && entries->size() > 280);
  CHECK_EQ(entries->name(0), tensors.begin()->first);
  CHECK_EQ(entries->name(entries->size() - 1), tensors.rbegin()->first);
  CHECK(entries->find("layer_1299/kernel"));
}

TEST(salvage_of_a_sound_index_is_the_list) {
  const Opened opened(maker::index(many_tensors(300), 500));
  std::vector<BlockFault> faults;
  CHECK(opened.index.salvage(faults) == opened.index.share());
  CHECK(faults.empty());
}

TEST(a_damaged_first_block_is_a_checksum_error_at_open) {
  CHECK_THROWS(Opened(with_damaged_block(many_tensors(300), 0)), ErrorCode::kChecksum);
}

TEST(keys_out_of_order_are_a_format_error) {
  const Opened opened(in_one_block({{"", maker::kHeader}, {"b", kSound}, {"a", kSound}}));
  CHECK_THROWS(opened.index.all(), ErrorCode::kFormat);
  std::vector<BlockFault> faults;
  CHECK(names_of(*opened.index.salvage(faults)) == std::vector<std::string>{"b"});
  CHECK_EQ(faults.size(), 1);
}

TEST(keys_are_compared_as_unsigned_bytes) {
  const Opened opened(maker::index({{"\x7f", kSound}, {"\x80", kSound}, {"a\xff", kSound}}));
  CHECK((names_of(opened.index.all()) == std::vector<std::string>{"a\xff", "\x7f", "\x80"}));
}

TEST(a_key_twice_is_a_format_error) {
  CHECK_THROWS(
      Opened(in_one_block({{"", maker::kHeader}, {"a", kSound}, {"a", kSound}})).index.all(),
      ErrorCode::kFormat);
}

TEST(a_second_header_is_a_format_error) {
  for (const maker::Entries& entries :
       {maker::Entries{{"", maker::kHeader}, {"", maker::kHeader}, {"a", kSound}},
        {{"", maker::kHeader}, {"a", kSound}, {"", maker::kHeader}}}) {
    CHECK_THROWS(Opened(in_one_block(entries)).index.all(), ErrorCode::kFormat);
  }
}

TEST(a_key_that_find_would_miss_is_a_format_error) {
  const std::string first = maker::Block().add("", maker::kHeader).add("x", kSound).contents();
  const std::string second = maker::Block().add("y", kSound).contents();
  const Opened opened(maker::File().add(first, "b").add(second, "z").finish());
  CHECK_THROWS(opened.index.all(), ErrorCode::kFormat);
}

TEST(an_index_without_header_is_a_format_error) {
  CHECK_THROWS(Opened(maker::table({{"a", kSound}})), ErrorCode::kFormat);
  CHECK_THROWS(Opened(maker::table({})), ErrorCode::kFormat);
  CHECK_THROWS(Opened(in_one_block({})), ErrorCode::kFormat);
}

TEST(a_version_that_must_not_be_read_is_unsupported) {
  CHECK_THROWS(Opened(maker::table({{"", from_hex("08 01 1a 02 10 02")}})),
               ErrorCode::kUnsupported);
}

TEST(names_that_grow_out_of_all_proportion_are_a_format_error) {
  maker::Block block;
  block.add("", maker::kHeader).add(std::string(1 << 20, 'k'), kSound);
  for (int i = 0; i < 100; ++i) block.add_raw(1 << 20, std::string(1, static_cast<char>(i)), "");
  const Opened opened(maker::File().add(block.contents(), "z").finish());
  CHECK_THROWS(opened.index.all(), ErrorCode::kFormat);
}

TEST(a_malformed_entry_is_kept_with_its_error) {
  const Opened opened(maker::index({{"a", kSound}, {"b", "\x08"}, {"c", kSound}}));
  for (const bool listed : {false, true}) {
    if (listed) CHECK_EQ(opened.index.all().size(), 3);
    CHECK(opened.index.find("a") && opened.index.find("c"));
    CHECK_THROWS(opened.index.find("b"), ErrorCode::kFormat);
  }
  const EntryList& entries = opened.index.all();
  CHECK(entries.error(0) == nullptr && entries.error(2) == nullptr);
  CHECK(entries.error(1)->code() == ErrorCode::kFormat);
  CHECK_THROWS(entries.entry(1), ErrorCode::kFormat);
}

TEST(a_slice_is_hidden_only_if_its_tensor_lists_it) {
  const Entry whole = {1, {4}, 0, 0, 0, 0, {{{0, 2}}, {{2, 2}}}};
  const Tensors tensors = {{encode_slice_key("w", {{0, 2}}), kSound},  // listed
                           {encode_slice_key("w", {{0, 4}}), kSound},  // not listed
                           {encode_slice_key("w", {{0, 2}}) + "x", kSound},
                           {encode_slice_key("v", {{0, 2}}), kSound},  // of no tensor
                           {"\0user"s, kSound},
                           {"w", maker::entry(whole)}};
  const Opened opened(maker::index(tensors));
  const EntryList& entries = opened.index.all();
  std::size_t hidden = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    CHECK_EQ(entries.row(i).is_slice, entries.name(i) == encode_slice_key("w", {{0, 2}}));
    hidden += entries.row(i).is_slice ? 1 : 0;
  }
  CHECK_EQ(hidden, 1);
  CHECK_EQ(entries.slices(entries.find("w").value()).size(), 2);
  CHECK(entries.slices(0).empty());
}

TEST(many_slices_of_a_long_name_take_no_quadratic_time) {
  const std::string name(500'000, 'n');
  std::string value = maker::entry({1, {4}, 0, 0, 0, 0, {}});
  for (int i = 0; i < 200'000; ++i) value += maker::field(0x3a, "");
  const Opened opened(maker::index({{encode_slice_key(name, {}), kSound}, {name, value}}));
  CHECK(opened.index.all().row(0).is_slice);
}

TEST(a_list_outlives_its_index) {
  std::shared_ptr<const EntryList> entries;
  {
    const Opened opened(maker::index(many_tensors(100)));
    entries = opened.index.share();
  }
  CHECK_EQ(entries->name(99), "layer_1099/kernel");
}

TEST(the_entry_of_a_row_is_what_find_gives) {
  const Entry whole = {1, {4}, 0, 0, 0, 0, {{{0, 2}}}};
  const Opened opened(
      maker::index({{"a", maker::entry({9, {2, 0, 3}, 5, 1LL << 40, 7, 0x1234, {}})},
                    {"w", maker::entry(whole)}}));
  const Entry found = opened.index.find("a").value();
  const Entry row = opened.index.all().entry(0);
  CHECK_EQ(row.dtype, 9);
  CHECK(row.shape == found.shape && found.shape == std::vector<std::int64_t>({2, 0, 3}));
  CHECK(row.shard == 5 && row.offset == 1LL << 40 && row.size == 7 && row.crc32c == 0x1234);
  CHECK(found.shard == 5 && found.offset == 1LL << 40 && found.size == 7);
  CHECK(opened.index.all().entry(1).slices == whole.slices);
}

TEST(many_threads_may_find_and_list_at_once) {
  const Opened opened(maker::index(many_tensors(2000), 500));
  std::atomic<int> found{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = t; i < 2000; i += 4) {
          const std::string name = "layer_" + std::to_string(1000 + i) + "/kernel";
          if (opened.index.find(name)->offset == 4 * i) ++found;
          if (i % 400 == t && opened.index.share()->size() == 2000) ++found;
        }
      });
    }
  }
  CHECK_EQ(found.load(), 2000 + 20);
}

}  // namespace
