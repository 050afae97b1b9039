// Mutations seldom hit upon the right checksum, so they would never get past it. This writes the
// checksums that the blocks of a mutated table should have, as far as blocks can be made out.
#pragma once

#include <string>

#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/format/table.hpp"

inline bool reseal_block(std::string& bytes, tensorbundle::BlockHandle handle) {
  using namespace tensorbundle;
  if (bytes.size() < kBlockTrailerBytes || handle.offset > bytes.size() - kBlockTrailerBytes ||
      handle.size > bytes.size() - kBlockTrailerBytes - handle.offset) {
    return false;
  }
  const ByteView covered = ByteView(bytes).substr(handle.offset, handle.size + 1);
  std::string sum;
  append_fixed(sum, crc32c_mask(crc32c(covered)));
  bytes.replace(handle.offset + handle.size + 1, sum.size(), sum);
  return true;
}

inline std::string resealed(std::string bytes) {
  using namespace tensorbundle;
  if (bytes.size() < kFooterBytes) return bytes;
  std::string magic;
  append_fixed(magic, kTableMagic);
  bytes.replace(bytes.size() - magic.size(), magic.size(), magic);
  try {
    const std::string footer = bytes.substr(bytes.size() - kFooterBytes);
    Reader reader(footer);
    reader.varint(), reader.varint();
    BlockHandle index{reader.varint(), 0};
    index.size = reader.varint();
    if (!reseal_block(bytes, index)) return bytes;
    const std::string contents = bytes.substr(index.offset, index.size);
    BlockCursor cursor(contents, 0);
    while (cursor.next()) {
      Reader value(cursor.value());
      BlockHandle block{value.varint(), 0};
      block.size = value.varint();
      reseal_block(bytes, block);
    }
    reseal_block(bytes, index);  // in case that a data block overlapped it
  } catch (const Error&) {
    // As far as it went.
  }
  return bytes;
}
