#include <random>
#include <string>
#include <utility>

#include "bulk_work.hpp"

namespace {

using namespace bulk_work;

TEST(damage_in_a_group_is_blamed_on_its_job_alone) {
  Work work;
  work.add_shard(random_bytes(1000, 1));
  for (std::uint64_t i = 0; i < 10; ++i) work.add_job(0, i * 100, 90);
  work.flip(0, 345);
  check_failures(work.run(), {3}, ErrorCode::kChecksum);
  work.flip(0, 391);  // in a gap: nobody's
  check_failures(work.run(), {3}, ErrorCode::kChecksum);
  work.flip(0, 700);
  check_failures(work.run(4), {3, 7}, ErrorCode::kChecksum);
}

TEST(damage_where_ranges_overlap_is_blamed_on_both) {
  Work work;
  work.add_shard(random_bytes(1000, 1));
  work.add_job(0, 0, 500);
  work.add_job(0, 400, 500);
  work.add_job(0, 900, 100);
  work.flip(0, 450);
  check_failures(work.run(), {0, 1}, ErrorCode::kChecksum);
}

TEST(damage_in_any_piece_is_one_failure_of_its_job) {
  Work work;
  work.add_shard(random_bytes((18 << 20) + 3, 1));
  work.add_job(0, 0, 100);
  work.add_job(0, 100, 17 << 20);
  work.add_job(0, (17 << 20) + 100, 1000);
  for (const std::uint64_t at :
       {std::uint64_t{101}, std::uint64_t{9} << 20, (std::uint64_t{17} << 20) + 99}) {
    work.flip(0, at);
    for (const unsigned threads : {1U, 4U}) {
      const auto failures = work.run(threads);
      check_failures(failures, {1}, ErrorCode::kChecksum);
      CHECK_EQ(failures[0].error.offset().value(), 100);
      CHECK_EQ(failures[0].error.size(), 17 << 20);
    }
    work.flip(0, at);
  }
  work.check_all(2);
}

TEST(a_shard_cut_in_the_middle_of_a_group_fails_only_what_is_gone) {
  Work work;
  work.add_shard(random_bytes(1000, 1));
  for (std::uint64_t i = 0; i < 10; ++i) work.add_job(0, i * 100, 100);
  work.files[0]->write(work.contents[0].substr(0, 550));
  check_failures(work.run(), {5, 6, 7, 8, 9}, ErrorCode::kTruncated);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(ByteView(work.rooms[i].get(), 100) == ByteView(work.contents[0]).substr(i * 100, 100));
  }
}

TEST(a_shard_cut_in_a_large_range_is_one_failure_whatever_the_threads) {
  Work work;
  work.add_shard(random_bytes(40 << 20, 1));
  work.add_job(0, 0, 40 << 20, false);
  work.files[0]->write(work.contents[0].substr(0, 9 << 20));
  for (int round = 0; round < 5; ++round) {
    const auto failures = work.run(round % 2 == 0 ? 1 : 4);
    check_failures(failures, {0}, ErrorCode::kTruncated);
    CHECK_EQ(failures[0].error.offset().value(), 9 << 20);
  }
}

TEST(bytes_that_are_gone_do_not_pass_for_zeros) {
  Work work;
  work.add_shard(std::string(4 << 20, '\0'));
  work.add_job(0, 0, 4 << 20, false);
  work.files[0]->write(std::string((4 << 20) - 100, '\0'));  // cut within a page
  check_failures(work.run(), {0}, ErrorCode::kTruncated);
}

TEST(an_empty_range_with_a_wrong_checksum_fails) {
  Work work;
  work.add_shard("abc");
  work.add_job(0, 1000, 0);
  work.jobs[work.add_job(0, 1, 0)].crc32c = 5;
  check_failures(work.run(), {1}, ErrorCode::kChecksum);
}

// Elements "ab" and "c" (format.md §5.4 and §5.5), and their checksum.
std::pair<std::string, std::uint32_t> two_strings() {
  std::string bytes("\2\1", 2), hashed("\2\0\0\0\1\0\0\0", 8), inner;
  append_fixed(inner, crc32c_mask(crc32c(hashed)));
  return {bytes + inner + "abc", crc32c(hashed + inner + "abc")};
}

std::pair<std::string, std::uint32_t> one_variant() {
  std::string hashed("\2\0\0\0\0\0\0\0ab", 10), inner;
  append_fixed(inner, crc32c_mask(crc32c(hashed)));
  return {"\2ab" + inner, crc32c(hashed + inner)};
}

TEST(strings_and_variants_are_checked) {
  Work work;
  const auto [strings, strings_crc] = two_strings();
  const auto [variant, variant_crc] = one_variant();
  work.add_elements(strings, strings_crc, 2, Layout::kStrings);
  work.add_elements(variant, variant_crc, 1, Layout::kVariants);
  work.check_all(2);
  work.flip(0, strings.size() - 1);
  work.flip(1, 1);
  check_failures(work.run(), {0, 1}, ErrorCode::kChecksum);
  work.flip(0, 0);
  check_failures(work.run(), {0, 1}, ErrorCode::kChecksum);
}

TEST(elements_that_take_other_than_their_size_are_a_size_mismatch) {
  const auto [strings, crc] = two_strings();
  for (const int difference : {-1, 1, 5}) {
    Work work;
    work.add_elements(strings + "beyond", crc, 2, Layout::kStrings);
    work.jobs[0].size = strings.size() + static_cast<std::uint64_t>(difference);
    check_failures(work.run(), {0}, ErrorCode::kSizeMismatch);
  }
}

TEST(strings_of_a_wrong_count_fail) {
  const auto [strings, crc] = two_strings();
  for (const std::uint64_t count : {0U, 1U, 3U}) {
    Work work;
    work.add_elements(strings, crc, count, Layout::kStrings);
    CHECK_EQ(work.run().size(), 1);
  }
}

TEST(many_threads_find_what_one_finds) {
  Work work;
  add_small_jobs(work);
  const std::uint32_t shard = work.add_shard(random_bytes(20 << 20, 9));
  work.add_job(shard, 0, 20 << 20, false);
  std::mt19937_64 random(8);
  for (int i = 0; i < 60; ++i) {
    work.contents[random() % 4][random() % (3 << 20)] ^= 1;
  }
  for (std::size_t i = 0; i < 4; ++i) work.files[i]->write(work.contents[i]);
  work.files[1]->write(work.contents[1].substr(0, 2'000'000));
  const auto alone = work.run(1);
  CHECK(alone.size() > 50);
  for (const unsigned threads : {2U, 4U, 16U}) {
    const auto together = work.run(threads);
    CHECK_EQ(together.size(), alone.size());
    for (std::size_t i = 0; i < alone.size(); ++i) {
      CHECK_EQ(together[i].job, alone[i].job);
      CHECK_EQ(std::string(together[i].error.what()), alone[i].error.what());
      CHECK(together[i].error.offset() == alone[i].error.offset());
    }
  }
}

}  // namespace
