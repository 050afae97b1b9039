// Shapes: TensorShapeProto, one message in the entries of an index, the headers of V1 files and the
// attributes of graphs.
#pragma once

#include <cstdint>
#include <vector>

#include "tensorbundle/format/message.hpp"

namespace tensorbundle {

// TensorFlow's limit (TensorShape), and what keeps the number of dimensions one of a byte.
inline constexpr std::size_t kMaxDimensions = 254;

// A shape of which not everything need be known.
struct PartialShape {
  std::vector<std::int64_t> dims;  // -1: one that is not known
  bool has_rank = true;            // false: not even the number of dimensions is known
};

// Throws kFormat, also for more than kMaxDimensions.
PartialShape decode_partial_shape(ByteView message, std::uint64_t offset);

// Appends the dimensions of a shape of which everything is known: as protobuf has it, those of a
// second message follow those of the first. `count`: of the elements so far, 1 at first. Throws
// kFormat for negative dimensions, an unknown rank, an element count past int64, and as above.
void decode_shape(ByteView message, std::uint64_t offset, std::vector<std::int64_t>& dims,
                  std::int64_t& count);

}  // namespace tensorbundle
