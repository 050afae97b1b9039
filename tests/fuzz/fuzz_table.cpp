// Any file as a table, and any bytes as a block: walking and seeking end in typed errors, and agree
// wherever a block is sound.
#include <cstdlib>
#include <map>

#include "../cpp/temporary_file.hpp"
#include "resealed.hpp"
#include "tensorbundle/format/table.hpp"

namespace {

using namespace tensorbundle;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_error(const Error& error) {
  require(error.code() == ErrorCode::kFormat || error.code() == ErrorCode::kChecksum);
}

// Returns the bytes that all keys come to.
std::size_t walk(ByteView contents) {
  std::size_t total = 0;
  try {
    BlockCursor cursor(contents, 0);
    while (cursor.next()) {
      total += cursor.key().size();
      require(cursor.value_offset() + cursor.value().size() <= contents.size());
    }
  } catch (const Error& error) {
    check_error(error);
  }
  require(total <= kMaxKeyGrowth * contents.size());
  return total;
}

void seek(ByteView contents, ByteView target) {
  try {
    BlockCursor cursor(contents, 0);
    if (cursor.seek(target)) require(cursor.key() >= target);
  } catch (const Error& error) {
    check_error(error);
  }
}

void open_table(const std::string& bytes) {
  static const TemporaryFile temporary;
  temporary.write(bytes);
  try {
    const Table table(temporary.open());
    BlockBuffers buffers;
    std::uint64_t end = 0;
    for (std::size_t block = 0; block < table.block_count(); ++block) {
      require(table.handle(block).offset >= end);
      end = table.handle(block).offset + table.handle(block).size;
      try {
        walk(table.read_block(block, buffers));
      } catch (const Error& error) {
        check_error(error);
      }
    }
    require(end <= bytes.size());
    (void)table.find_block("x");
  } catch (const Error& error) {
    check_error(error);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView bytes(reinterpret_cast<const char*>(data), size);
  walk(bytes);
  seek(bytes, bytes.substr(size / 2, 8));
  seek(bytes, "");
  const std::string file(bytes);
  open_table(file);
  open_table(resealed(file));
  return 0;
}
