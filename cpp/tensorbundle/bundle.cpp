#include "bundle.hpp"

#include <array>
#include <bit>
#include <limits>

#include "crc32c.hpp"
#include "message.hpp"

namespace tensorbundle {

namespace {

// TF_CHECKPOINT_VERSION and its minimum producer: what a reader of this format declares itself.
constexpr std::int32_t kConsumerVersion = 1;
constexpr std::int32_t kMinProducer = 0;

void check_version(const Field& versions, Header& header) {
  MessageReader message(versions.message(), versions.bytes_offset);
  Field field;
  bool bad_consumer = false;
  while (message.next(field)) {
    if (field.number == 1) header.producer = field.int32();
    if (field.number == 2) header.min_consumer = field.int32();
    if (field.number != 3) continue;
    if (field.wire != WireType::kBytes) {
      bad_consumer |= field.int32() == kConsumerVersion;
      continue;
    }
    Reader packed(field.bytes, field.bytes_offset);
    while (!packed.done()) bad_consumer |= packed.varint() == kConsumerVersion;
  }
  if (header.producer < kMinProducer || header.min_consumer > kConsumerVersion || bad_consumer) {
    throw Error(ErrorCode::kUnsupported,
                "this checkpoint (producer version " + std::to_string(header.producer) +
                    ") asks for readers of version " + std::to_string(header.min_consumer) +
                    (bad_consumer ? ", and not 1" : "") + "; this is one of version 1",
                versions.offset);
  }
}

void decode_shape(const Field& shape, Entry& entry) {
  MessageReader message(shape.message(), shape.bytes_offset);
  Field field;
  std::int64_t count = 1;
  while (message.next(field)) {
    if (field.number == 3 && field.varint() != 0) {
      throw Error(ErrorCode::kFormat, "the shape is of unknown rank", field.offset);
    }
    if (field.number != 2) continue;
    std::int64_t size = 0;
    MessageReader dimension(field.message(), field.bytes_offset);
    Field inner;
    while (dimension.next(inner)) {
      if (inner.number == 1) size = inner.int64();
    }
    if (size < 0) {
      throw Error(ErrorCode::kFormat, "a dimension is negative: " + std::to_string(size),
                  field.offset);
    }
    if (entry.shape.size() == kMaxDimensions) {
      throw Error(ErrorCode::kFormat, "the shape has more than 254 dimensions", field.offset);
    }
    if (size > 0 && count > std::numeric_limits<std::int64_t>::max() / size) {
      throw Error(ErrorCode::kFormat, "the shape's element count does not fit in 64 bits",
                  field.offset);
    }
    // A zero stays out of the product: [2^40, 0, 2^40] is refused, as TensorFlow refuses it.
    if (size > 0) count *= size;
    entry.shape.push_back(size);
  }
}

Extent decode_extent(ByteView message, std::uint64_t offset) {
  Extent extent;
  MessageReader reader(message, offset);
  Field field;
  while (reader.next(field)) {
    if (field.number == 1) extent.start = field.int64();
    if (field.number == 2) {
      extent.length = field.int64();
      if (extent.length < 0) {
        throw Error(ErrorCode::kFormat, "a slice has a negative length", field.offset);
      }
    }
  }
  if (extent.start < 0 || (extent.length == Extent::kWhole && extent.start != 0)) {
    throw Error(ErrorCode::kFormat, "a slice starts at " + std::to_string(extent.start), offset);
  }
  return extent;
}

// OrderedCode, as far as slice keys use it (format.md §6.2).
void append_ordered_string(std::string& out, ByteView text) {
  for (const char c : text) {
    out.push_back(c);
    if (c == '\x00') out.push_back('\xff');
    if (c == '\xff') out.push_back('\x00');
  }
  out.append("\x00\x01", 2);
}

void append_ordered_unsigned(std::string& out, std::uint64_t value) {
  const int bytes = (static_cast<int>(std::bit_width(value)) + 7) / 8;
  out.push_back(static_cast<char>(bytes));
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
}

void append_ordered_signed(std::string& out, std::int64_t value) {
  const std::uint64_t magnitude = static_cast<std::uint64_t>(value < 0 ? ~value : value);
  if (magnitude < 64) {
    out.push_back(static_cast<char>(0x80 ^ (value & 0xFF)));
    return;
  }
  const int length = static_cast<int>(std::bit_width(magnitude)) / 7 + 1;
  // Two's complement, big-endian, sign-extended to `length` bytes; then `length` leading ones are
  // xored in, so that longer numbers sort outside shorter ones.
  std::string bytes;
  for (int i = length - 1; i >= 0; --i) {
    bytes.push_back(static_cast<char>(i >= 8 ? value >> 63 : value >> (8 * i)));
  }
  const std::uint32_t header = 0xFFFF0000U >> length;
  bytes[0] = static_cast<char>(bytes[0] ^ static_cast<char>((header >> 8) & 0xFF));
  bytes[1] = static_cast<char>(bytes[1] ^ static_cast<char>(header & 0xFF));
  out += bytes;
}

}  // namespace

int element_bytes(std::int32_t dtype) {
  // By DataType number, 0 (invalid) to 33 (float4_e2m1fn). Types below a byte still take one.
  constexpr std::array<std::int8_t, 34> kBytes = {0, 4, 8, 4, 1, 2, 1, 0,  8, 8, 1, 1,
                                                  1, 4, 2, 2, 2, 2, 16, 2, 0, 0, 4, 8,
                                                  1, 1, 1, 1, 1, 1, 1, 1,  1, 1};
  if (dtype < 0 || static_cast<std::size_t>(dtype) >= kBytes.size()) return 0;
  return kBytes[static_cast<std::size_t>(dtype)];
}

void Entry::clear() {
  dtype = shard = 0;
  offset = size = 0;
  crc32c = 0;
  shape.clear();
  slices.clear();
}

Header decode_header(ByteView value, std::uint64_t offset) {
  Header header;
  MessageReader message(value, offset);
  Field field;
  while (message.next(field)) {
    if (field.number == 1) header.num_shards = field.int32();
    if (field.number == 2) header.big_endian = field.varint() == 1;
    if (field.number == 3) check_version(field, header);
  }
  if (header.num_shards < 0) {
    throw Error(ErrorCode::kFormat,
                "the header claims " + std::to_string(header.num_shards) + " shards", offset);
  }
  return header;
}

void decode_entry(ByteView value, std::uint64_t offset, Entry& entry) {
  entry.clear();
  std::uint32_t masked = 0;
  MessageReader message(value, offset);
  Field field;
  while (message.next(field)) {
    switch (field.number) {
      case 1:
        entry.dtype = field.int32();
        break;
      case 2:
        decode_shape(field, entry);
        break;
      case 3:
        entry.shard = field.int32();
        break;
      case 4:
        entry.offset = field.int64();
        break;
      case 5:
        entry.size = field.int64();
        break;
      case 6:
        masked = static_cast<std::uint32_t>(field.fixed32());
        break;
      case 7:
        entry.slices.push_back(
            decode_slice(field.message(), field.bytes_offset));
        break;
      default:
        break;
    }
  }
  // An absent field is a masked value of 0, not "no checksum".
  entry.crc32c = crc32c_unmask(masked);
  if (entry.offset < 0 || entry.size < 0) {
    throw Error(ErrorCode::kFormat,
                "an entry claims " + std::to_string(entry.size) + " bytes at offset " +
                    std::to_string(entry.offset),
                offset);
  }
}

SliceSpec decode_slice(ByteView message, std::uint64_t offset) {
  SliceSpec slice;
  MessageReader reader(message, offset);
  Field field;
  while (reader.next(field)) {
    if (field.number != 1) continue;
    if (slice.size() == kMaxDimensions) {
      throw Error(ErrorCode::kFormat, "a slice has more than 254 dimensions", field.offset);
    }
    slice.push_back(decode_extent(field.message(), field.bytes_offset));
  }
  return slice;
}

std::string encode_slice_key(ByteView name, const SliceSpec& slice) {
  std::string key;
  append_ordered_unsigned(key, 0);
  append_ordered_string(key, name);
  append_ordered_unsigned(key, slice.size());
  for (const Extent& extent : slice) {
    append_ordered_signed(key, extent.start);
    append_ordered_signed(key, extent.length);
  }
  return key;
}

SliceSpec resolve_slice(const SliceSpec& slice, const std::vector<std::int64_t>& shape) {
  if (slice.size() != shape.size()) {
    throw Error(ErrorCode::kFormat, "a slice of " + std::to_string(slice.size()) +
                                        " dimensions in a tensor of " +
                                        std::to_string(shape.size()));
  }
  SliceSpec box = slice;
  for (std::size_t i = 0; i < box.size(); ++i) {
    if (box[i].length == Extent::kWhole) box[i].length = shape[i];
    if (box[i].start > shape[i] || box[i].length > shape[i] - box[i].start) {
      throw Error(ErrorCode::kFormat,
                  "a slice covers " + std::to_string(box[i].start) + "+" +
                      std::to_string(box[i].length) + " of dimension " + std::to_string(i) +
                      ", which has " + std::to_string(shape[i]));
    }
  }
  return box;
}

}  // namespace tensorbundle
