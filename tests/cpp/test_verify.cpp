#include <map>
#include <memory>
#include <string>

#include "check.hpp"
#include "table_maker.hpp"
#include "temporary_bundle.hpp"
#include "tensorbundle/reading/verify.hpp"

namespace {

using namespace tensorbundle;

// Verifies an index of these tensors against one shard.
Verification verify(const std::map<std::string, std::string>& tensors, const std::string& shard,
                    const BulkOptions& options = {}) {
  const TemporaryBundle bundle;
  bundle.put_shard(0, shard);
  const Index index(bundle.put_index(maker::index(tensors)));
  const Shards shards(bundle.prefix(), 1);
  return verify_entries(index.all(), index.header(), shards, options);
}

TEST(a_sound_bundle_has_no_findings) {
  const Verification result = verify({{"a", maker::float_entry(0, "abcd")},
                                      {"b", maker::float_entry(4, "efghijkl")},
                                      {"c", maker::float_entry(12, "")}},
                                     "abcdefghijkl");
  CHECK(result.findings.empty());
  CHECK_EQ(result.checked, 3);
  CHECK_EQ(result.nbytes, 12);
}

TEST(each_fault_is_a_finding_of_its_row) {
  const Verification result = verify({{"a", "\x08"},
                                      {"b", maker::float_entry(0, "abcx")},
                                      {"c", maker::float_entry(4, "efgh")},
                                      {"d", maker::float_entry(9, "ijkl")},
                                      {"e", maker::entry({1, {2}, 0, 0, 4, 0, {}})},
                                      {"f", maker::entry({1, {1}, 3, 0, 4, 0, {}})}},
                                     "abcdefghijkl");
  const ErrorCode expected[] = {ErrorCode::kFormat, ErrorCode::kChecksum, ErrorCode::kTruncated,
                                ErrorCode::kSizeMismatch, ErrorCode::kFormat};
  const std::size_t rows[] = {0, 1, 3, 4, 5};
  CHECK_EQ(result.findings.size(), 5);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK_EQ(result.findings[i].row, rows[i]);
    CHECK(result.findings[i].error.code() == expected[i]);
  }
  CHECK_EQ(result.checked, 2);
}

TEST(ranges_that_overlap_are_reported_and_not_read_again) {
  std::map<std::string, std::string> tensors = {{"a", maker::float_entry(0, "abcdefgh")}};
  for (int i = 0; i < 100; ++i) {
    tensors["b" + std::to_string(100 + i)] = maker::float_entry(4, "efgh");
  }
  const Verification result = verify(tensors, "abcdefgh");
  CHECK_EQ(result.checked, 1);
  CHECK_EQ(result.nbytes, 8);
  CHECK_EQ(result.findings.size(), 100);
  CHECK(result.findings[0].error.code() == ErrorCode::kOverlap);
  CHECK(std::string(result.findings[0].error.what()).find("'a'") != std::string::npos);
}

TEST(a_name_in_a_message_is_printable_and_short) {
  const std::string name = "\xff\n" + std::string(100'000, 'n');
  const Verification result = verify(
      {{name, maker::float_entry(0, "abcd")}, {"\xff\xff", maker::float_entry(0, "abcd")}}, "abcd");
  CHECK_EQ(result.findings.size(), 1);
  const std::string message = result.findings[0].error.what();
  CHECK(message.size() < 500);
  CHECK(message.find("\\xff\\x0an") != std::string::npos);
}

TEST(a_partitioned_tensor_is_checked_through_its_slices) {
  const Verification result =
      verify({{encode_slice_key("w", {{0, 1}}), maker::float_entry(0, "abcd")},
              {"w", maker::entry({1, {2}, 99, 0, 0, 0, {{{0, 1}}}})}},
             "abcx");
  CHECK_EQ(result.checked, 1);
  CHECK_EQ(result.findings.size(), 1);
  CHECK_EQ(result.findings[0].row, 0);
}

TEST(strings_cannot_claim_the_bytes_of_others_over_and_over) {
  // Each says that it has one byte, and would have the rest of the shard read.
  std::map<std::string, std::string> tensors;
  for (int i = 0; i < 20'000; ++i) {
    tensors["s" + std::to_string(100'000 + i)] =
        maker::entry({kString, {1LL << 20}, 0, i, 1, 0, {}});
  }
  CHECK_EQ(verify(tensors, std::string(4 << 20, '\0')).findings.size(), 20'000);
}

TEST(a_shard_that_cannot_be_opened_is_one_finding) {
  const TemporaryBundle bundle(3);
  bundle.put_shard(0, "abcd");
  std::filesystem::create_directory(bundle.shard_path(2));
  const std::int64_t size = 4;
  const Index index(bundle.put_index(maker::index({
      {"a", maker::entry({1, {1}, 2, 0, size, 0, {}})},
      {"b", maker::float_entry(0, "abcd")},
      {"c", maker::entry({1, {1}, 1, 0, size, 0, {}})},
      {"d", maker::entry({1, {1}, 2, 4, size, 0, {}})},
  })));
  const Verification result =
      verify_entries(index.all(), index.header(), Shards(bundle.prefix(), 3), {});
  CHECK(result.findings.empty());
  CHECK_EQ(result.checked, 1);
  CHECK_EQ(result.lost.size(), 2);
  CHECK_EQ(result.lost[0].number, 1);
  CHECK(result.lost[0].error.code() == ErrorCode::kMissingFile);
  CHECK((result.lost[0].rows == std::vector<std::size_t>{2}));
  CHECK(result.lost[1].error.code() == ErrorCode::kFormat);
  CHECK((result.lost[1].rows == std::vector<std::size_t>{0, 3}));
}

TEST(a_stop_is_thrown) {
  CHECK_THROWS(verify({{"a", maker::float_entry(0, "abcd")}}, "abcd",
                      {1, [](std::uint64_t) { return false; }}),
               ErrorCode::kCancelled);
}

}  // namespace
