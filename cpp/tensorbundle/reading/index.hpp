// The index of a V2 bundle: which tensors there are, and where each one lies.
//
// Opening reads the footer, the index block and the header, whatever the size of the file. find()
// seeks one block. The list of all entries is read once, by share(), into one arena of names and
// one array of rows: about 50 bytes an entry beside its name.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tensorbundle/base/large_pages.hpp"
#include "tensorbundle/format/bundle.hpp"
#include "tensorbundle/format/table.hpp"
#include "tensorbundle/reading/plan.hpp"

namespace tensorbundle {

// All entries of an index in key order. Immutable once built.
class EntryList {
 public:
  struct Row {
    std::int64_t offset;
    std::int64_t size;
    std::uint32_t name_begin;
    std::uint32_t shape_begin;
    std::uint32_t crc32c;
    std::int32_t dtype;
    std::int32_t shard;
    std::uint8_t rank;
    bool is_slice;   // a slice that a partitioned tensor lists: part of it, not a tensor
    bool has_extra;  // partitioned, or malformed: see slices() and error()
  };

  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  // Rows that are tensors, and not slices of one.
  [[nodiscard]] std::size_t num_tensors() const { return num_tensors_; }
  [[nodiscard]] const Row& row(std::size_t i) const { return rows_[i]; }
  [[nodiscard]] ByteView name(std::size_t i) const;
  [[nodiscard]] const std::int64_t* shape(const Row& row) const {
    return shapes_.data() + row.shape_begin;
  }
  // Where the entry's bytes lie. REQUIRES: no error, no slices.
  [[nodiscard]] StoredRange range(std::size_t i) const;
  // The row of this key, if there is one.
  [[nodiscard]] std::optional<std::size_t> find(ByteView key) const;
  // The whole entry. Throws what decode_entry threw for it.
  [[nodiscard]] Entry entry(std::size_t i) const;
  // Why this entry cannot be used, or null. Other entries are not affected.
  [[nodiscard]] const Error* error(std::size_t i) const;
  // Slices of partitioned tensors; none for others.
  [[nodiscard]] const std::vector<SliceSpec>& slices(std::size_t i) const;

 private:
  friend class EntryListBuilder;
  struct Extra {
    std::size_t row;
    std::vector<SliceSpec> slices;
    std::optional<Error> error;
  };
  [[nodiscard]] const Extra* extra(std::size_t i) const;
  // The first row in [low, high) whose name is >= key after `skip` bytes, which all there share.
  [[nodiscard]] std::size_t lower_bound(std::size_t low, std::size_t high, std::size_t skip,
                                        ByteView key) const;

  Arena<char> names_;
  Arena<Row> rows_;
  Arena<std::int64_t> shapes_;
  std::vector<Extra> extras_;  // ordered by row
  std::size_t num_tensors_ = 0;
};

// Immutable to its users and safe from any thread: all() is built once, under a lock.
class Index {
 public:
  // Throws kFormat, kChecksum, kTruncated; kUnsupported for a version that must not be read.
  explicit Index(std::shared_ptr<const File> file);

  [[nodiscard]] const Header& header() const { return header_; }
  [[nodiscard]] const Table& table() const { return table_; }

  // The entry under `key`; nothing when there is none. Throws when the block or entry is damaged.
  [[nodiscard]] std::optional<Entry> find(ByteView key) const;

  // Every entry but the header. Throws on a damaged block and on keys out of order; a single entry
  // that is malformed is kept with its error.
  [[nodiscard]] const EntryList& all() const { return *share(); }

  // The same list, for those who outlive the index.
  [[nodiscard]] std::shared_ptr<const EntryList> share() const;

  // As share(), going on past damaged blocks, which are reported in `faults`.
  [[nodiscard]] std::shared_ptr<const EntryList> salvage(std::vector<BlockFault>& faults) const;

 private:
  // The list, where it has been built: it never changes after.
  [[nodiscard]] const EntryList* built() const;

  Table table_;
  Header header_;
  mutable std::mutex building_;
  mutable std::shared_ptr<const EntryList> all_;
};

}  // namespace tensorbundle
