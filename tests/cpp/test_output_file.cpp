#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"
#include "temporary_file.hpp"
#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/files/output_file.hpp"

namespace {

using namespace tensorbundle;

std::string random_bytes(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Piece memory(const std::string& bytes) {
  Piece piece;
  piece.data = bytes.data();
  piece.size = bytes.size();
  return piece;
}

Piece of(FileRange& range, std::size_t size) {
  Piece piece;
  piece.source = &range;
  piece.size = size;
  return piece;
}

TEST(bytes_and_ranges_of_files_come_out_in_their_order_with_their_checksums) {
  const std::string stored = random_bytes((9 << 20) + 123, 1);
  const std::string head = "head", middle = random_bytes((5 << 20) + 1, 2), end = "end";
  const TemporaryFile from(stored), into;
  const auto source = from.open();
  for (const unsigned threads : {1U, 0U}) {
    Workspace workspace(threads);
    OutputFile file(into.vacate());
    FileRange most(*source, 7), none(*source, 0), last_five(*source, stored.size() - 5);
    std::vector<Piece> pieces = {memory(head), of(most, (8 << 20) + 1), memory(middle), of(none, 0),
                                 of(last_five, 5)};
    file.append(pieces, workspace);
    Piece last = memory(end);
    file.append({&last, 1}, workspace);
    const std::string wanted =
        head + stored.substr(7, (8 << 20) + 1) + middle + stored.substr(stored.size() - 5) + end;
    CHECK_EQ(file.size(), wanted.size());
    file.finish(threads == 1);
    CHECK(contents_of(into.path()) == wanted);
    CHECK_EQ(pieces[1].crc32c, crc32c(ByteView(stored).substr(7, (8 << 20) + 1)));
    CHECK_EQ(pieces[2].crc32c, crc32c(middle));
    CHECK_EQ(pieces[3].crc32c, 0);
    CHECK_EQ(pieces[4].crc32c, crc32c(ByteView(stored).substr(stored.size() - 5)));
    CHECK_EQ(last.crc32c, crc32c(end));
  }
}

TEST(small_ranges_are_kept_until_the_end) {
  const TemporaryFile from("0123456789"), into;
  const auto source = from.open();
  Workspace workspace(2);
  OutputFile file(into.vacate());
  for (std::uint64_t i = 0; i < 9; i += 3) {
    FileRange two(*source, i);
    Piece piece = of(two, 2);
    file.append({&piece, 1}, workspace);
    CHECK_EQ(piece.crc32c, crc32c(ByteView("0123456789").substr(i, 2)));
  }
  file.finish(false);
  CHECK(contents_of(into.path()) == "013467");
}

TEST(a_source_that_is_cut_off_is_told_of_itself) {
  const TemporaryFile from(random_bytes(6 << 20, 3)), into;
  const auto source = from.open();
  for (const std::size_t size : {std::size_t{100}, std::size_t{6} << 20}) {
    Workspace workspace(0);
    OutputFile file(into.vacate());
    FileRange too_much(*source, source->size() - size + 1);
    Piece piece = of(too_much, size);
    CHECK(!too_much.failed());
    CHECK_THROWS(file.append({&piece, 1}, workspace), ErrorCode::kTruncated);
    CHECK(too_much.failed());
  }
}

TEST(unchecked_ranges_stand_between_what_is_appended) {
  const std::string stored = random_bytes((5 << 20) + 77, 4), big = random_bytes(9 << 20, 5);
  const TemporaryFile from(stored), into;
  const auto source = from.open();
  Workspace workspace(0);
  OutputFile file(into.vacate());
  const std::string head = "head", end = random_bytes((4 << 20) + 3, 6);
  Piece first = memory(head), second = memory(big), third = memory(end);
  file.append({&first, 1}, workspace);
  file.append({&second, 1}, workspace);
  if (!file.append_unchecked(*source, 11, 5 << 20)) return;  // no such way on this file system
  file.append({&third, 1}, workspace);
  CHECK(file.append_unchecked(*source, 0, 10));
  CHECK_EQ(file.size(), head.size() + big.size() + (5 << 20) + end.size() + 10);
  file.finish(true);
  const std::string wanted = head + big + stored.substr(11, 5 << 20) + end + stored.substr(0, 10);
  CHECK(contents_of(into.path()) == wanted);
}

TEST(unchecked_ranges_past_the_end_append_nothing) {
  const TemporaryFile from("0123456789"), into;
  const auto source = from.open();
  OutputFile file(into.vacate());
  CHECK(!file.append_unchecked(*source, 5, 6));
  CHECK_EQ(file.size(), 0);
}

TEST(a_file_that_somebody_has_put_there_is_refused_and_stays) {
  const TemporaryFile there("theirs");
  CHECK_THROWS(OutputFile(there.path()), ErrorCode::kSystem);
  CHECK_EQ(contents_of(there.path()), "theirs");
  const TemporaryFile link;
  std::filesystem::create_symlink(there.vacate(), link.vacate());
  CHECK_THROWS(OutputFile(link.path()), ErrorCode::kSystem);
  CHECK(!std::filesystem::exists(there.path()));
}

TEST(a_file_that_cannot_be_made_is_an_error_of_the_system) {
  CHECK_THROWS(OutputFile("/no/such/folder/file"), ErrorCode::kSystem);
}

}  // namespace
