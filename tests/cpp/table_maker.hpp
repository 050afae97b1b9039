// Tables and index entries as TensorFlow writes them (format.md §2 to §4), and ones that it never
// would: blocks are made one by one, so that a test can put anything in them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/format/bundle.hpp"
#include "tensorbundle/format/table.hpp"

namespace maker {

using tensorbundle::append_fixed;
using tensorbundle::append_varint;
using Entries = std::vector<std::pair<std::string, std::string>>;

// The bytes that a hex dump shows; spaces and line breaks do not count.
inline std::string from_hex(const std::string& text) {
  std::string digits, bytes;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](char c) { return c > ' '; });
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

class Block {
 public:
  explicit Block(int interval = 16) : interval_(interval) {}

  Block& add(const std::string& key, const std::string& value) {
    std::size_t shared = 0;
    if (counter_ == interval_) {
      restarts_.push_back(static_cast<std::uint32_t>(bytes_.size()));
      counter_ = 0;
    } else {
      const std::size_t most = std::min(key.size(), last_.size());
      while (shared < most && key[shared] == last_[shared]) ++shared;
    }
    ++counter_;
    last_ = key;
    return add_raw(shared, key.substr(shared), value);
  }

  Block& add_raw(std::uint64_t shared, const std::string& suffix, const std::string& value) {
    append_varint(bytes_, shared);
    append_varint(bytes_, suffix.size());
    append_varint(bytes_, value.size());
    bytes_ += suffix + value;
    return *this;
  }

  [[nodiscard]] std::string contents() const {
    std::string out = bytes_;
    for (const std::uint32_t restart : restarts_) append_fixed(out, restart);
    append_fixed(out, static_cast<std::uint32_t>(restarts_.size()));
    return out;
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size() + 4 * restarts_.size() + 4; }
  [[nodiscard]] const std::string& last() const { return last_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  int interval_;
  int counter_ = 0;
  std::string bytes_, last_;
  std::vector<std::uint32_t> restarts_ = {0};
};

// The type and the checksum that follow a block.
inline std::string trailer(const std::string& stored, char type = 0) {
  std::string out(1, type);
  append_fixed(out, tensorbundle::crc32c_mask(tensorbundle::crc32c(stored + type)));
  return out;
}

inline std::string handle(std::uint64_t offset, std::uint64_t size) {
  std::string out;
  append_varint(out, offset);
  append_varint(out, size);
  return out;
}

inline std::string footer(const std::string& metaindex, const std::string& index) {
  std::string out = metaindex + index;
  out.resize(tensorbundle::kFooterBytes - sizeof(tensorbundle::kTableMagic), '\0');
  append_fixed(out, tensorbundle::kTableMagic);
  return out;
}

// A file of blocks, each with the key that the index block has for it.
class File {
 public:
  File& add(const std::string& stored, const std::string& limit, char type = 0) {
    index_.add(limit, handle(bytes_.size(), stored.size()));
    bytes_ += stored + trailer(stored, type);
    return *this;
  }

  // An index entry without a block of its own.
  File& add_handle(const std::string& limit, const std::string& value) {
    index_.add(limit, value);
    return *this;
  }

  [[nodiscard]] std::string finish() const {
    std::string out = bytes_;
    const std::string metaindex = Block().contents(), index = index_.contents();
    const std::string metaindex_at = handle(out.size(), metaindex.size());
    out += metaindex + trailer(metaindex);
    const std::string index_at = handle(out.size(), index.size());
    return out + index + trailer(index) + footer(metaindex_at, index_at);
  }

 private:
  std::string bytes_;
  Block index_{1};
};

inline std::string separator(const std::string& a, const std::string& b) {
  const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto i = static_cast<std::size_t>(differ.first - a.begin());
  if (i == std::min(a.size(), b.size())) return a;
  const auto from = static_cast<unsigned char>(a[i]), to = static_cast<unsigned char>(b[i]);
  if (from == 0xFF || from + 1 >= to) return a;
  return a.substr(0, i) + static_cast<char>(from + 1);
}

inline std::string successor(const std::string& a) {
  const std::size_t i = a.find_first_not_of('\xff');
  return i == std::string::npos ? a : a.substr(0, i) + static_cast<char>(a[i] + 1);
}

// The table that TensorFlow's writer makes of these entries, which must be in order.
inline std::string table(const Entries& entries, std::size_t block_size = 262144) {
  File file;
  Block block, waiting;  // `waiting`: cut, but its index entry needs the next key
  bool first = true;
  const auto cut = [&] {
    if (!block.empty()) waiting = std::exchange(block, Block());
  };
  for (const auto& [key, value] : entries) {
    if (!std::exchange(first, false) && key.size() + value.size() >= 524288) cut();
    if (!waiting.empty()) {
      file.add(waiting.contents(), separator(waiting.last(), key));
      waiting = Block();
    }
    block.add(key, value);
    if (block.size() >= block_size) cut();
  }
  cut();
  if (!waiting.empty()) file.add(waiting.contents(), successor(waiting.last()));
  return file.finish();
}

inline const std::string kHeader = from_hex("08 01 1a 02 08 01");

inline std::string field(int tag, const std::string& message) {
  std::string out(1, static_cast<char>(tag));
  append_varint(out, message.size());
  return out + message;
}

inline std::string number(int tag, std::uint64_t value) {
  std::string out(1, static_cast<char>(tag));
  append_varint(out, value);
  return out;
}

// BundleEntryProto, the way TensorFlow writes it: what is zero is left out.
inline std::string entry(const tensorbundle::Entry& from) {
  std::string out = number(0x08, static_cast<std::uint64_t>(from.dtype)), shape;
  for (const std::int64_t size : from.shape) {
    shape += field(0x12, size == 0 ? "" : number(0x08, static_cast<std::uint64_t>(size)));
  }
  out += field(0x12, shape);
  if (from.shard != 0) out += number(0x18, static_cast<std::uint64_t>(from.shard));
  if (from.offset != 0) out += number(0x20, static_cast<std::uint64_t>(from.offset));
  if (from.size != 0) out += number(0x28, static_cast<std::uint64_t>(from.size));
  if (const std::uint32_t masked = tensorbundle::crc32c_mask(from.crc32c);
      masked != 0 && from.slices.empty()) {
    append_fixed(out += '\x35', masked);
  }
  for (const tensorbundle::SliceSpec& slice : from.slices) {
    std::string extents;
    for (const auto& [start, length] : slice) {
      std::string extent;
      if (start != 0) extent += number(0x08, static_cast<std::uint64_t>(start));
      if (length >= 0) extent += number(0x10, static_cast<std::uint64_t>(length));
      extents += field(0x0a, extent);
    }
    out += field(0x3a, extents);
  }
  return out;
}

// A float32 vector at this offset of shard 0.
inline std::string float_entry(std::int64_t offset, const std::string& bytes) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  return entry({1, {size / 4}, 0, offset, size, tensorbundle::crc32c(bytes), {}});
}

// An index of these tensors, under a header.
inline std::string index(const std::map<std::string, std::string>& tensors,
                         std::size_t block_size = 262144) {
  Entries entries = {{"", kHeader}};
  entries.insert(entries.end(), tensors.begin(), tensors.end());
  return table(entries, block_size);
}

}  // namespace maker
