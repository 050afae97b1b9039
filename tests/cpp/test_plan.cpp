#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "check.hpp"
#include "temporary_bundle.hpp"
#include "tensorbundle/reading/plan.hpp"

namespace {

using namespace tensorbundle;

constexpr std::int64_t kMax = INT64_MAX;

// Shard 0 of 100 bytes, and six that are missing.
struct Fixture {
  Fixture() : bundle(7), shards(bundle.prefix(), 7) {
    header.num_shards = 7;
    bundle.put_shard(0, std::string(100, 'x'));
  }

  Job plan(const Entry& entry) const {
    return tensorbundle::plan(
        {entry.dtype, entry.shard, entry.offset, entry.size, entry.crc32c, entry.shape}, header,
        shards);
  }

  TemporaryBundle bundle;
  Header header;
  Shards shards;
};

Job job_at(std::uint32_t shard, std::uint64_t offset, std::uint64_t size) {
  Job job;
  job.shard = shard;
  job.offset = offset;
  job.size = size;
  return job;
}

TEST(a_sound_entry_becomes_a_job) {
  Fixture fixture;
  fixture.header.big_endian = true;
  const Job job = fixture.plan({1, {2, 3}, 0, 76, 24, 0x1234, {}});
  CHECK_EQ(job.offset, 76);
  CHECK_EQ(job.size, 24);
  CHECK_EQ(job.count, 6);
  CHECK_EQ(job.crc32c, 0x1234);
  CHECK(job.layout == Layout::kBytes && job.big_endian && job.into == nullptr);
  CHECK(job.file == &fixture.shards.file(0));
}

TEST(strings_and_variants_have_layouts_of_their_own) {
  const Fixture fixture;
  CHECK(fixture.plan({kString, {2}, 0, 0, 20, 0, {}}).layout == Layout::kStrings);
  CHECK(fixture.plan({kVariant, {2}, 0, 0, 20, 0, {}}).layout == Layout::kVariants);
}

TEST(a_size_that_is_not_the_shapes_is_a_size_mismatch) {
  const Fixture fixture;
  for (const std::int64_t size : {0, 4, 23, 25, 48}) {
    CHECK_THROWS(fixture.plan({1, {2, 3}, 0, 0, size, 0, {}}), ErrorCode::kSizeMismatch);
  }
  CHECK_THROWS(fixture.plan({1, {kMax}, 0, 0, 4, 0, {}}), ErrorCode::kSizeMismatch);
  // kMax * 16 bytes would wrap to something small.
  CHECK_THROWS(fixture.plan({18, {1LL << 60}, 0, 0, 0, 0, {}}), ErrorCode::kSizeMismatch);
  CHECK_THROWS(fixture.plan({kString, {30}, 0, 0, 29, 0, {}}), ErrorCode::kSizeMismatch);
  CHECK_THROWS(fixture.plan({kVariant, {30}, 0, 0, 29, 0, {}}), ErrorCode::kSizeMismatch);
}

TEST(an_unknown_type_has_whatever_size_it_says) {
  const Fixture fixture;
  CHECK_EQ(fixture.plan({99, {5, 5}, 0, 0, 3, 0, {}}).size, 3);
  CHECK_EQ(fixture.plan({-1, {}, 0, 0, 3, 0, {}}).size, 3);
}

TEST(a_range_past_the_end_is_truncated) {
  const Fixture fixture;
  CHECK_EQ(fixture.plan({4, {100}, 0, 0, 100, 0, {}}).size, 100);
  CHECK_THROWS(fixture.plan({4, {100}, 0, 1, 100, 0, {}}), ErrorCode::kTruncated);
  CHECK_THROWS(fixture.plan({4, {1}, 0, 100, 1, 0, {}}), ErrorCode::kTruncated);
  CHECK_THROWS(fixture.plan({4, {1}, 0, kMax, 1, 0, {}}), ErrorCode::kTruncated);
  CHECK_THROWS(fixture.plan({4, {kMax}, 0, kMax, kMax, 0, {}}), ErrorCode::kTruncated);
}

TEST(an_empty_tensor_may_lie_anywhere) {
  const Fixture fixture;
  CHECK_EQ(fixture.plan({1, {0}, 0, kMax, 0, 0, {}}).size, 0);
  CHECK_EQ(fixture.plan({1, {3, 0, 2}, 0, 100, 0, 0, {}}).count, 0);
}

TEST(a_missing_shard_is_missing_for_empty_tensors_too) {
  const Fixture fixture;
  CHECK_THROWS(fixture.plan({1, {1}, 5, 0, 4, 0, {}}), ErrorCode::kMissingFile);
  CHECK_THROWS(fixture.plan({1, {0}, 5, 0, 0, 0, {}}), ErrorCode::kMissingFile);
  CHECK_THROWS(fixture.plan({1, {1}, 6, 0, 4, 0, {}}), ErrorCode::kMissingFile);
}

TEST(a_shard_that_cannot_be_is_a_format_error) {
  const Fixture fixture;
  for (const std::int32_t shard : {-1, 7, INT32_MIN, INT32_MAX}) {
    CHECK_THROWS(fixture.plan({1, {1}, shard, 0, 4, 0, {}}), ErrorCode::kFormat);
  }
}

TEST(element_counts_are_products) {
  CHECK_EQ(element_count({}), 1);
  CHECK_EQ(element_count(std::vector<std::int64_t>{3, 0, 2}), 0);
  CHECK_EQ(element_count(std::vector<std::int64_t>{kMax}), kMax);
}

// For each job, the number of the one it runs into, or -1.
std::vector<int> clashes(const std::vector<Job>& jobs) {
  OverlapSweep sweep;
  std::vector<int> found;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto other = sweep.add(jobs[i], i);
    found.push_back(other ? static_cast<int>(*other) : -1);
  }
  return found;
}

TEST(neighbours_do_not_overlap) {
  CHECK((clashes({job_at(0, 0, 10), job_at(0, 10, 5), job_at(1, 0, 20)}) ==
         std::vector<int>{-1, -1, -1}));
}

TEST(empty_tensors_overlap_nothing) {
  CHECK((clashes({job_at(0, 0, 10), job_at(0, 5, 0), job_at(0, 10, 0), job_at(0, 10, 5)}) ==
         std::vector<int>{-1, -1, -1, -1}));
}

TEST(an_overlap_is_with_the_range_that_reaches_furthest) {
  CHECK((clashes({job_at(0, 0, 90), job_at(0, 20, 10), job_at(0, 50, 50), job_at(0, 95, 10),
                  job_at(1, 30, 10), job_at(1, 30, 10), job_at(2, 35, 1)}) ==
         std::vector<int>{-1, 0, 0, 2, -1, 4, -1}));
}

}  // namespace
