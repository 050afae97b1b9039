// Decompression of Snappy's raw block format, which table blocks of type 1 hold (format.md §2.3).
//
// Invariant: the result is exactly as long as the block declares, and no input, however hostile,
// reads outside `compressed` or makes it allocate more than 64/3 of its own size. There is no twin:
// TensorFlow never compresses an index, and neither does this library.
#pragma once

#include <cstdint>
#include <string>

#include "tensorbundle/base/bytes.hpp"

namespace tensorbundle {

// Returns the bytes that `compressed` stands for. Pure; safe from any number of threads.
//
// Throws Error(kFormat) when the block is malformed or declares more than `limit` bytes; the offset
// is the position within `compressed` of the element that is wrong.
std::string snappy_decompress(ByteView compressed, std::uint64_t limit);

}  // namespace tensorbundle
