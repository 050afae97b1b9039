// Bytes in both directions: the only room that knows varints and little-endian integers.
//
// Reader is bounded: no call reads past the end of its view, whatever lengths the bytes claim.
// Offsets in errors are positions within the view plus the `base` given to the Reader.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "tensorbundle/base/error.hpp"

namespace tensorbundle {

using ByteView = std::string_view;

inline constexpr int kMaxVarintBytes = 10;

template <typename T>
[[nodiscard]] constexpr T byte_swapped(T value) {
  T swapped = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    swapped = static_cast<T>(swapped << 8) | static_cast<T>((value >> (8 * i)) & 0xFF);
  }
  return swapped;
}

// Unaligned little-endian load. REQUIRES: sizeof(T) bytes at `from`.
template <typename T>
[[nodiscard]] inline T load_little(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  if constexpr (std::endian::native == std::endian::big) value = byte_swapped(value);
  return value;
}

class Reader {
 public:
  explicit Reader(ByteView bytes, std::uint64_t base = 0)
      : begin_(bytes.data()), next_(begin_), end_(begin_ + bytes.size()), base_(base) {}

  [[nodiscard]] bool done() const { return next_ == end_; }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - next_); }
  [[nodiscard]] std::uint64_t offset() const {
    return base_ + static_cast<std::uint64_t>(next_ - begin_);
  }
  [[nodiscard]] ByteView rest() const { return {next_, remaining()}; }

  // The one-byte case is by far the commonest, so it alone is inlined.
  std::uint64_t varint() {
    if (next_ != end_ && static_cast<unsigned char>(*next_) < 0x80) {
      return static_cast<unsigned char>(*next_++);
    }
    return long_varint();
  }

  std::uint32_t varint32(const char* what) {
    const std::uint64_t at = offset();
    const std::uint64_t value = varint();
    if (value > UINT32_MAX)
      throw Error(ErrorCode::kFormat, std::string(what) + " is too large", at);
    return static_cast<std::uint32_t>(value);
  }

  template <typename T>
  T fixed() {
    return load_little<T>(bytes(sizeof(T)).data());
  }

  ByteView bytes(std::uint64_t size) {
    if (size > remaining()) throw_too_long(size);
    const ByteView taken(next_, static_cast<std::size_t>(size));
    next_ += size;
    return taken;
  }

 private:
  [[noreturn]] void throw_too_long(std::uint64_t size) const {
    throw Error(ErrorCode::kFormat,
                "a length of " + std::to_string(size) + " bytes runs past the end, where only " +
                    std::to_string(remaining()) + " remain",
                offset());
  }

  std::uint64_t long_varint() {
    const std::uint64_t at = offset();
    std::uint64_t value = 0;
    for (int i = 0; i < kMaxVarintBytes; ++i) {
      if (next_ == end_) throw Error(ErrorCode::kFormat, "a varint is cut off", at);
      const auto byte = static_cast<unsigned char>(*next_++);
      // The tenth byte holds bit 63 alone; anything above it would be dropped without a word.
      if (i == kMaxVarintBytes - 1 && byte > 1) break;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
      if (byte < 0x80) return value;
    }
    throw Error(ErrorCode::kFormat, "a varint is longer than 64 bits", at);
  }

  const char* begin_;
  const char* next_;
  const char* end_;
  std::uint64_t base_;
};

template <typename T>
void append_fixed(std::string& out, T value) {
  if constexpr (std::endian::native == std::endian::big) value = byte_swapped(value);
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

inline void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>((value & 0x7F) | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

}  // namespace tensorbundle
