#include <algorithm>
#include <utility>

#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/format/snappy.hpp"
#include "tensorbundle/format/table.hpp"

namespace tensorbundle {

namespace {

// The three lengths before a key, each a byte at least.
constexpr std::uint64_t kEntryHeadBytes = 3;

enum BlockType : unsigned char { kStored = 0, kSnappy = 1 };

BlockHandle decode_handle(Reader& reader) {
  const std::uint64_t offset = reader.varint();
  return {offset, reader.varint()};
}

BlockHandle read_footer(const File& file) {
  const std::uint64_t size = file.size();
  if (size < kFooterBytes) {
    throw Error(ErrorCode::kFormat,
                "too short to be a table: " + std::to_string(size) +
                    " bytes, the footer alone has " + std::to_string(kFooterBytes),
                0);
  }
  char raw[kFooterBytes];
  const std::uint64_t at = size - kFooterBytes;
  file.read_at(at, raw, kFooterBytes);
  if (load_little<std::uint64_t>(raw + kFooterBytes - sizeof(kTableMagic)) != kTableMagic) {
    throw Error(ErrorCode::kFormat, "not a table: its last 8 bytes are not the magic number",
                size - sizeof(kTableMagic));
  }
  Reader reader(ByteView(raw, kFooterBytes - sizeof(kTableMagic)), at);
  decode_handle(reader);  // the metaindex block, which is always empty
  return decode_handle(reader);
}

}  // namespace

BlockCursor::BlockCursor(ByteView contents, std::uint64_t offset)
    : contents_(contents), offset_(offset) {
  constexpr std::size_t kWord = sizeof(std::uint32_t);
  if (contents.size() < kWord) throw Error(ErrorCode::kFormat, "a block is too short", offset);
  restart_count_ = load_little<std::uint32_t>(contents.data() + contents.size() - kWord);
  if (restart_count_ == 0 || restart_count_ > (contents.size() - kWord) / kWord) {
    throw Error(ErrorCode::kFormat,
                "a block of " + std::to_string(contents.size()) + " bytes cannot have " +
                    std::to_string(restart_count_) + " restart points",
                offset);
  }
  entries_end_ = contents.size() - kWord - restart_count_ * kWord;
}

std::uint64_t BlockCursor::value_offset() const {
  return offset_ + static_cast<std::uint64_t>(value_.data() - contents_.data());
}

bool BlockCursor::next() {
  if (next_ >= entries_end_) return false;
  Reader reader(contents_.substr(next_, entries_end_ - next_), offset_ + next_);
  const std::uint64_t shared = reader.varint();
  const std::uint64_t unshared = reader.varint();
  const std::uint64_t value_size = reader.varint();
  if (shared > key_.size()) {
    throw Error(ErrorCode::kFormat,
                "a key shares " + std::to_string(shared) + " bytes with one of " +
                    std::to_string(key_.size()),
                offset_ + next_);
  }
  key_.resize(static_cast<std::size_t>(shared));
  key_.append(reader.bytes(unshared));
  stored_bytes_ += unshared + kEntryHeadBytes;
  key_bytes_ += key_.size();
  if (key_bytes_ > kMaxKeyGrowth * stored_bytes_) {
    throw Error(ErrorCode::kFormat, "keys take far more room than the block that holds them",
                offset_ + next_);
  }
  value_ = reader.bytes(value_size);
  next_ = entries_end_ - reader.remaining();
  return true;
}

std::uint32_t BlockCursor::restart(std::uint32_t index) const {
  const auto at =
      load_little<std::uint32_t>(contents_.data() + entries_end_ + index * sizeof(std::uint32_t));
  if (at > entries_end_) {
    throw Error(ErrorCode::kFormat, "a restart point lies outside its block", offset_);
  }
  return at;
}

ByteView BlockCursor::key_at_restart(std::uint32_t index) const {
  const std::uint32_t at = restart(index);
  Reader reader(contents_.substr(at, entries_end_ - at), offset_ + at);
  if (reader.varint() != 0) {
    throw Error(ErrorCode::kFormat, "a key at a restart point shares bytes", offset_ + at);
  }
  const std::uint64_t unshared = reader.varint();
  reader.varint();  // the value's length
  return reader.bytes(unshared);
}

void BlockCursor::go_to_restart(std::uint32_t index) {
  next_ = restart(index);
  key_.clear();
}

bool BlockCursor::seek(ByteView target) {
  if (entries_end_ == 0) return false;
  std::uint32_t low = 0;  // the last restart point whose key is < target, or the first of all
  std::uint32_t high = restart_count_;
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    (key_at_restart(middle) < target ? low : high) = middle;
  }
  go_to_restart(low);
  while (next()) {
    if (key() >= target) return true;
  }
  return false;
}

Table::Table(std::shared_ptr<const File> file) : file_(std::move(file)) {
  BlockBuffers buffers;
  const BlockHandle index = read_footer(*file_);
  check_fits(index);
  BlockCursor cursor(read_stored(index, buffers), index.offset);
  std::uint64_t end = 0;  // of the blocks so far
  while (cursor.next()) {
    Reader value(cursor.value(), cursor.value_offset());
    const BlockHandle handle = decode_handle(value);
    check_fits(handle);
    // Blocks that share bytes could be read far more often than the file is long.
    if (handle.offset < end || (!limits_.empty() && cursor.key() < limits_.back())) {
      throw Error(ErrorCode::kFormat, "the blocks of the table overlap or are out of order",
                  cursor.value_offset());
    }
    end = handle.offset + handle.size + kBlockTrailerBytes;
    handles_.push_back(handle);
    limits_.emplace_back(cursor.key());
  }
}

void Table::check_fits(BlockHandle handle) const {
  const std::uint64_t end = file_->size();
  if (handle.offset > end || end - handle.offset < kBlockTrailerBytes ||
      handle.size > end - handle.offset - kBlockTrailerBytes) {
    throw Error(ErrorCode::kFormat,
                "a block of " + std::to_string(handle.size) + " bytes does not fit in a file of " +
                    std::to_string(end),
                handle.offset);
  }
}

ByteView Table::read_stored(BlockHandle handle, BlockBuffers& buffers) const {
  const auto size = static_cast<std::size_t>(handle.size);
  char* const raw = buffers.stored.reserve(size + kBlockTrailerBytes);
  file_->read_at(handle.offset, raw, size + kBlockTrailerBytes);
  // The checksum covers the bytes as stored and the type byte after them.
  const std::uint32_t stored = crc32c_unmask(load_little<std::uint32_t>(raw + size + 1));
  const std::uint32_t computed = crc32c_extend(0, raw, size + 1);
  if (stored != computed) {
    throw Error(
        ErrorCode::kChecksum,
        "checksum mismatch in a table block: stored " + hex(stored) + ", computed " + hex(computed),
        handle.offset, size);
  }
  const ByteView contents(raw, size);
  switch (const auto type = static_cast<unsigned char>(raw[size])) {
    case kStored:
      return contents;
    case kSnappy:
      buffers.plain = snappy_decompress(contents, UINT32_MAX);
      return buffers.plain;
    default:
      throw Error(ErrorCode::kFormat,
                  "a table block has the unknown compression type " + std::to_string(type),
                  handle.offset + size);
  }
}

ByteView Table::read_block(std::size_t block, BlockBuffers& buffers) const {
  return read_stored(handles_[block], buffers);
}

std::optional<std::size_t> Table::find_block(ByteView key) const {
  const auto found = std::lower_bound(limits_.begin(), limits_.end(), key);
  if (found == limits_.end()) return {};
  return static_cast<std::size_t>(found - limits_.begin());
}

}  // namespace tensorbundle
