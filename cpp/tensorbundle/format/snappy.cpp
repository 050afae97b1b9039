#include "tensorbundle/format/snappy.hpp"

namespace tensorbundle {

namespace {

// No element makes more out of its bytes than a copy with a two-byte offset: 64 from 3.
constexpr std::uint64_t kMostFromThreeBytes = 64;

[[noreturn]] void fail(const std::string& what, std::uint64_t offset) {
  throw Error(ErrorCode::kFormat, "malformed snappy block: " + what, offset);
}

// Takes a little-endian number of one to four bytes.
std::uint64_t take_number(Reader& in, std::uint32_t width) {
  if (width > in.remaining()) fail("the last element is cut off", in.offset());
  std::uint64_t number = 0;
  const ByteView bytes = in.bytes(width);
  for (std::uint32_t i = 0; i < width; ++i) {
    number |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return number;
}

std::uint64_t take_declared_size(Reader& in, std::uint64_t limit) {
  const std::uint64_t size = in.varint32("the declared size of a snappy block");
  if (size > limit) {
    fail("declares " + std::to_string(size) + " bytes, expected at most " + std::to_string(limit),
         0);
  }
  if (size * 3 > in.remaining() * kMostFromThreeBytes) {
    fail("declares " + std::to_string(size) + " bytes, more than the " +
             std::to_string(in.remaining()) + " that follow can hold",
         0);
  }
  return size;
}

void check_room(const std::string& out, std::uint64_t length, std::uint64_t declared,
                std::uint64_t at) {
  if (length > declared - out.size()) {
    fail("expected " + std::to_string(declared) + " bytes, found more", at);
  }
}

void append_literal(std::string& out, Reader& in, std::uint32_t tag, std::uint64_t declared) {
  const std::uint64_t at = in.offset() - 1;
  std::uint64_t length = tag >> 2;
  if (length >= 60) length = take_number(in, static_cast<std::uint32_t>(length) - 59);
  ++length;  // a literal is never empty
  if (length > in.remaining()) {
    fail("a literal of " + std::to_string(length) + " bytes, where only " +
             std::to_string(in.remaining()) + " remain",
         at);
  }
  check_room(out, length, declared, at);
  out.append(in.bytes(length));
}

void append_copy(std::string& out, Reader& in, std::uint32_t tag, std::uint64_t declared) {
  const std::uint64_t at = in.offset() - 1;
  std::uint64_t length = (tag >> 2) + 1;
  std::uint64_t distance = 0;
  if ((tag & 3) == 1) {
    length = ((tag >> 2) & 7) + 4;
    distance = (std::uint64_t{tag >> 5} << 8) | take_number(in, 1);
  } else {
    distance = take_number(in, (tag & 3) == 2 ? 2 : 4);
  }
  if (distance == 0 || distance > out.size()) {
    fail("a copy from " + std::to_string(distance) + " bytes back, where " +
             std::to_string(out.size()) + " are written",
         at);
  }
  check_room(out, length, declared, at);
  if (distance >= length) {
    out.append(out, out.size() - distance, length);
  } else {  // it overlaps what it writes, and so repeats the last `distance` bytes
    for (; length > 0; --length) out.push_back(out[out.size() - distance]);
  }
}

}  // namespace

std::string snappy_decompress(ByteView compressed, std::uint64_t limit) {
  Reader in(compressed);
  const std::uint64_t declared = take_declared_size(in, limit);
  std::string out;
  out.reserve(declared);
  while (!in.done()) {
    const std::uint32_t tag = in.fixed<std::uint8_t>();
    if ((tag & 3) == 0) {
      append_literal(out, in, tag, declared);
    } else {
      append_copy(out, in, tag, declared);
    }
  }
  if (out.size() < declared) {
    fail("expected " + std::to_string(declared) + " bytes, found " + std::to_string(out.size()),
         in.offset());
  }
  return out;
}

}  // namespace tensorbundle
