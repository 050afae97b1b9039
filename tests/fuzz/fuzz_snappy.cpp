// Any bytes as a snappy block: a typed error, or exactly as many bytes as were declared.
#include <cstdlib>

#include "tensorbundle/format/snappy.hpp"

using namespace tensorbundle;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::uint64_t kLimit = 1 << 20;
  try {
    const std::string plain = snappy_decompress(bytes, kLimit);
    if (plain.size() != Reader(bytes).varint() || plain.size() > kLimit) std::abort();
    if (plain.size() * 3 > size * 64) std::abort();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kFormat) std::abort();
    if (error.offset() && *error.offset() > size) std::abort();
  }
  return 0;
}
