// The bytes of string and variant tensors, whose checksums are not over the bytes as stored
// (format.md §5.4 and §5.5). What is read and what is encoded stand side by side.
//
//   strings:   varint length[0] ... length[n-1] | u32 checksum of the lengths | the bytes of all
//   variants:  per element  varint length | bytes | u32 checksum of all so far
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tensorbundle/base/bytes.hpp"
#include "tensorbundle/files/file.hpp"

namespace tensorbundle {

// Where a tensor of `count` elements starts in a shard. TensorFlow never checks an entry's size for
// these types, so files exist where it is wrong: without a limit, elements are read up to the end
// of the file, and `used` says what they took.
struct StringTensorPlace {
  std::uint64_t offset = 0;
  std::uint64_t count = 0;
  bool big_endian = false;           // of the bundle: its lengths enter the checksum in that order
  std::uint64_t limit = UINT64_MAX;  // bytes that may be read, where the size is to be believed
};

struct StringTensor {
  std::vector<std::uint64_t> lengths;
  std::string bytes;         // of all elements, one after the other
  std::uint32_t crc32c = 0;  // to be compared with the entry's
  std::uint64_t used = 0;    // bytes of the shard
};

// Reads a string tensor; memory is in proportion to what the file really holds.
// Throws kFormat, kChecksum (of the lengths), kSizeMismatch (the elements end after the file or the
// limit), kTruncated, kSystem.
StringTensor read_strings(const File& file, const StringTensorPlace& place);

// What comes before the bytes of the elements, and the checksum up to there: extended with those
// bytes it is the entry's.
struct StringLengths {
  std::string stored;
  std::uint32_t crc32c = 0;
};

// Encodes the lengths of a little-endian string tensor.
StringLengths encode_lengths(std::span<const ByteView> elements);

struct StringCheck {
  std::uint32_t crc32c = 0;
  std::uint64_t used = 0;
};

// As read_strings, through a window of constant size.
StringCheck check_strings(const File& file, const StringTensorPlace& place);
StringCheck check_variants(const File& file, const StringTensorPlace& place);

}  // namespace tensorbundle
