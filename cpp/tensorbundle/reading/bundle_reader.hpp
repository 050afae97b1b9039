// An open V2 bundle: its index, its shards, and which tensors have been checked. Twin:
// bundle_writer.hpp.
//
// A tensor is found, its range compared with its shard, its checksum compared once, and its bytes
// borrowed or copied: the same way for one and for many.
//
// The first look-up reads one block of the index, so that a program which wants one tensor pays for
// one. From the second on there is the list of all entries, with a bit a row for what has been
// checked. Where the list cannot be had, because a block is damaged, every look-up reads its block.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tensorbundle/reading/bulk.hpp"
#include "tensorbundle/reading/index.hpp"
#include "tensorbundle/reading/plan.hpp"
#include "tensorbundle/reading/shards.hpp"

namespace tensorbundle {

// A tensor's entry, in the list of all or in one block that was read for it. Valid as long as the
// reader.
class FoundEntry {
 public:
  // Without its slices; the shape is borrowed from here.
  [[nodiscard]] StoredRange range() const;
  // Of a partitioned tensor, which has no bytes of its own; none for others.
  [[nodiscard]] const std::vector<SliceSpec>& slices() const;

 private:
  friend class BundleReader;
  const EntryList* list_ = nullptr;
  std::size_t row_ = 0;
  Entry entry_;      // where there is no list
  std::string key_;  // likewise
};

struct BorrowedBytes {
  char* data = nullptr;  // null: there are none
  std::uint32_t shard = 0;
  std::shared_ptr<const MappedFile> map;  // what they are borrowed from
};

// Safe from any thread.
class BundleReader {
 public:
  // `checks`: whether bytes that are borrowed are checked before; what is copied always is.
  // Throws what Index does.
  BundleReader(std::shared_ptr<const File> index, std::string prefix, MappedFile::Writes writes,
               bool checks);

  [[nodiscard]] const Index& index() const { return index_; }
  [[nodiscard]] const Header& header() const { return index_.header(); }
  [[nodiscard]] const Shards& shards() const { return shards_; }
  // Takes a shard of a bundle that lies elsewhere; see Shards::give().
  void give(std::uint32_t number, std::shared_ptr<const File> file) {
    shards_.give(number, std::move(file));
  }

  // The tensor of that name. Throws where its entry, or all that could tell whether there is one,
  // is damaged.
  [[nodiscard]] std::optional<FoundEntry> find(ByteView name) const;
  // Whether find() looks at memory alone.
  [[nodiscard]] bool has_list() const { return rows_.load(std::memory_order_acquire) != nullptr; }

  // The range of an entry, compared with its shard. Throws what plan() throws, for all below too.
  [[nodiscard]] Job plan(const StoredRange& range) const;
  // Before bytes are borrowed: where somebody wrote into their shard, what was checked there is
  // to be checked again. Looked at once in some microseconds. Throws kReplaced where nothing is
  // ever checked.
  void notice_changes(const FoundEntry& found) const;
  void notice_changes(std::uint32_t shard) const;
  // Whether the bytes need no check before they are borrowed.
  [[nodiscard]] bool is_checked(const FoundEntry& found) const;
  // Compares the checksum, unless that has been done. Whoever goes through small tensors one after
  // the other has the next ones checked in the same go. REQUIRES: no slices.
  void check(const FoundEntry& found) const;
  // The bytes themselves, checked or not. REQUIRES: no slices.
  [[nodiscard]] BorrowedBytes borrow(const FoundEntry& found) const;
  // Checks a range, and copies it where there is somewhere to go. Throws kReplaced where that may
  // be why the check fails.
  void run(const Job& job) const;

  // The same for many; see run_jobs().
  [[nodiscard]] std::vector<Failure> run(std::span<const Job> jobs,
                                         const BulkOptions& options) const;
  // Checks, of these rows of the list, those that have not been; `jobs` are theirs.
  [[nodiscard]] std::vector<Failure> check(std::span<const Job> jobs,
                                           std::span<const std::size_t> rows,
                                           const BulkOptions& options) const;

 private:
  // The list, and a bit a row: its bytes have been checked.
  struct Rows {
    explicit Rows(std::shared_ptr<const EntryList> entries)
        : list(std::move(entries)), checked(list->size() / 64 + 1) {}
    [[nodiscard]] bool is_checked(std::size_t row) const;
    void mark(std::size_t row);
    void forget();

    std::shared_ptr<const EntryList> list;
    std::vector<std::atomic<std::uint64_t>> checked;
  };

  // Whether this shard was the last to be looked at, and that just now.
  [[nodiscard]] bool has_just_looked(std::uint32_t shard) const;
  [[nodiscard]] Rows* rows() const;
  // Finds the one after the last at once.
  [[nodiscard]] std::optional<std::size_t> find_row(const EntryList& list, ByteView name) const;
  [[nodiscard]] std::optional<FoundEntry> find_in_block(ByteView name) const;
  void check_row(Rows& rows, std::size_t row) const;
  // Checks small tensors from a row on; returns the row after the last one that was looked at.
  [[nodiscard]] std::size_t check_ahead(Rows& rows, std::size_t row) const;

  Index index_;
  Shards shards_;
  bool checks_;
  mutable std::atomic<bool> asked_{false};                 // whether there has been a look-up
  mutable std::atomic<std::size_t> next_{SIZE_MAX};        // the row after those checked last
  mutable std::atomic<std::size_t> next_found_{0};         // the row after the one found last
  mutable std::atomic<std::uint64_t> looked_{UINT64_MAX};  // when, and at which shard
  mutable std::mutex changing_;
  mutable std::unique_ptr<Rows> own_rows_;
  mutable std::atomic<Rows*> rows_{nullptr};            // own_rows_, once it is there
  mutable bool damaged_ = false;                        // there is no list
  mutable std::set<std::string, std::less<>> checked_;  // names, where there is no list
};

}  // namespace tensorbundle
