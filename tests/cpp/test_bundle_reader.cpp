#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "table_maker.hpp"
#include "temporary_bundle.hpp"
#include "tensorbundle/reading/bundle_reader.hpp"

namespace {

using namespace tensorbundle;
using Tensors = std::map<std::string, std::string>;

// A bundle of one shard and its reader.
struct Fixture {
  explicit Fixture(const Tensors& tensors, const std::string& bytes, bool checks = true,
                   std::size_t block_size = 262144)
      : reader(open(tensors, bytes, block_size), bundle.prefix(), MappedFile::Writes::kRefused,
               checks) {}

  std::shared_ptr<const File> open(const Tensors& tensors, const std::string& bytes,
                                   std::size_t block_size) {
    bundle.put_shard(0, bytes);
    return bundle.put_index(maker::index(tensors, block_size));
  }

  [[nodiscard]] std::string view(const std::string& name) const {
    const auto found = reader.find(name);
    if (!found) return "(none)";
    reader.check(*found);
    const BorrowedBytes bytes = reader.borrow(*found);
    return {bytes.data, static_cast<std::size_t>(found->range().size)};
  }

  [[nodiscard]] bool is_checked(const std::string& name) const {
    return reader.is_checked(*reader.find(name));
  }

  TemporaryBundle bundle;
  BundleReader reader;
};

template <typename Body>
std::string message_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// t000 to t299, each of four bytes.
Tensors many() {
  Tensors tensors;
  for (int i = 0; i < 300; ++i) {
    const std::string number = std::to_string(1000 + i).substr(1);
    tensors["t" + number] = maker::float_entry(4 * i, "=" + number);
  }
  return tensors;
}

std::string bytes_of_many() {
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes += "=" + std::to_string(1000 + i).substr(1);
  return bytes;
}

TEST(the_first_look_up_reads_one_block_and_the_second_all) {
  const Fixture fixture(many(), bytes_of_many(), true, 200);
  CHECK_EQ(fixture.view("t150"), "=150");
  CHECK(!fixture.reader.has_list());
  CHECK_EQ(fixture.view("t299"), "=299");
  CHECK(fixture.reader.has_list());
  CHECK(fixture.is_checked("t150"));  // it need not be checked again
}

TEST(a_tensor_that_is_not_there_is_not_found) {
  const Fixture fixture(many(), bytes_of_many());
  for (int i = 0; i < 3; ++i) CHECK(!fixture.reader.find("t").has_value());
  CHECK(!fixture.reader.find("").has_value());
}

TEST(slices_are_no_tensors_and_names_like_theirs_are) {
  const std::string slice = encode_slice_key("w", {{0, 1}});
  const std::string like_one("\0ab", 3);
  const Fixture fixture({{slice, maker::float_entry(0, "abcd")},
                         {like_one, maker::float_entry(0, "abcd")},
                         {"w", maker::entry({1, {1}, 0, 0, 0, 0, {{{0, 1}}}})}},
                        "abcd");
  for (int i = 0; i < 2; ++i) {
    CHECK(!fixture.reader.find(slice).has_value());
    CHECK_EQ(fixture.reader.find("w")->slices().size(), 1);
    CHECK_EQ(fixture.view(like_one), "abcd");
  }
  CHECK_EQ(fixture.reader.index().all().num_tensors(), 2);
}

TEST(bytes_are_checked_once) {
  Fixture fixture({{"a", maker::float_entry(0, "abcd")}, {"b", maker::float_entry(4, "efgh")}},
                  "abcdefgx");
  for (int i = 0; i < 3; ++i) {
    CHECK_EQ(fixture.view("a"), "abcd");
    CHECK_THROWS(fixture.view("b"), ErrorCode::kChecksum);
  }
  CHECK(fixture.is_checked("a") && !fixture.is_checked("b"));
}

TEST(without_checks_only_the_place_is_compared) {
  const Fixture fixture(
      {{"a", maker::float_entry(0, "abcd")}, {"b", maker::float_entry(4, "efgh")}}, "abcx", false);
  CHECK_EQ(fixture.view("a"), "abcx");
  CHECK_THROWS(fixture.view("b"), ErrorCode::kTruncated);
}

TEST(who_goes_in_order_has_the_next_ones_checked_and_no_damage_is_missed) {
  std::string bytes = bytes_of_many();
  bytes[4 * 7] = 'x';
  const Fixture fixture(many(), bytes);
  (void)fixture.reader.find("t000");
  CHECK_EQ(fixture.view("t002"), "=002");
  CHECK(!fixture.is_checked("t003"));
  CHECK_EQ(fixture.view("t003"), "=003");
  CHECK(fixture.is_checked("t004") && fixture.is_checked("t200"));
  CHECK(!fixture.is_checked("t007") && !fixture.is_checked("t001"));
  CHECK_THROWS(fixture.view("t007"), ErrorCode::kChecksum);
  CHECK_EQ(fixture.view("t008"), "=008");
}

TEST(what_one_check_finds_many_find_too) {
  std::string bytes = bytes_of_many();
  bytes[4 * 7] = 'x';
  const Fixture fixture(many(), bytes);
  const EntryList& list = fixture.reader.index().all();
  std::vector<Job> jobs;
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < list.size(); ++row) {
    jobs.push_back(fixture.reader.plan(list.range(row)));
    rows.push_back(row);
  }
  for (int i = 0; i < 2; ++i) {
    const std::vector<Failure> failures = fixture.reader.check(jobs, rows, {1, {}});
    CHECK_EQ(failures.size(), 1);
    CHECK_EQ(failures[0].job, 7);
    CHECK_EQ(std::string(failures[0].error.what()),
             message_of([&] { (void)fixture.view("t007"); }));
  }
  CHECK(fixture.is_checked("t299") && !fixture.is_checked("t007"));
}

TEST(a_damaged_block_spoils_its_own_tensors_only) {
  TemporaryBundle bundle;
  bundle.put_shard(0, bytes_of_many());
  std::string index = maker::index(many(), 200);
  index[index.size() / 2] ^= 1;  // not in the first block, which has the header
  const BundleReader reader(bundle.put_index(index), bundle.prefix(), MappedFile::Writes::kRefused,
                            true);
  std::size_t sound = 0, damaged = 0;
  for (int i = 0; i < 300; ++i) {
    try {
      const auto found = reader.find("t" + std::to_string(1000 + i).substr(1));
      CHECK(found.has_value());
      reader.check(*found);
      CHECK(reader.is_checked(*found));
      ++sound;
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kChecksum);
      ++damaged;
    }
  }
  CHECK(sound > 200 && damaged > 0);
  CHECK_THROWS(reader.find("absent"), ErrorCode::kChecksum);
}

TEST(a_save_over_it_is_told_from_damage) {
  Fixture fixture({{"a", maker::float_entry(0, "abcd")}}, "abcx");
  CHECK_THROWS(fixture.view("a"), ErrorCode::kChecksum);
  fixture.bundle.put_index(maker::index({{"a", maker::float_entry(0, "abcx")}}));
  CHECK_THROWS(fixture.view("a"), ErrorCode::kReplaced);
}

TEST(threads_see_the_same) {
  std::string bytes = bytes_of_many();
  bytes[4 * 7] = 'x';
  const Fixture fixture(many(), bytes, true, 200);
  std::atomic<int> damaged = 0, wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 300; ++i) {
          // Two in order, two against it.
          const std::string number = std::to_string(t % 2 == 0 ? 1000 + i : 1299 - i).substr(1);
          try {
            if (fixture.view("t" + number) != "=" + number) ++wrong;
          } catch (const Error&) {
            ++damaged;
          }
        }
      });
    }
  }
  CHECK_EQ(wrong.load(), 0);
  CHECK_EQ(damaged.load(), 4);
}

}  // namespace
