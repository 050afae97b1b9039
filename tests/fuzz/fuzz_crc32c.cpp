// All kernels agree, at any alignment and length, whole or in two parts.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "tensorbundle/base/crc32c.hpp"

using namespace tensorbundle;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 8) return 0;
  uint32_t start = 0;
  std::memcpy(&start, data, 4);
  // Long inputs are made of short ones, so that every loop of a kernel is entered.
  const size_t repeats = size_t{1} << (data[4] % 8), skip = data[5] % 64;
  const size_t part = size - 8, length = part * repeats;
  const auto memory = std::make_unique<uint8_t[]>(skip + length);
  uint8_t* const bytes = memory.get() + skip;
  for (size_t i = 0; i < repeats; ++i) {
    if (part > 0) std::memcpy(bytes + i * part, data + 8, part);
  }
  const size_t split = (size_t{data[6]} << 8 | data[7]) % (length + 1);
  const uint32_t expected = crc32c_kernels().back().extend(start, bytes, length);
  const uint32_t second = crc32c_extend(0, bytes + split, length - split);
  for (const Crc32cKernel& kernel : crc32c_kernels()) {
    if (kernel.extend(start, bytes, length) != expected) std::abort();
    const uint32_t first = kernel.extend(start, bytes, split);
    if (kernel.extend(first, bytes + split, length - split) != expected) std::abort();
    if (crc32c_combine(first, second, length - split) != expected) std::abort();
  }
  return 0;
}
