// A LevelDB-style sorted table with raw keys: every `.index` file and every V1 checkpoint.
//
//   data block | trailer ... metaindex block | trailer   index block | trailer   footer (48 bytes)
//
// Format: format.md §2; written down first in leveldb's doc/table_format.md. Every block that is
// read has its checksum verified; the metaindex block is never read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tensorbundle/base/bytes.hpp"
#include "tensorbundle/files/file.hpp"

namespace tensorbundle {

inline constexpr std::uint64_t kTableMagic = 0xDB4775248B80FB57;
inline constexpr std::size_t kFooterBytes = 48;
inline constexpr std::size_t kBlockTrailerBytes = 5;

// Writers store every 16th key of a block whole, so its keys come to 16 times what is stored of
// them at the most; more than twice that comes from nobody but an attacker.
inline constexpr std::uint64_t kMaxKeyGrowth = 32;

// Where a block lies; `size` leaves out the trailer.
struct BlockHandle {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// Memory for one block at a time.
struct BlockBuffers {
  Buffer stored;
  std::string plain;  // when the block was compressed
};

// Walks the entries of one block. The views it gives are valid until the next call of next().
// All the keys of a block together are at most kMaxKeyGrowth times what is stored of them.
class BlockCursor {
 public:
  // `contents`: the block without its trailer, uncompressed. `offset`: of the block, for errors.
  // Throws kFormat when the restart array does not fit.
  BlockCursor(ByteView contents, std::uint64_t offset);

  // Moves to the next entry; false at the end. Throws kFormat.
  bool next();
  // Moves to the first entry whose key is >= target, by bisecting the restart points.
  bool seek(ByteView target);

  [[nodiscard]] ByteView key() const { return key_; }
  [[nodiscard]] ByteView value() const { return value_; }
  // Byte of the file at which the value starts (of the block, where it was compressed).
  [[nodiscard]] std::uint64_t value_offset() const;

 private:
  [[nodiscard]] std::uint32_t restart(std::uint32_t index) const;
  [[nodiscard]] ByteView key_at_restart(std::uint32_t index) const;
  void go_to_restart(std::uint32_t index);

  ByteView contents_;
  std::uint64_t offset_;
  std::uint32_t restart_count_ = 0;
  std::size_t entries_end_ = 0;
  std::size_t next_ = 0;
  std::string key_;
  ByteView value_;
  std::uint64_t stored_bytes_ = 0;  // of the keys so far
  std::uint64_t key_bytes_ = 0;     // and what they come to
};

// What verification says of one block.
struct BlockFault {
  std::size_t block = 0;
  BlockHandle handle;
  Error error;
};

// Immutable once built; safe from any thread, each with buffers of its own.
class Table {
 public:
  // Reads the footer and the index block. Throws kFormat (also for blocks that overlap), kChecksum,
  // kTruncated.
  explicit Table(std::shared_ptr<const File> file);

  [[nodiscard]] const File& file() const { return *file_; }
  [[nodiscard]] std::size_t block_count() const { return handles_.size(); }
  [[nodiscard]] BlockHandle handle(std::size_t block) const { return handles_[block]; }

  // The contents of a data block, checked and uncompressed; valid while `buffers` are untouched.
  // Throws kFormat, kChecksum, kTruncated.
  ByteView read_block(std::size_t block, BlockBuffers& buffers) const;

  // The block that holds `key` if any does; nothing is read. A table whose keys are out of order
  // can hide a key from this; only a walk over all blocks finds that out.
  [[nodiscard]] std::optional<std::size_t> find_block(ByteView key) const;

 private:
  void check_fits(BlockHandle handle) const;
  ByteView read_stored(BlockHandle handle, BlockBuffers& buffers) const;

  std::shared_ptr<const File> file_;
  std::vector<BlockHandle> handles_;
  std::vector<std::string> limits_;  // per block, a key >= all of its own and < all later ones
};

// Makes the contents of one block.
class BlockWriter {
 public:
  explicit BlockWriter(std::uint32_t restart_interval) : interval_(restart_interval) {}

  void add(ByteView key, ByteView value);
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  // Bytes that the contents would have now.
  [[nodiscard]] std::size_t size() const {
    return bytes_.size() + sizeof(std::uint32_t) * (restarts_.size() + 1);
  }
  // The contents; begins anew.
  std::string finish();

 private:
  std::uint32_t interval_;
  std::uint32_t counter_ = 0;  // entries since the last restart
  std::string bytes_;
  std::string last_key_;
  std::vector<std::uint32_t> restarts_ = {0};
};

// Writes a table, byte for byte as TensorFlow does (format.md §2.4 to §2.6). Twin: Table.
class TableWriter {
 public:
  // Appends to `out`, which must outlive the writer and be touched by nobody else meanwhile.
  explicit TableWriter(std::string& out) : out_(out), begin_(out.size()) {}

  // Keys come in strictly ascending order of their bytes; kFormat is thrown otherwise.
  void add(ByteView key, ByteView value);
  // Writes what comes after the entries. Nothing can be added any more.
  void finish();

 private:
  void cut();
  void index_waiting(ByteView limit);
  BlockHandle write_block(ByteView contents);

  std::string& out_;
  std::size_t begin_;
  BlockWriter block_{16};
  BlockWriter index_{1};
  bool any_ = false;
  std::string last_key_;
  std::optional<BlockHandle> waiting_;  // a block whose limit depends on the next key
};

}  // namespace tensorbundle
