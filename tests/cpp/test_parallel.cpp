#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"
#include "tensorbundle/base/parallel.hpp"

namespace {

using tensorbundle::parallel_for;

// The message of what a loop throws.
template <typename Work>
std::string thrown(std::size_t count, unsigned threads, Work work) {
  try {
    parallel_for(count, threads, work);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

TEST(every_index_is_worked_on_once) {
  for (const unsigned threads : {0U, 1U, 2U, 8U}) {
    std::vector<std::atomic<int>> calls(1000);
    parallel_for(calls.size(), threads, [&](std::size_t i, unsigned) { ++calls[i]; });
    for (const auto& count : calls) CHECK_EQ(count.load(), 1);
  }
}

TEST(nothing_to_do_is_done) {
  parallel_for(0, 8, [](std::size_t, unsigned) { throw std::logic_error("called"); });
}

TEST(a_worker_never_runs_twice_at_a_time) {
  std::vector<std::atomic<bool>> busy(4);
  parallel_for(2000, 4, [&](std::size_t, unsigned worker) {
    CHECK(!busy.at(worker).exchange(true));
    CHECK(busy[worker].exchange(false));
  });
}

TEST(one_thread_is_the_callers) {
  const auto self = std::this_thread::get_id();
  std::size_t next = 0;
  parallel_for(100, 1, [&](std::size_t i, unsigned worker) {
    CHECK(std::this_thread::get_id() == self && worker == 0);
    CHECK_EQ(i, next++);
  });
}

TEST(more_threads_than_work_are_not_started) {
  std::atomic<unsigned> highest{0};
  parallel_for(3, 4'000'000'000U, [&](std::size_t, unsigned worker) {
    for (unsigned seen = highest; worker > seen && !highest.compare_exchange_weak(seen, worker);) {
    }
  });
  CHECK(highest < 3);
}

TEST(the_exception_of_the_lowest_index_is_thrown) {
  for (int round = 0; round < 50; ++round) {
    CHECK_EQ(thrown(1000, 4,
                    [](std::size_t i, unsigned) {
                      if (i >= 17) throw std::runtime_error(std::to_string(i));
                    }),
             "17");
  }
}

TEST(no_work_begins_after_an_exception) {
  std::size_t calls = 0;
  CHECK_EQ(thrown(1000, 1,
                  [&](std::size_t i, unsigned) {
                    ++calls;
                    if (i == 5) throw std::runtime_error("stop");
                  }),
           "stop");
  CHECK_EQ(calls, 6);
}

}  // namespace
