// Makes the bytes of an `.index` file. Twin: index.hpp. Format: format.md §2 to §4.
#pragma once

#include <cstdint>
#include <string>

#include "tensorbundle/base/large_pages.hpp"
#include "tensorbundle/format/bundle.hpp"
#include "tensorbundle/format/table.hpp"

namespace tensorbundle {

// Entries come in any order; they are encoded at once, so that millions of them take little memory.
class IndexWriter {
 public:
  void add(ByteView key, const Entry& entry);

  // The index, byte for byte as TensorFlow writes it. Called once, after all were added.
  // Throws kFormat when two entries have one key, or one has none.
  std::string finish(std::uint32_t num_shards, bool big_endian = false);

 private:
  // The key and, after it, the value lie in bytes_.
  struct Record {
    std::uint64_t head;  // some bytes of the key, as a number that sorts as they do
    std::size_t at;
    std::uint32_t key_size;
    std::uint32_t value_size;
  };

  [[nodiscard]] ByteView key_of(const Record& record) const {
    return {bytes_.data() + record.at, record.key_size};
  }

  void sort();

  Arena<char> bytes_;
  Arena<Record> records_;
  std::string value_;
};

// The same index for shards that are called "-of-`num_shards`". Throws what reading it may.
std::string renumber_index(const Table& index, std::uint32_t num_shards);

}  // namespace tensorbundle
