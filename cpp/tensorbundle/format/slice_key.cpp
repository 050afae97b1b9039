// The keys of stored slices (format.md §6.2), declared in bundle.hpp. They are OrderedCode: numbers
// and strings whose bytes sort as they do.
#include <bit>

#include "tensorbundle/format/bundle.hpp"

namespace tensorbundle {

namespace {

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
  const auto magnitude = static_cast<std::uint64_t>(value < 0 ? ~value : value);
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

std::string encode_slice_name(ByteView name) {
  std::string key;
  append_ordered_unsigned(key, 0);
  append_ordered_string(key, name);
  return key;
}

std::string encode_slice_extents(const SliceSpec& slice) {
  std::string key;
  append_ordered_unsigned(key, slice.size());
  for (const Extent& extent : slice) {
    append_ordered_signed(key, extent.start);
    append_ordered_signed(key, extent.length);
  }
  return key;
}

std::string encode_slice_key(ByteView name, const SliceSpec& slice) {
  return encode_slice_name(name) + encode_slice_extents(slice);
}

}  // namespace tensorbundle
