#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "table_maker.hpp"
#include "temporary_file.hpp"
#include "tensorbundle/bulk.hpp"
#include "tensorbundle/crc32c.hpp"

namespace {

using namespace tensorbundle;

std::string random_bytes(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// Shards and jobs over them, each with memory of its own. One room ends what the next begins, so
// that a sanitizer sees a job write past its end.
struct Work {
  std::uint32_t add_shard(std::string bytes) {
    contents.push_back(std::move(bytes));
    files.push_back(std::make_unique<TemporaryFile>(contents.back()));
    opened.push_back(files.back()->open());
    return static_cast<std::uint32_t>(files.size() - 1);
  }

  std::size_t add_job(std::uint32_t shard, std::uint64_t offset, std::uint64_t size,
                      bool copied = true) {
    Job job;
    job.shard = shard;
    job.offset = offset;
    job.size = size;
    job.count = size;
    job.file = opened[shard].get();
    if (offset < contents[shard].size()) {
      job.crc32c = crc32c(ByteView(contents[shard]).substr(offset, size));
    }
    rooms.push_back(copied ? std::make_unique<char[]>(size) : nullptr);
    job.into = rooms.back().get();
    jobs.push_back(job);
    return jobs.size() - 1;
  }

  // Strings or variants, which are stored alone.
  std::size_t add_elements(const std::string& bytes, std::uint32_t crc, std::uint64_t count,
                           Layout layout) {
    const std::size_t i = add_job(add_shard(bytes), 0, bytes.size(), false);
    jobs[i].count = count;
    jobs[i].layout = layout;
    jobs[i].crc32c = crc;
    return i;
  }

  void flip(std::uint32_t shard, std::uint64_t at) {
    contents[shard][at] ^= 1;
    files[shard]->write(contents[shard]);
  }

  [[nodiscard]] std::vector<Failure> run(unsigned threads = 1) const {
    return run_jobs(jobs, {threads, {}});
  }

  // That all succeed, and every room holds its bytes.
  void check_all(unsigned threads) const {
    const auto failures = run(threads);
    if (!failures.empty()) throw failures.front().error;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (rooms[i] == nullptr) continue;
      const ByteView expected =
          ByteView(contents[jobs[i].shard])
              .substr(std::min(jobs[i].offset, contents[jobs[i].shard].size()), jobs[i].size);
      CHECK(ByteView(rooms[i].get(), jobs[i].size) == expected);
    }
  }

  std::vector<std::string> contents;
  std::vector<std::unique_ptr<TemporaryFile>> files;
  std::vector<std::shared_ptr<const File>> opened;
  std::vector<std::unique_ptr<char[]>> rooms;
  std::vector<Job> jobs;
};

// One kind of failure for exactly these jobs.
void check_failures(const std::vector<Failure>& failures, const std::vector<std::size_t>& jobs,
                    ErrorCode code) {
  CHECK_EQ(failures.size(), jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    CHECK_EQ(failures[i].job, jobs[i]);
    CHECK(failures[i].error.code() == code);
  }
}

// Small ranges in three shards, with gaps small and large, overlaps and empties, in no order.
void add_small_jobs(Work& work) {
  std::mt19937_64 random(7);
  for (unsigned shard = 0; shard < 3; ++shard) {
    work.add_shard(random_bytes(3 << 20, shard));
    std::uint64_t at = 0;
    while (at < (3 << 20) - 50'000) {
      const std::uint64_t size = random() % 20 == 0 ? 0 : random() % 9000;
      work.add_job(shard, at, size, random() % 4 != 0);
      if (random() % 10 == 0) work.add_job(shard, at + size / 2, size / 3);
      at += random() % 15 == 0 ? size + random() % 20'000 : size;
    }
    work.add_job(shard, std::uint64_t{1} << 40, 0);  // empty, beyond the end
  }
  std::shuffle(work.jobs.begin(), work.jobs.end(), random);
  // The rooms follow their jobs.
  std::vector<std::unique_ptr<char[]>> rooms(work.jobs.size());
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    if (work.jobs[i].into != nullptr) rooms[i] = std::make_unique<char[]>(work.jobs[i].size);
    work.jobs[i].into = rooms[i].get();
  }
  work.rooms = std::move(rooms);
}

TEST(no_jobs_have_no_failures) {
  CHECK(run_jobs({}).empty());
  CHECK(run_jobs({}, {8, [](std::uint64_t) { return false; }}).empty());
}

TEST(small_ranges_are_copied_whatever_their_order) {
  Work work;
  add_small_jobs(work);
  for (const unsigned threads : {0U, 1U, 4U}) work.check_all(threads);
}

TEST(large_ranges_are_copied_in_pieces) {
  Work work;
  const std::size_t size = (20 << 20) + 12'345;
  work.add_shard(random_bytes(size, 1));
  work.add_job(0, 0, size);                  // three pieces
  work.add_job(0, 3, (8 << 20));             // one piece exactly
  work.add_job(0, 5, (8 << 20) + 1);         // and a byte more
  work.add_job(0, 1, 1 << 20);               // the largest of a group
  work.add_job(0, 1, (1 << 20) + 1, false);  // the smallest that is none, only checked
  for (const unsigned threads : {0U, 1U, 3U}) work.check_all(threads);
}

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
  for (const std::uint64_t at : {std::uint64_t{101}, std::uint64_t{9} << 20,
                                 (std::uint64_t{17} << 20) + 99}) {
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
  for (int i = 0; i < 5; ++i) {
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
  for (const std::uint64_t count : {0, 1, 3}) {
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

TEST(progress_may_stop_the_work) {
  Work work;
  work.add_shard(random_bytes(40 << 20, 1));
  work.add_job(0, 0, 40 << 20, false);
  int calls = 0;
  const auto stop = [&](std::uint64_t) { return ++calls, false; };
  for (const unsigned threads : {1U, 4U}) {
    // With more threads, the caller's may find nothing left to do, and then never reports.
    try {
      run_jobs(work.jobs, {threads, stop});
      CHECK(threads > 1);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kCancelled);
    }
  }
  CHECK(calls >= 1 && calls <= 2);
}

TEST(progress_counts_bytes_on_the_callers_thread) {
  Work work;
  add_small_jobs(work);
  const auto self = std::this_thread::get_id();
  std::uint64_t last = 0;
  bool own_thread = true;
  const auto note = [&](std::uint64_t done) {
    own_thread = own_thread && std::this_thread::get_id() == self && done >= last;
    last = done;
    return true;
  };
  CHECK(run_jobs(work.jobs, {4, note}).empty());
  CHECK(own_thread && last > 0);
}

TEST(an_exception_of_progress_comes_through) {
  Work work;
  work.add_shard("abc");
  work.add_job(0, 0, 3);
  bool caught = false;
  try {
    run_jobs(work.jobs, {1, [](std::uint64_t) -> bool { throw std::runtime_error("mine"); }});
  } catch (const std::runtime_error& error) {
    caught = error.what() == std::string("mine");
  }
  CHECK(caught);
}

TEST(an_absurd_number_of_threads_takes_no_memory) {
  Work work;
  work.add_shard("abc");
  work.add_job(0, 0, 3);
  work.check_all(4'000'000'000U);
}

}  // namespace
