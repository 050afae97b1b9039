#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "check.hpp"
#include "temporary_file.hpp"
#include "tensorbundle/files/mapped_file.hpp"

namespace {

using namespace tensorbundle;
namespace fs = std::filesystem;

std::string read(const File& file, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '?');
  file.read_at(offset, bytes.data(), size);
  return bytes;
}

void open_path(const std::string& path) { const File file(path); }

// A path where nothing is, until the test puts something there.
struct FreePath {
  FreePath() : path(TemporaryFile().path()) {}
  ~FreePath() { fs::remove_all(path); }
  std::string path;
};

TEST(ranges_are_read) {
  const TemporaryFile file("0123456789");
  const auto opened = file.open();
  CHECK_EQ(opened->size(), 10);
  CHECK_EQ(opened->path(), file.path());
  CHECK_EQ(read(*opened, 0, 10), "0123456789");
  CHECK_EQ(read(*opened, 3, 4), "3456");
  CHECK_EQ(read(*opened, 10, 0), "");
}

TEST(a_range_past_the_end_is_truncated) {
  const TemporaryFile file("0123456789");
  const auto opened = file.open();
  try {
    read(*opened, 8, 4);
    CHECK(false);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kTruncated);
    CHECK_EQ(error.offset().value(), 8);
    CHECK_EQ(error.size(), 4);
  }
  CHECK_THROWS(read(*opened, 1 << 20, 1), ErrorCode::kTruncated);
}

TEST(a_file_cut_while_open_is_truncated) {
  const TemporaryFile file("0123456789");
  const auto opened = file.open();
  file.write("01");
  CHECK_EQ(opened->size(), 10);
  CHECK_THROWS(read(*opened, 0, 10), ErrorCode::kTruncated);
}

TEST(a_missing_file_is_missing) {
  const FreePath nothing;
  CHECK_THROWS(open_path(nothing.path), ErrorCode::kMissingFile);
  CHECK_THROWS(open_path(nothing.path + "/below"), ErrorCode::kMissingFile);
  CHECK_THROWS(open_path(""), ErrorCode::kMissingFile);
  const TemporaryFile file("x");
  CHECK_THROWS(open_path(file.path() + "/below"), ErrorCode::kMissingFile);
  CHECK_THROWS(open_path(file.path() + std::string("\0x", 2)), ErrorCode::kMissingFile);
}

TEST(a_directory_is_a_format_error) {
  CHECK_THROWS(open_path(fs::temp_directory_path().string()), ErrorCode::kFormat);
}

TEST(a_named_pipe_is_a_format_error_and_never_waits) {
  const FreePath pipe;
  CHECK_EQ(::mkfifo(pipe.path.c_str(), 0600), 0);
  CHECK_THROWS(open_path(pipe.path), ErrorCode::kFormat);
}

TEST(a_device_is_a_format_error) { CHECK_THROWS(open_path("/dev/zero"), ErrorCode::kFormat); }

TEST(a_name_too_long_is_a_system_error_with_its_number) {
  try {
    open_path(std::string(100'000, 'x'));
    CHECK(false);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kSystem);
    CHECK_EQ(error.system_errno(), ENAMETOOLONG);
  }
}

TEST(a_replaced_file_stays_readable_through_a_kept_descriptor) {
  const TemporaryFile file("old"), other("new");
  const auto opened = file.open();
  fs::rename(other.path(), file.path());
  CHECK_EQ(read(*opened, 0, 3), "old");
}

// So many open files that further ones are opened again for each use.
struct ManyOpen {
  ManyOpen() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    CHECK(limit.rlim_cur >= 400);
    for (int i = 0; i < 300; ++i) files.push_back(filler.open());
  }
  TemporaryFile filler;
  std::vector<std::shared_ptr<const File>> files;
};

TEST(beyond_many_descriptors_files_are_opened_again) {
  const ManyOpen many;
  const TemporaryFile file("0123456789"), other("new");
  const auto opened = file.open();
  CHECK_EQ(read(*opened, 3, 4), "3456");
  {
    const File::Access access = opened->access();
    std::string bytes(2, '?');
    opened->read_at(access, 8, bytes.data(), 2);
    CHECK_EQ(bytes, "89");
  }
  fs::rename(other.path(), file.path());
  CHECK_THROWS(read(*opened, 0, 3), ErrorCode::kReplaced);
  fs::remove(file.path());
  CHECK_THROWS(read(*opened, 0, 3), ErrorCode::kMissingFile);
}

TEST(descriptors_close_themselves) {
  const TemporaryFile file("x");
  const int first = file.open()->access().number();
  CHECK(first >= 0);
  for (int i = 0; i < 2000; ++i) CHECK_EQ(read(*file.open(), 0, 1), "x");
  CHECK_EQ(file.open()->access().number(), first);
}

TEST(an_empty_file_is_opened_and_mapped) {
  const TemporaryFile file;
  const auto opened = file.open();
  CHECK_EQ(opened->size(), 0);
  CHECK_EQ(read(*opened, 0, 0), "");
  CHECK_THROWS(read(*opened, 0, 1), ErrorCode::kTruncated);
  const MappedFile map(*opened, MappedFile::Writes::kRefused);
  CHECK_EQ(map.size(), 0);
}

TEST(a_map_outlives_its_file) {
  std::optional<MappedFile> map;
  {
    const TemporaryFile file("0123456789");
    map.emplace(*file.open(), MappedFile::Writes::kRefused);
  }
  CHECK_EQ(std::string(map->data(), map->size()), "0123456789");
  CHECK(!map->writable());
}

TEST(writes_to_a_private_map_never_reach_the_file) {
  const TemporaryFile file("0123456789");
  const auto opened = file.open();
  const MappedFile map(*opened, MappedFile::Writes::kPrivate);
  CHECK(map.writable());
  map.data()[0] = 'x';
  CHECK_EQ(std::string(map.data(), 2), "x1");
  CHECK_EQ(read(*opened, 0, 2), "01");
}

TEST(a_local_file_is_not_on_the_network) {
  const TemporaryFile file("x");
  CHECK(!file.open()->on_network());
}

}  // namespace
