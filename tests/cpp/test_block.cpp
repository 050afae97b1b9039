#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "table_maker.hpp"
#include "tensorbundle/format/table.hpp"

namespace {

using namespace tensorbundle;

// A megabyte of key, and a thousand others that share it all.
std::string growing_block() {
  maker::Block block;
  block.add(std::string(1 << 20, 'k'), "");
  for (int i = 0; i < 1000; ++i) block.add_raw(1 << 20, std::string(1, static_cast<char>(i)), "");
  return block.contents();
}

TEST(seek_finds_the_first_key_not_below) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 100; i < 200; ++i) {
    entries.emplace_back("layer_" + std::to_string(i) + "/kernel", std::to_string(i));
  }
  maker::Block block;
  for (const auto& [key, value] : entries) block.add(key, value);
  const std::string contents = block.contents();
  for (const auto& [key, value] : entries) {
    BlockCursor cursor(contents, 0);
    CHECK(cursor.seek(key));
    CHECK_EQ(cursor.key(), key);
    CHECK_EQ(cursor.value(), value);
    CHECK(cursor.seek(key.substr(0, 9)));  // below this key, above the one before
    CHECK_EQ(cursor.key(), key);
  }
  BlockCursor cursor(contents, 0);
  CHECK(cursor.seek(""));
  CHECK_EQ(cursor.key(), entries.front().first);
  CHECK(!cursor.seek("z"));
}

TEST(seek_in_an_empty_block_finds_nothing) {
  const std::string contents = maker::Block().contents();
  BlockCursor cursor(contents, 0);
  CHECK(!cursor.seek("a"));
  CHECK(!cursor.next());
}

TEST(absurd_restart_counts_are_format_errors) {
  for (const std::uint32_t count : {0U, 2U, 0x40000001U, 0xFFFFFFFFU}) {
    std::string contents = maker::Block().contents();
    contents.resize(4);
    append_fixed(contents, count);
    CHECK_THROWS(BlockCursor(contents, 0), ErrorCode::kFormat);
  }
  CHECK_THROWS(BlockCursor("", 0), ErrorCode::kFormat);
  CHECK_THROWS(BlockCursor("abc", 0), ErrorCode::kFormat);
}

TEST(a_restart_point_outside_its_block_is_a_format_error) {
  std::string contents = maker::Block().add("a", "v").contents();
  contents.resize(contents.size() - 8);
  for (const std::uint32_t word : {0U, 0xFFFFFFF0U, 2U}) append_fixed(contents, word);
  BlockCursor cursor(contents, 0);
  CHECK_THROWS(cursor.seek("a"), ErrorCode::kFormat);
}

TEST(a_key_that_shares_more_than_there_is_is_a_format_error) {
  const std::string contents = maker::Block().add("a", "v").add_raw(2, "b", "v").contents();
  BlockCursor cursor(contents, 0);
  CHECK(cursor.next());
  CHECK_THROWS(cursor.next(), ErrorCode::kFormat);
}

TEST(a_restart_key_that_shares_bytes_is_a_format_error) {
  std::string contents = maker::Block().add("a", "v").add("ab", "v").add("ac", "v").contents();
  contents.resize(contents.size() - 8);
  for (const std::uint32_t word : {0U, 5U, 2U}) append_fixed(contents, word);
  BlockCursor cursor(contents, 0);
  CHECK_THROWS(cursor.seek("ac"), ErrorCode::kFormat);
}

TEST(keys_that_grow_out_of_all_proportion_are_a_format_error) {
  const std::string contents = growing_block();
  BlockCursor cursor(contents, 0);
  const auto walk = [&] {
    while (cursor.next()) {
    }
  };
  CHECK_THROWS(walk(), ErrorCode::kFormat);
}

}  // namespace
