// Maps of files that are cut off: the fault ends the read, not the process, and no other fault is
// swallowed.
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "temporary_file.hpp"
#include "tensorbundle/files/bus_errors.hpp"
#include "tensorbundle/files/mapped_file.hpp"
#include "tensorbundle/files/output_file.hpp"

using namespace tensorbundle;

namespace {

constexpr std::size_t kPages = std::size_t{8} << 12;

// A map whose file is empty by now: every page of it faults.
std::shared_ptr<const MappedFile> cut_off(const TemporaryFile& file) {
  const auto opened = file.open();
  auto map = std::make_shared<const MappedFile>(*opened, MappedFile::Writes::kRefused);
  file.write("");
  return map;
}

bool reads(const MappedFile& map) {
  std::size_t sum = 0;
  auto read = [&] {
    for (std::size_t i = 0; i < map.size(); i += 512)
      sum += static_cast<unsigned char>(map.data()[i]);
  };
  return survives(map.data(), map.size(), read);
}

void (*handler())(int) {
  struct sigaction current{};
  ::sigaction(SIGBUS, nullptr, &current);
  return current.sa_handler;
}

}  // namespace

TEST(a_read_of_a_file_that_was_cut_off_ends_and_the_next_one_works) {
  const TemporaryFile cut(std::string(kPages, 'x'));
  const TemporaryFile whole(std::string(kPages, 'y'));
  const auto gone = cut_off(cut);
  const MappedFile there(*whole.open(), MappedFile::Writes::kRefused);
  const BusErrorGuard guard;
  for (int i = 0; i < 100; ++i) {
    CHECK(!reads(*gone));
    CHECK(reads(there));
  }
}

TEST(the_handler_that_was_there_comes_back_with_the_last_guard) {
  const auto before = handler();
  {
    const BusErrorGuard one;
    const BusErrorGuard other;
    CHECK(handler() != before);
  }
  CHECK(handler() == before);
}

TEST(threads_fault_each_for_themselves) {
  const TemporaryFile cut(std::string(kPages, 'x'));
  const TemporaryFile whole(std::string(kPages, 'y'));
  const auto gone = cut_off(cut);
  const MappedFile there(*whole.open(), MappedFile::Writes::kRefused);
  std::vector<int> wrong(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t) {
      threads.emplace_back([&, t] {
        const BusErrorGuard guard;
        for (int i = 0; i < 200; ++i) wrong[t] += reads(*gone) || !reads(there);
      });
    }
  }
  for (const int count : wrong) CHECK_EQ(count, 0);
}

TEST(what_is_appended_from_a_file_that_was_cut_off_is_truncated) {
  const TemporaryFile cut(std::string(kPages, 'x'));
  const auto gone = cut_off(cut);
  const std::string path = TemporaryFile().path();
  OutputFile out(path);
  Workspace workspace(1);
  std::vector<Piece> pieces = {{gone->data(), gone->size()}};
  CHECK_THROWS(out.append(pieces, workspace), ErrorCode::kTruncated);
  std::filesystem::remove(path);
}

TEST(a_write_to_a_map_that_is_handed_out_as_read_only_stays_in_the_process) {
  const TemporaryFile file("0123");
  const auto opened = file.open();
  const MappedFile map(*opened, MappedFile::Writes::kRefused);
  map.data()[0] = 'x';
  char stored = 0;
  opened->read_at(0, &stored, 1);
  CHECK_EQ(stored, '0');
  CHECK(!map.writable());
}
