// The writing half of the core: tables, entries, files and bundles, against what TensorFlow wrote
// and against the reading half.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "check.hpp"
#include "table_maker.hpp"
#include "temporary_file.hpp"
#include "tensorbundle/format/string_tensor.hpp"
#include "tensorbundle/reading/index.hpp"
#include "tensorbundle/writing/bundle_writer.hpp"

using namespace tensorbundle;

namespace {

std::string contents_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string table_of(const maker::Entries& entries) {
  std::string out;
  TableWriter writer(out);
  for (const auto& [key, value] : entries) writer.add(key, value);
  writer.finish();
  return out;
}

// A folder for the files of one bundle, gone with the object.
class Folder {
 public:
  Folder() : path_((std::filesystem::temp_directory_path() / "tensorbundle-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace

TEST(an_index_of_one_scalar_is_tensorflows) {
  IndexWriter index;
  index.add("x", {1, {}, 0, 0, 4, crc32c(maker::from_hex("0000803f")), {}});
  const std::string expected = maker::from_hex(R"(
      00 00 06 08 01 1a 02 08 01 00 01 0b 78 08 01 12 00 28 04 35 81 a5 da 2b 00 00 00 00 01 00 00
      00 00 38 5a df 39 00 00 00 00 01 00 00 00 00 c0 f2 a1 b0 00 01 02 79 00 20 00 00 00 00 01 00
      00 00 00 c2 4c 06 42 25 08 32 0e)");
  const std::string found = index.finish(1);
  CHECK_EQ(found.size(), 117);
  CHECK(found.starts_with(expected));
}

TEST(an_index_of_no_tensors_is_the_header_alone) {
  const std::string found = IndexWriter().finish(1);
  CHECK_EQ(found.size(), 101);
  CHECK(found.starts_with(maker::from_hex("00 00 06 08 01 1a 02 08 01 00 00 00 00 01")));
}

TEST(a_table_of_many_blocks_is_that_of_the_independent_maker) {
  maker::Entries entries = {{"", maker::kHeader}};
  for (int i = 100000; i < 160000; ++i) {
    entries.emplace_back("scope/" + std::to_string(i), std::string(i % 37, 'v'));
  }
  entries.emplace_back(std::string(600000, 'z'), "large");
  entries.emplace_back(std::string(600000, 'z') + "\xff", "larger");
  entries.emplace_back("\xff\xff", "last");
  CHECK(table_of(entries) == maker::table(entries));
}

TEST(a_table_without_entries_is_readable) {
  const TemporaryFile file(table_of({}));
  CHECK_EQ(Table(file.open()).block_count(), 0);
}

TEST(keys_out_of_order_are_refused) {
  CHECK_THROWS(table_of({{"b", ""}, {"a", ""}}), ErrorCode::kFormat);
  CHECK_THROWS(table_of({{"a", ""}, {"a", ""}}), ErrorCode::kFormat);
}

TEST(entries_come_back_as_they_were) {
  const std::vector<Entry> entries = {
      {1, {}, 0, 0, 4, 0, {}},
      {7, {3, 0, 2}, 70000, INT64_MAX, 12, 0x8A942EBE, {}},  // a checksum whose mask is 0
      {14, {INT64_MAX}, 1, 5, 1, 77, {}},
      {3, {4, 6}, 0, 0, 0, crc32c_unmask(0), {{{0, 2}, {0, Extent::kWhole}}, {{2, 2}, {0, 6}}}},
  };
  for (const Entry& entry : entries) {
    std::string bytes;
    encode_entry(entry, bytes);
    CHECK(bytes == maker::entry(entry));
    Entry found;
    decode_entry(bytes, 0, found);
    CHECK(found.dtype == entry.dtype && found.shape == entry.shape && found.size == entry.size);
    CHECK(found.shard == entry.shard && found.offset == entry.offset);
    CHECK(found.crc32c == entry.crc32c && found.slices == entry.slices);
  }
}

TEST(headers_come_back_as_they_were) {
  CHECK(encode_header({1, false, 1, 0}) == maker::kHeader);
  const Header found = decode_header(encode_header({99999, true, 1, 1}), 0);
  CHECK(found.num_shards == 99999 && found.big_endian);
  CHECK(found.producer == 1 && found.min_consumer == 1);
}

TEST(string_lengths_are_tensorflows) {
  const std::vector<ByteView> elements = {"a", "", "xyz"};
  const StringLengths lengths = encode_lengths(elements);
  CHECK(lengths.stored == maker::from_hex("01 00 03 3f db 2b 73"));
  CHECK_EQ(crc32c_mask(crc32c_extend(lengths.crc32c, "axyz", 4)), 0xf8008ff2);
}

TEST(a_renumbered_index_differs_in_its_header_alone) {
  maker::Entries entries = {{"", maker::kHeader}};
  for (int i = 10000; i < 30000; ++i) entries.emplace_back("key" + std::to_string(i), "value");
  const TemporaryFile file(maker::table(entries));
  entries.front().second = encode_header({99999, false, 1, 0});
  CHECK(renumber_index(Table(file.open()), 99999) == maker::table(entries));
}

TEST(appended_pieces_are_in_the_file_with_their_checksums) {
  std::string bytes(23'456'789, '\0');
  std::uint32_t state = 1;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  const std::vector<std::size_t> sizes = {0, 1, 4095, 0, 5'000'000, 3, 9'000'000, 4096, 1, 0};
  for (const unsigned threads : {1U, 4U}) {
    const Folder folder;
    OutputFile file(folder / "file");
    Workspace workspace(threads);
    std::vector<Piece> pieces;
    std::size_t at = 0;
    for (const std::size_t size : sizes) {
      pieces.push_back({bytes.data() + at, size});
      at += size;
    }
    file.append(pieces, workspace);
    Piece rest{bytes.data() + at, bytes.size() - at};
    file.append({&rest, 1}, workspace);
    CHECK_EQ(file.size(), bytes.size());
    file.finish(true);
    CHECK(contents_of(folder / "file") == bytes);
    pieces.push_back(rest);
    for (const Piece& piece : pieces) {
      CHECK_EQ(piece.crc32c, crc32c_extend(0, piece.data, piece.size));
    }
  }
}

TEST(a_file_that_cannot_be_made_is_a_system_error) {
  CHECK_THROWS(OutputFile("/no/such/folder/file"), ErrorCode::kSystem);
}

TEST(a_bundle_of_aligned_tensors_and_a_partitioned_one_is_read_back) {
  const Folder folder;
  BundleWriter writer({folder / "p", ".new", 64, 0, 2, false});
  const std::vector<std::int64_t> shape = {3}, part = {2, 3}, full = {4, 3};
  const std::string bytes(24, '\x01');
  const ByteView twelve(bytes.data(), 12);
  const std::vector<NewTensor> tensors = {{"b", 1, shape, twelve}, {"a", 1, shape, twelve}};
  writer.add(tensors);
  const SlicePlace low{full, {{0, 2}, {0, Extent::kWhole}}}, high{full, {{2, 2}, {0, 3}}};
  const NewTensor first{"w", 1, part, bytes, &low}, second{"w", 1, part, bytes, &high};
  writer.add({&first, 1});
  writer.use_shard(1);
  writer.add({&second, 1});
  CHECK_EQ(writer.finish(3), 3);
  CHECK_EQ(contents_of(folder / "p.data-00000.new").size(), 192);
  CHECK_EQ(contents_of(folder / "p.data-00002.new").size(), 0);
  const Index index(std::make_shared<File>(folder / "p.index.new"));
  CHECK_EQ(index.header().num_shards, 3);
  CHECK_EQ(index.find("a")->offset, 64);
  CHECK_EQ(index.find("b")->crc32c, crc32c(twelve));
  CHECK(index.find("w")->slices == std::vector<SliceSpec>({low.slice, high.slice}));
  CHECK_EQ(index.find(encode_slice_key("w", high.slice))->shard, 1);
}

TEST(bytes_that_do_not_fit_the_shape_are_refused) {
  const Folder folder;
  BundleWriter writer({folder / "p", ".new", 1, 0, 1, false});
  const std::vector<std::int64_t> shape = {3};
  const NewTensor tensor{"x", 1, shape, "too short"};
  CHECK_THROWS(writer.add({&tensor, 1}), ErrorCode::kSizeMismatch);
}

TEST(two_tensors_of_one_name_are_refused_at_the_end) {
  const Folder folder;
  BundleWriter writer({folder / "p", ".new", 1, 0, 1, false});
  const NewTensor tensor{"x", 4, {}, "1"};
  writer.add({&tensor, 1});
  writer.add({&tensor, 1});
  CHECK_THROWS(writer.finish(1), ErrorCode::kFormat);
}

TEST(a_shard_that_is_taken_and_entries_as_they_are_stand_beside_what_is_written) {
  const Folder folder;
  BundleWriter writer({folder / "p", ".new", 1, 0, 1, false});
  const std::string taken = writer.take_shard();
  CHECK_EQ(taken, folder / "p.data-00000.new");
  std::ofstream(taken, std::ios::binary) << "\x01\x02\x03\x04";
  writer.add_entry("a", {6, {4}, 0, 0, 4, crc32c("\x01\x02\x03\x04"), {}});
  const std::vector<std::int64_t> shape = {2};
  writer.begin({"b", 6, shape, {}});
  writer.append("x");
  writer.append("y");
  CHECK_EQ(writer.end(), crc32c("xy"));
  writer.begin({"s", kString, shape, {}});  // of strings the shape does not say how many bytes
  writer.append("as they are");
  CHECK_EQ(writer.end(1234), crc32c("as they are"));
  CHECK_THROWS(writer.take_shard(), ErrorCode::kFormat);  // it is begun
  CHECK_EQ(writer.finish(1, true), 2);
  CHECK_EQ(contents_of(folder / "p.data-00001.new"), "xyas they are");
  const Index index(std::make_shared<File>(folder / "p.index.new"));
  CHECK(index.header().big_endian);
  CHECK_EQ(index.find("a")->shard, 0);
  CHECK_EQ(index.find("b")->shard, 1);
  CHECK_EQ(index.find("s")->crc32c, 1234);
  CHECK_EQ(index.find("s")->size, 11);
}
