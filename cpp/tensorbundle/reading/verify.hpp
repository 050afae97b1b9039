// Every entry of an index against the shards: what can be found without knowing what it means.
#pragma once

#include <cstdint>
#include <vector>

#include "tensorbundle/reading/bulk.hpp"
#include "tensorbundle/reading/index.hpp"

namespace tensorbundle {

struct Finding {
  std::size_t row = 0;
  Error error;
};

// A shard that cannot be opened, and the rows whose bytes it should hold.
struct LostShard {
  std::uint32_t number = 0;
  Error error;
  std::vector<std::size_t> rows;
};

struct Verification {
  std::uint64_t checked = 0;  // tensors and slices whose bytes were read
  std::uint64_t nbytes = 0;
  std::vector<Finding> findings;  // in row order
  std::vector<LostShard> lost;    // in the order of their numbers
};

// What has to be read, for those who read it themselves.
struct VerifyPlan {
  std::vector<Job> jobs;          // in the order of shards and offsets
  std::vector<std::size_t> rows;  // by job
  std::vector<Finding> findings;  // what is wrong without a look at bytes
  std::vector<LostShard> lost;
};

// Of the shards [first, last); entries that are malformed are found with shard 0.
VerifyPlan plan_entries(const EntryList& entries, const Header& header, const Shards& shards,
                        std::int32_t first, std::int32_t last);

// Checks every stored range: its entry, size, place, overlaps with others, and checksum. Ranges
// that overlap an earlier one are reported and not read, so the work never exceeds the files.
// Throws kCancelled only.
Verification verify_entries(const EntryList& entries, const Header& header, const Shards& shards,
                            const BulkOptions& options);

}  // namespace tensorbundle
