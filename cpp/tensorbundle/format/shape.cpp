#include "tensorbundle/format/shape.hpp"

#include <algorithm>
#include <limits>
#include <string>

namespace tensorbundle {

namespace {

constexpr std::uint32_t kDimension = tag_of(2, WireType::kBytes);

std::int64_t decode_dimension(ByteView bytes, std::uint64_t offset) {
  // Nearly every one is a single field of one byte, in an index of which there may be millions.
  if (bytes.size() == 2 && static_cast<std::uint8_t>(bytes[0]) == tag_of(1, WireType::kVarint) &&
      static_cast<std::uint8_t>(bytes[1]) < 0x80) {
    return bytes[1];
  }
  std::int64_t size = 0;
  MessageReader message(bytes, offset);
  Field field;
  while (message.next(field)) {
    if (field.number == 1) size = field.int64();
  }
  return size;
}

// Calls each(size, offset) for every dimension, and tells whether their number is known.
template <typename Each>
bool walk_shape(ByteView message, std::uint64_t offset, Each&& each) {
  bool has_rank = true;
  Reader reader(message, offset);
  while (!reader.done()) {
    // By tag: through MessageReader it takes twice as long, and opening a large checkpoint too.
    if (static_cast<std::uint8_t>(reader.rest().front()) == kDimension) {
      reader.varint();
      const ByteView dimension = reader.bytes(reader.varint());
      const std::uint64_t at = reader.offset() - dimension.size();
      each(decode_dimension(dimension, at), at);
      continue;
    }
    MessageReader fields(reader);
    Field field;
    if (!fields.next(field)) break;
    if (field.number == 2) {
      each(decode_dimension(field.message(), field.bytes_offset), field.bytes_offset);
    }
    if (field.number == 3) has_rank = field.int64() == 0;
    reader = fields.rest();
  }
  return has_rank;
}

void check_rank(std::size_t rank, std::uint64_t offset) {
  if (rank < kMaxDimensions) return;
  throw Error(ErrorCode::kFormat,
              "a shape has more than " + std::to_string(kMaxDimensions) + " dimensions", offset);
}

}  // namespace

PartialShape decode_partial_shape(ByteView message, std::uint64_t offset) {
  PartialShape shape;
  shape.has_rank = walk_shape(message, offset, [&](std::int64_t size, std::uint64_t at) {
    check_rank(shape.dims.size(), at);
    shape.dims.push_back(std::max<std::int64_t>(size, -1));
  });
  return shape;
}

void decode_shape(ByteView message, std::uint64_t offset, std::vector<std::int64_t>& dims,
                  std::int64_t& count) {
  const bool has_rank = walk_shape(message, offset, [&](std::int64_t size, std::uint64_t at) {
    if (size < 0) {
      throw Error(ErrorCode::kFormat, "a dimension is negative: " + std::to_string(size), at);
    }
    check_rank(dims.size(), at);
    if (size > 0 && count > std::numeric_limits<std::int64_t>::max() / size) {
      throw Error(ErrorCode::kFormat, "the shape's element count does not fit in 64 bits", at);
    }
    // A zero stays out of the product: [2^40, 0, 2^40] is refused, as TensorFlow refuses it.
    if (size > 0) count *= size;
    dims.push_back(size);
  });
  if (!has_rank) throw Error(ErrorCode::kFormat, "the shape is of unknown rank", offset);
}

}  // namespace tensorbundle
