#include <atomic>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "table_maker.hpp"
#include "temporary_bundle.hpp"
#include "tensorbundle/files/held_bytes.hpp"
#include "tensorbundle/reading/verify.hpp"

namespace {

using namespace tensorbundle;

std::string copied(const HeldBytes& held, std::uint64_t offset, std::size_t size) {
  std::string into(size, '?');
  return held.copy(offset, into.data(), size) ? "" : into;
}

TEST(a_range_is_copied_out_of_pieces_that_touch_or_overlap) {
  HeldBytes held;
  held.hold(10, "abcdef", 6, nullptr);
  held.hold(16, "ghij", 4, nullptr);
  held.hold(12, "cdefgh", 6, nullptr);
  CHECK_EQ(copied(held, 10, 10), "abcdefghij");
  CHECK_EQ(copied(held, 15, 3), "fgh");
  CHECK_EQ(copied(held, 20, 0), "");
}

TEST(what_is_missing_first_is_told) {
  HeldBytes held;
  held.hold(0, "abcd", 4, nullptr);
  held.hold(8, "ijkl", 4, nullptr);
  std::string into(12, '?');
  const auto hole = held.copy(0, into.data(), 12);
  CHECK(hole.has_value());
  CHECK_EQ(hole->offset, 4);
  CHECK(hole->size >= 4);
  const auto end = held.copy(10, into.data(), 5);
  CHECK(end.has_value());
  CHECK_EQ(end->offset, 12);
  CHECK_EQ(end->size, 3);
}

TEST(bytes_are_kept_alive_until_they_are_released) {
  HeldBytes held;
  auto owner = std::make_shared<const std::string>("abcd");
  const std::weak_ptr<const std::string> alive = owner;
  const std::uint64_t one = held.hold(0, owner->data(), 4, owner);
  const std::uint64_t other = held.hold(0, owner->data(), 4, owner);
  owner.reset();
  held.release(one);
  CHECK_EQ(copied(held, 1, 2), "bc");
  CHECK(!alive.expired());
  held.release(other);
  CHECK(alive.expired());
  CHECK_EQ(copied(held, 1, 2), "");
  held.release(other);  // once more is no harm
}

TEST(many_threads_hold_copy_and_release) {
  HeldBytes held;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&held, &wrong, number] {
      const std::string bytes(100, static_cast<char>('a' + number));
      for (int i = 0; i < 500; ++i) {
        const std::uint64_t offset = 1000U * static_cast<unsigned>(number);
        const std::uint64_t token = held.hold(offset, bytes.data(), bytes.size(), nullptr);
        wrong += copied(held, offset + 10, 50) != bytes.substr(0, 50);
        held.release(token);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(wrong.load(), 0);
}

TEST(a_file_that_lies_elsewhere_tells_what_it_lacks_once) {
  const File file("far://bucket/shard", 100);
  CHECK_EQ(file.size(), 100);
  char into[20];
  file.held()->hold(40, "0123456789", 10, nullptr);
  file.read_at(42, into, 5);
  CHECK_EQ(std::string(into, 5), "23456");
  CHECK_THROWS(file.read_at(45, into, 20), ErrorCode::kSystem);
  const auto missed = file.take_missed();
  CHECK(missed.has_value());
  CHECK_EQ(missed->offset, 50);
  CHECK_EQ(missed->size, 15);
  CHECK(!file.take_missed().has_value());
  CHECK_THROWS(file.read_at(90, into, 11), ErrorCode::kTruncated);
}

TEST(a_shard_that_is_given_is_the_one_that_is_read) {
  const TemporaryBundle bundle(3);
  Shards shards(bundle.prefix(), 3);
  const auto far = std::make_shared<const File>("far://bucket/model.data-00001-of-00003", 8);
  shards.give(1, far);
  CHECK(&shards.file(1) == far.get() && shards.share(1) == far);
  CHECK_THROWS(shards.map(1), ErrorCode::kSystem);
  CHECK_THROWS(shards.file(0), ErrorCode::kMissingFile);
}

// What there is to read of the shards [first, last), of which 0 and 1 are given and 2 is not there.
VerifyPlan planned(const std::map<std::string, std::string>& tensors, std::int32_t first,
                   std::int32_t last) {
  const TemporaryBundle bundle(3);
  const Index index(bundle.put_index(maker::index(tensors)));
  Shards shards(bundle.prefix(), 3);
  shards.give(0, std::make_shared<const File>("far://0", 12));
  shards.give(1, std::make_shared<const File>("far://1", 4));
  Header header = index.header();
  header.num_shards = 3;
  return plan_entries(index.all(), header, shards, first, last);
}

TEST(a_plan_is_in_the_order_of_offsets_and_reads_nothing) {
  const VerifyPlan plan = planned({{"a", maker::float_entry(8, "abcd")},
                                   {"b", maker::float_entry(0, "efgh")},
                                   {"c", maker::float_entry(4, "ijkl")}},
                                  0, 1);
  CHECK_EQ(plan.jobs.size(), 3);
  CHECK(plan.findings.empty() && plan.lost.empty());
  const std::size_t rows[] = {1, 2, 0};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK_EQ(plan.jobs[i].offset, 4 * i);
    CHECK_EQ(plan.jobs[i].size, 4);
    CHECK_EQ(plan.rows[i], rows[i]);
  }
}

TEST(a_plan_finds_what_takes_no_bytes_to_find) {
  const VerifyPlan plan = planned({{"a", "\x08"},
                                   {"b", maker::float_entry(0, "abcd")},
                                   {"c", maker::float_entry(2, "efgh")},
                                   {"d", maker::float_entry(10, "ijkl")}},
                                  0, 1);
  CHECK_EQ(plan.jobs.size(), 1);
  CHECK_EQ(plan.findings.size(), 3);
  CHECK(plan.findings[0].error.code() == ErrorCode::kFormat);
  CHECK(plan.findings[2].error.code() == ErrorCode::kTruncated);
}

TEST(plans_of_some_shards_are_together_that_of_all) {
  const std::map<std::string, std::string> tensors = {
      {"a", "\x08"},
      {"b", maker::float_entry(0, "abcd")},
      {"c", maker::entry({1, {1}, 1, 0, 4, 0, {}})},
      {"d", maker::entry({1, {1}, 2, 0, 4, 0, {}})}};
  const VerifyPlan all = planned(tensors, 0, 3);
  std::size_t jobs = 0;
  std::size_t findings = 0;
  std::size_t lost = 0;
  for (std::int32_t shard = 0; shard < 3; ++shard) {
    const VerifyPlan plan = planned(tensors, shard, shard + 1);
    jobs += plan.jobs.size();
    findings += plan.findings.size();
    lost += plan.lost.size();
  }
  CHECK_EQ(all.jobs.size(), 2);
  CHECK_EQ(all.lost.size(), 1);
  CHECK_EQ(jobs, all.jobs.size());
  CHECK_EQ(findings, all.findings.size());
  CHECK_EQ(lost, all.lost.size());
}

}  // namespace
