// The records of a V2 index: the header under the key "", and one entry per tensor or slice.
// Format: format.md §3, §4 and §6.2. What is decoded and what is encoded stand side by side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensorbundle/base/bytes.hpp"
#include "tensorbundle/format/shape.hpp"

namespace tensorbundle {

// BundleHeaderProto, as far as readers need it.
struct Header {
  std::int32_t num_shards = 0;
  bool big_endian = false;
  std::int32_t producer = 0;
  std::int32_t min_consumer = 0;
};

// Takes what a VersionDef says into a header, here or of a V1 file. Throws kFormat when malformed,
// kUnsupported for versions that this reader must not touch.
void check_version(ByteView versions, std::uint64_t offset, Header& header);

// Throws as check_version().
Header decode_header(ByteView value, std::uint64_t offset);
std::string encode_header(const Header& header);

// One dimension of a slice.
struct Extent {
  static constexpr std::int64_t kWhole = -1;

  std::int64_t start = 0;
  std::int64_t length = kWhole;  // kWhole: all of the dimension

  bool operator==(const Extent&) const = default;
};
using SliceSpec = std::vector<Extent>;

// DataType numbers that decide how a tensor's bytes are laid out (format.md §4.2).
inline constexpr std::int32_t kString = 7;
inline constexpr std::int32_t kVariant = 21;

// Bytes per element in a data shard; 0 for types whose elements vary in length, are not stored, or
// are not known.
int element_bytes(std::int32_t dtype);

// BundleEntryProto. `crc32c` is the true checksum: the file stores it masked.
struct Entry {
  std::int32_t dtype = 0;
  std::vector<std::int64_t> shape;
  std::int32_t shard = 0;
  std::int64_t offset = 0;
  std::int64_t size = 0;
  std::uint32_t crc32c = 0;
  std::vector<SliceSpec> slices;  // not empty: a partitioned tensor, stored under its slice keys

  // Back to the defaults, keeping the memory.
  void clear();
};

// Decodes into `entry`, which is cleared first; so one object serves a whole table.
// Throws kFormat for whatever is not a sound entry: negative sizes and dimensions, an element
// count past int64, more than kMaxDimensions.
void decode_entry(ByteView value, std::uint64_t offset, Entry& entry);
// Appends to `out` what TensorFlow would store, byte for byte.
void encode_entry(const Entry& entry, std::string& out);

// TensorSliceProto. Throws kFormat.
SliceSpec decode_slice(ByteView message, std::uint64_t offset);
std::string encode_slice(const SliceSpec& slice);

// The key under which one slice of a tensor is stored, and its two parts: what the slices of one
// tensor share, and what tells them apart.
std::string encode_slice_key(ByteView name, const SliceSpec& slice);
std::string encode_slice_name(ByteView name);
std::string encode_slice_extents(const SliceSpec& slice);

}  // namespace tensorbundle
