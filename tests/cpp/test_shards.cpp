#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "temporary_bundle.hpp"
#include "tensorbundle/reading/shards.hpp"

namespace {

using namespace tensorbundle;

TEST(paths_have_five_digits_or_more) {
  CHECK_EQ(shard_path("a/b", 0, 1), "a/b.data-00000-of-00001");
  CHECK_EQ(shard_path("", 12, 345), ".data-00012-of-00345");
  CHECK_EQ(shard_path("x", 1234567, INT32_MAX), "x.data-1234567-of-2147483647");
}

TEST(a_count_of_any_size_costs_nothing) {
  const TemporaryBundle bundle(INT32_MAX);
  const auto index = bundle.put_index("index");
  const Shards shards(bundle.prefix(), INT32_MAX, MappedFile::Writes::kRefused, index);
  CHECK(shards.has(INT32_MAX - 1) && !shards.has(INT32_MAX) && !shards.has(-1));
  CHECK_THROWS(shards.check(INT32_MAX), ErrorCode::kFormat);
  CHECK_THROWS(shards.file(INT32_MAX - 1), ErrorCode::kMissingFile);
}

TEST(a_header_without_a_count_has_one_shard) {
  const Shards shards("x", 0);
  CHECK(shards.has(0) && !shards.has(1) && !shards.has(-1));
  CHECK_EQ(shards.path(0), "x.data-00000-of-00000");
}

TEST(a_shard_is_opened_and_mapped_once) {
  const TemporaryBundle bundle(2);
  bundle.put_shard(1, "shard");
  const Shards shards(bundle.prefix(), 2);
  const File* const file = &shards.file(1);
  const MappedFile* const map = shards.map(1).get();
  CHECK_EQ(std::string(map->data(), map->size()), "shard");
  std::filesystem::remove(bundle.shard_path(1));
  CHECK(&shards.file(1) == file && shards.map(1).get() == map && shards.share(1).get() == file);
}

TEST(what_keeps_a_shard_from_being_opened_is_told_apart) {
  const TemporaryBundle bundle(2);
  std::filesystem::create_directory(bundle.shard_path(1));
  const Shards shards(bundle.prefix(), 2);
  CHECK_THROWS(shards.file(0), ErrorCode::kMissingFile);
  CHECK_THROWS(shards.map(1), ErrorCode::kFormat);
  std::filesystem::remove(bundle.shard_path(1));
  std::filesystem::create_symlink("model.data-00001-of-00002", bundle.shard_path(1));
  CHECK_THROWS(shards.file(1), ErrorCode::kSystem);  // a loop of links
}

TEST(a_shard_that_was_missing_may_come) {
  const TemporaryBundle bundle;
  const auto index = bundle.put_index("index");
  const Shards shards(bundle.prefix(), 1, MappedFile::Writes::kRefused, index);
  CHECK_THROWS(shards.file(0), ErrorCode::kMissingFile);
  bundle.put_shard(0, "shard");
  CHECK_EQ(shards.file(0).size(), 5);
}

TEST(a_shard_of_another_save_is_refused) {
  const TemporaryBundle bundle;
  bundle.put_shard(0, "shard");
  const auto index = bundle.put_index("index");
  const Shards shards(bundle.prefix(), 1, MappedFile::Writes::kRefused, index);
  bundle.put_shard(0, "other");
  CHECK_THROWS(shards.file(0), ErrorCode::kReplaced);
  CHECK_THROWS(shards.map(0), ErrorCode::kReplaced);
}

TEST(a_shard_of_another_index_is_refused) {
  const TemporaryBundle bundle(40);
  const auto index = bundle.put_index("index");
  const Shards shards(bundle.prefix(), 40, MappedFile::Writes::kRefused, index);
  bundle.put_shard(39, "shard");
  CHECK_EQ(shards.file(39).size(), 5);
  bundle.put_index("index");
  bundle.put_shard(38, "shard");
  CHECK_THROWS(shards.file(38), ErrorCode::kReplaced);
  CHECK_EQ(shards.file(39).size(), 5);  // opened before: it is what it was
  CHECK_THROWS(shards.refuse_replaced(), ErrorCode::kReplaced);
  std::filesystem::remove(bundle.index_path());
  CHECK_EQ(shards.file(38).size(), 5);  // gone is not replaced
}

TEST(threads_share_what_they_open) {
  const TemporaryBundle bundle(8);
  for (std::uint32_t i = 0; i < 8; ++i) bundle.put_shard(i, std::string(100, 'x'));
  const Shards shards(bundle.prefix(), 8, MappedFile::Writes::kPrivate);
  std::vector<const MappedFile*> maps(8 * 4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (std::uint32_t i = 0; i < 8; ++i) maps[t * 8 + i] = shards.map(i).get();
      });
    }
  }
  for (std::size_t i = 0; i < maps.size(); ++i) CHECK(maps[i] == maps[i % 8]);
}

}  // namespace
