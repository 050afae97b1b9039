#include <algorithm>

#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/format/table.hpp"

namespace tensorbundle {

namespace {

// Not LevelDB's 4096: TensorFlow's own.
constexpr std::size_t kBlockBytes = 262144;
// An entry of this size is not put into a block that has others before it.
constexpr std::size_t kLargeEntry = 2 * kBlockBytes;
constexpr char kUncompressed = 0;

std::size_t shared_prefix(ByteView a, ByteView b) {
  const std::size_t most = std::min(a.size(), b.size());
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + most, b.begin()).first -
                                  a.begin());
}

// A short key that is >= `last` and < `next`. TensorFlow shortens only where the first byte that
// differs leaves room for a byte in between.
std::string separator(ByteView last, ByteView next) {
  const std::size_t shared = shared_prefix(last, next);
  if (shared == std::min(last.size(), next.size())) return std::string(last);
  const auto byte = static_cast<unsigned char>(last[shared]);
  if (byte + 1 >= static_cast<unsigned char>(next[shared])) return std::string(last);
  std::string key(last.substr(0, shared + 1));
  key.back() = static_cast<char>(byte + 1);
  return key;
}

// A short key that is >= `last`.
std::string successor(ByteView last) {
  const std::size_t at = last.find_first_not_of('\xff');
  if (at == ByteView::npos) return std::string(last);
  std::string key(last.substr(0, at + 1));
  key.back() = static_cast<char>(key.back() + 1);
  return key;
}

void append_handle(std::string& out, BlockHandle handle) {
  append_varint(out, handle.offset);
  append_varint(out, handle.size);
}

}  // namespace

void BlockWriter::add(ByteView key, ByteView value) {
  std::size_t shared = 0;
  if (counter_ < interval_) {
    shared = shared_prefix(last_key_, key);
  } else {
    restarts_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    counter_ = 0;
  }
  ++counter_;
  append_varint(bytes_, shared);
  append_varint(bytes_, key.size() - shared);
  append_varint(bytes_, value.size());
  bytes_ += key.substr(shared);
  bytes_ += value;
  last_key_ = key;
}

std::string BlockWriter::finish() {
  for (const std::uint32_t restart : restarts_) append_fixed(bytes_, restart);
  append_fixed(bytes_, static_cast<std::uint32_t>(restarts_.size()));
  std::string contents = std::move(bytes_);
  *this = BlockWriter(interval_);
  return contents;
}

void TableWriter::add(ByteView key, ByteView value) {
  if (any_ && key <= last_key_) {
    throw Error(ErrorCode::kFormat, "keys are not in ascending order: '" + std::string(key) +
                                        "' comes after '" + last_key_ + "'");
  }
  if (any_ && key.size() + value.size() >= kLargeEntry) cut();
  if (waiting_) index_waiting(separator(last_key_, key));
  block_.add(key, value);
  any_ = true;
  last_key_ = key;
  if (block_.size() >= kBlockBytes) cut();
}

void TableWriter::finish() {
  cut();
  const BlockHandle metaindex = write_block(BlockWriter(1).finish());
  if (waiting_) index_waiting(successor(last_key_));
  const BlockHandle index = write_block(index_.finish());
  std::string footer;
  append_handle(footer, metaindex);
  append_handle(footer, index);
  footer.resize(kFooterBytes - sizeof(kTableMagic));
  append_fixed(footer, kTableMagic);
  out_ += footer;
}

void TableWriter::cut() {
  if (!block_.empty()) waiting_ = write_block(block_.finish());
}

void TableWriter::index_waiting(ByteView limit) {
  std::string handle;
  append_handle(handle, *waiting_);
  index_.add(limit, handle);
  waiting_.reset();
}

BlockHandle TableWriter::write_block(ByteView contents) {
  const BlockHandle handle{out_.size() - begin_, contents.size()};
  const std::size_t at = out_.size();
  out_ += contents;
  out_ += kUncompressed;
  append_fixed(out_, crc32c_mask(crc32c(ByteView(out_).substr(at))));
  return handle;
}

}  // namespace tensorbundle
