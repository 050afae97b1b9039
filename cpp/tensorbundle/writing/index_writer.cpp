#include "tensorbundle/writing/index_writer.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tensorbundle {

namespace {

constexpr std::int32_t kProducerVersion = 1;

std::uint64_t head_of(ByteView key) {
  std::uint64_t head = 0;
  std::memcpy(&head, key.data(), std::min(key.size(), sizeof(head)));
  return std::endian::native == std::endian::big ? head : byte_swapped(head);
}

}  // namespace

void IndexWriter::add(ByteView key, const Entry& entry) {
  value_.clear();
  encode_entry(entry, value_);
  records_.push_back({0, bytes_.size(), static_cast<std::uint32_t>(key.size()),
                      static_cast<std::uint32_t>(value_.size())});
  bytes_.insert(bytes_.end(), key.begin(), key.end());
  bytes_.insert(bytes_.end(), value_.begin(), value_.end());
}

std::string IndexWriter::finish(std::uint32_t num_shards, bool big_endian) {
  sort();
  std::string index;
  index.reserve(bytes_.size());
  TableWriter table(index);
  table.add(
      "", encode_header({static_cast<std::int32_t>(num_shards), big_endian, kProducerVersion, 0}));
  ByteView last;  // the header's key
  for (const Record& record : records_) {
    const ByteView key = key_of(record);
    if (key == last) {
      throw Error(ErrorCode::kFormat,
                  "two tensors, or slices of one, have the same name: '" + std::string(key) + "'");
    }
    table.add(key, {key.data() + key.size(), record.value_size});
    last = key;
  }
  table.finish();
  return index;
}

// Names share a beginning, and are mostly told apart by the bytes after it: comparing those as one
// number each is what makes sorting cheap.
void IndexWriter::sort() {
  if (records_.empty()) return;
  ByteView shared = key_of(records_.front());
  for (const Record& record : records_) {
    const ByteView key = key_of(record);
    const auto [end, _] = std::ranges::mismatch(shared, key);
    shared = shared.substr(0, static_cast<std::size_t>(end - shared.begin()));
  }
  for (Record& record : records_) record.head = head_of(key_of(record).substr(shared.size()));
  std::ranges::sort(records_, [this](const Record& a, const Record& b) {
    return a.head != b.head ? a.head < b.head : key_of(a) < key_of(b);
  });
}

std::string renumber_index(const Table& index, std::uint32_t num_shards) {
  std::string renumbered;
  TableWriter table(renumbered);
  BlockBuffers buffers;
  for (std::size_t block = 0; block < index.block_count(); ++block) {
    BlockCursor cursor(index.read_block(block, buffers), index.handle(block).offset);
    while (cursor.next()) {
      if (!cursor.key().empty()) {
        table.add(cursor.key(), cursor.value());
        continue;
      }
      Header header = decode_header(cursor.value(), cursor.value_offset());
      header.num_shards = static_cast<std::int32_t>(num_shards);
      table.add("", encode_header(header));
    }
  }
  table.finish();
  return renumbered;
}

}  // namespace tensorbundle
