// Any file as the index of a small bundle: opened, searched, listed, salvaged, verified. Whatever
// can be listed can be found, before and after the list is built.
#include <cstdlib>
#include <numeric>

#include "../cpp/temporary_bundle.hpp"
#include "../cpp/temporary_file.hpp"
#include "resealed.hpp"
#include "tensorbundle/reading/bundle_reader.hpp"
#include "tensorbundle/reading/verify.hpp"

namespace {

using namespace tensorbundle;

constexpr std::size_t kShardBytes = 4096;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_error(const Error& error) {
  require(error.code() != ErrorCode::kSystem && error.code() != ErrorCode::kCancelled);
  require(std::string(error.what()).size() < 1000);
}

// A folder with shard 0 of 1; indexes say what they want.
const TemporaryBundle& bundle() {
  static const TemporaryBundle made;
  static const bool filled = [] {
    std::string bytes(kShardBytes, '\0');
    std::iota(bytes.begin(), bytes.end(), '\0');
    made.put_shard(0, bytes);
    return true;
  }();
  require(filled);
  return made;
}

const Shards& shards() {
  static const Shards opened(bundle().prefix(), 1);
  return opened;
}

void try_find(const Index& index, ByteView name) {
  try {
    (void)index.find(name);
  } catch (const Error& error) {
    check_error(error);
  }
}

// One tensor the way of one, which says what all say together.
void check_reader(const BundleReader& reader, const EntryList& entries,
                  const Verification& verified) {
  enum class State { kSound, kFaulty, kNotRead };
  std::vector<State> states(entries.size(), State::kSound);
  for (const Finding& finding : verified.findings) {
    // Ranges that overlap others are not read there.
    const bool overlaps = finding.error.code() == ErrorCode::kOverlap;
    states[finding.row] = overlaps ? State::kNotRead : State::kFaulty;
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    try {
      const auto found = reader.find(entries.name(i));
      require(found.has_value() != entries.row(i).is_slice);
      if (!found || !found->slices().empty()) continue;
      reader.check(*found);
      require(states[i] != State::kFaulty && reader.is_checked(*found));
      const BorrowedBytes bytes = reader.borrow(*found);
      require((bytes.data != nullptr) == (found->range().size > 0));
    } catch (const Error& error) {
      check_error(error);
      require(states[i] != State::kSound);
    }
  }
}

Verification check_list(const EntryList& entries, const Index& index) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) require(entries.name(i - 1) < entries.name(i));
    require(entries.find(entries.name(i)) == i);
    try_find(index, entries.name(i));
    const bool partitioned = !entries.slices(i).empty();
    require(entries.row(i).has_extra == (partitioned || entries.error(i) != nullptr));
    if (entries.error(i) != nullptr) continue;
    const Entry entry = entries.entry(i);
    require(entry.offset >= 0 && entry.size >= 0);
  }
  const Verification result = verify_entries(entries, index.header(), shards(), {1, {}});
  require(result.nbytes <= kShardBytes);
  for (const Finding& finding : result.findings) {
    require(finding.row < entries.size());
    check_error(finding.error);
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // The last bit says whether the checksums are put right.
  std::string bytes(reinterpret_cast<const char*>(data), size - 1);
  if (data[size - 1] % 2 == 1) bytes = resealed(std::move(bytes));
  static const TemporaryFile temporary;
  temporary.write(bytes);
  try {
    const Index index(temporary.open());
    try_find(index, "x");
    try_find(index, "dense/kernel");
    std::vector<BlockFault> faults;
    const auto salvaged = index.salvage(faults);
    for (const BlockFault& fault : faults) check_error(fault.error);
    const Verification verified = check_list(*salvaged, index);
    try {
      require(index.share() == salvaged && faults.empty());
      // Other numbers of shards have other names of files.
      if (index.header().num_shards == 1) {
        const BundleReader reader(temporary.open(), bundle().prefix(), MappedFile::Writes::kRefused,
                                  true);
        check_reader(reader, *salvaged, verified);
      }
    } catch (const Error& error) {
      check_error(error);
      require(!faults.empty());
    }
  } catch (const Error& error) {
    check_error(error);
  }
  return 0;
}
