#include <string>
#include <thread>

#include "bulk_work.hpp"

namespace {

using namespace bulk_work;

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
  last = 0;
  CHECK(run_jobs(work.jobs, {1, note}).empty());
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
