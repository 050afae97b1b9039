#include "tensorbundle/format/bundle.hpp"

#include <array>

#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/format/message.hpp"

namespace tensorbundle {

namespace {

// TF_CHECKPOINT_VERSION and its minimum producer: what a reader of this format declares itself.
constexpr std::int32_t kConsumerVersion = 1;
constexpr std::int32_t kMinProducer = 0;

void append_field(std::string& out, std::uint32_t number, std::uint64_t value) {
  append_varint(out, tag_of(number, WireType::kVarint));
  append_varint(out, value);
}

void append_message(std::string& out, std::uint32_t number, ByteView message) {
  append_varint(out, tag_of(number, WireType::kBytes));
  append_varint(out, message.size());
  out += message;
}

// Passes over the field at `at`, which has no meaning here. Fields up to `last_known` do have one,
// and so come with another wire type than they must. `message` starts at `offset`.
void pass_field(Reader& reader, std::uint64_t at, ByteView message, std::uint64_t offset,
                std::uint32_t last_known) {
  MessageReader fields(message.substr(static_cast<std::size_t>(at - offset)), at);
  Field field;
  const bool found = fields.next(field);
  if (found && field.offset != at) {  // what was passed over is a group, and this comes after it
    reader = Reader(message.substr(static_cast<std::size_t>(field.offset - offset)), field.offset);
    return;
  }
  if (found && field.number <= last_known) {
    throw Error(ErrorCode::kFormat,
                "field " + std::to_string(field.number) + " has the wrong wire type " +
                    std::to_string(static_cast<int>(field.wire)),
                at);
  }
  reader = fields.rest();
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

}  // namespace

int element_bytes(std::int32_t dtype) {
  // By DataType number, 0 (invalid) to 33 (float4_e2m1fn). Types below a byte still take one.
  constexpr std::array<std::int8_t, 34> kBytes = {0, 4, 8, 4, 1, 2, 1,  0, 8, 8, 1, 1,
                                                  1, 4, 2, 2, 2, 2, 16, 2, 0, 0, 4, 8,
                                                  1, 1, 1, 1, 1, 1, 1,  1, 1, 1};
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

void check_version(ByteView versions, std::uint64_t offset, Header& header) {
  MessageReader message(versions, offset);
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
                offset);
  }
}

Header decode_header(ByteView value, std::uint64_t offset) {
  Header header;
  MessageReader message(value, offset);
  Field field;
  while (message.next(field)) {
    if (field.number == 1) header.num_shards = field.int32();
    if (field.number == 2) header.big_endian = field.varint() == 1;
    if (field.number == 3) check_version(field.message(), field.bytes_offset, header);
  }
  if (header.num_shards < 0) {
    throw Error(ErrorCode::kFormat,
                "the header claims " + std::to_string(header.num_shards) + " shards", offset);
  }
  return header;
}

std::string encode_header(const Header& header) {
  std::string version;
  if (header.producer != 0) append_field(version, 1, static_cast<std::uint32_t>(header.producer));
  if (header.min_consumer != 0) {
    append_field(version, 2, static_cast<std::uint32_t>(header.min_consumer));
  }
  std::string out;
  if (header.num_shards != 0) append_field(out, 1, static_cast<std::uint32_t>(header.num_shards));
  if (header.big_endian) append_field(out, 2, 1);
  append_message(out, 3, version);
  return out;
}

void decode_entry(ByteView value, std::uint64_t offset, Entry& entry) {
  entry.clear();
  std::int64_t count = 1;
  std::uint32_t masked = 0;
  // By tag, not through MessageReader: this loop is what opening a large checkpoint consists of.
  Reader reader(value, offset);
  while (!reader.done()) {
    const std::uint64_t from = reader.offset();
    switch (reader.varint()) {
      case tag_of(1, WireType::kVarint):
        entry.dtype = static_cast<std::int32_t>(reader.varint());
        break;
      case tag_of(2, WireType::kBytes): {
        const ByteView shape = reader.bytes(reader.varint());
        decode_shape(shape, reader.offset() - shape.size(), entry.shape, count);
        break;
      }
      case tag_of(3, WireType::kVarint):
        entry.shard = static_cast<std::int32_t>(reader.varint());
        break;
      case tag_of(4, WireType::kVarint):
        entry.offset = static_cast<std::int64_t>(reader.varint());
        break;
      case tag_of(5, WireType::kVarint):
        entry.size = static_cast<std::int64_t>(reader.varint());
        break;
      case tag_of(6, WireType::kFixed32):
        masked = reader.fixed<std::uint32_t>();
        break;
      case tag_of(7, WireType::kBytes): {
        const ByteView slice = reader.bytes(reader.varint());
        entry.slices.push_back(decode_slice(slice, reader.offset() - slice.size()));
        break;
      }
      default:
        pass_field(reader, from, value, offset, 7);
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

void encode_entry(const Entry& entry, std::string& out) {
  append_field(out, 1, static_cast<std::uint32_t>(entry.dtype));
  std::string shape, dimension;
  for (const std::int64_t size : entry.shape) {
    dimension.clear();
    if (size != 0) append_field(dimension, 1, static_cast<std::uint64_t>(size));
    append_message(shape, 2, dimension);
  }
  append_message(out, 2, shape);
  if (entry.shard != 0) append_field(out, 3, static_cast<std::uint32_t>(entry.shard));
  if (entry.offset != 0) append_field(out, 4, static_cast<std::uint64_t>(entry.offset));
  if (entry.size != 0) append_field(out, 5, static_cast<std::uint64_t>(entry.size));
  // A partitioned tensor has no bytes of its own, so no checksum; otherwise absent means 0.
  const std::uint32_t masked = entry.slices.empty() ? crc32c_mask(entry.crc32c) : 0;
  if (masked != 0) {
    append_varint(out, tag_of(6, WireType::kFixed32));
    append_fixed(out, masked);
  }
  for (const SliceSpec& slice : entry.slices) append_message(out, 7, encode_slice(slice));
}

SliceSpec decode_slice(ByteView message, std::uint64_t offset) {
  SliceSpec slice;
  MessageReader reader(message, offset);
  Field field;
  while (reader.next(field)) {
    if (field.number != 1) continue;
    if (slice.size() == kMaxDimensions) {
      throw Error(ErrorCode::kFormat,
                  "a slice has more than " + std::to_string(kMaxDimensions) + " dimensions",
                  field.offset);
    }
    slice.push_back(decode_extent(field.message(), field.bytes_offset));
  }
  return slice;
}

std::string encode_slice(const SliceSpec& slice) {
  std::string out;
  for (const Extent& extent : slice) {
    std::string message;
    if (extent.start != 0) append_field(message, 1, static_cast<std::uint64_t>(extent.start));
    if (extent.length != Extent::kWhole) {
      append_field(message, 2, static_cast<std::uint64_t>(extent.length));
    }
    append_message(out, 1, message);
  }
  return out;
}

}  // namespace tensorbundle
