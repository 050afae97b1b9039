#include "tensorbundle/format/string_tensor.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

#include "tensorbundle/base/crc32c.hpp"

namespace tensorbundle {

namespace {

constexpr std::size_t kWindowBytes = std::size_t{256} << 10;

// The bytes of a file from an offset to its end, or to a limit, in order.
class ByteStream {
 public:
  ByteStream(const File& file, const StringTensorPlace& place)
      : file_(file),
        access_(file.access()),
        start_(std::min(place.offset, file.size())),
        next_read_(start_),
        stop_(next_read_ + std::min(place.limit, file.size() - next_read_)) {}

  [[nodiscard]] std::uint64_t offset() const { return next_read_ - (end_ - begin_); }
  [[nodiscard]] std::uint64_t used() const { return offset() - start_; }
  [[nodiscard]] std::uint64_t remaining() const { return stop_ - offset(); }

  std::uint64_t varint() {
    refill(kMaxVarintBytes);
    Reader reader(ByteView(window_ + begin_, end_ - begin_), offset());
    const std::size_t before = reader.remaining();
    const std::uint64_t value = reader.varint();
    begin_ += before - reader.remaining();
    return value;
  }

  std::uint32_t fixed32() {
    char raw[sizeof(std::uint32_t)];
    read(raw, sizeof(raw));
    return load_little<std::uint32_t>(raw);
  }

  void read(char* into, std::uint64_t size) {
    require(size);
    const auto ready = static_cast<std::size_t>(std::min<std::uint64_t>(size, end_ - begin_));
    std::copy_n(window_ + begin_, ready, into);
    begin_ += ready;
    if (ready == size) return;
    const auto rest = static_cast<std::size_t>(size - ready);
    file_.read_at(access_, next_read_, into + ready, rest);
    next_read_ += rest;
  }

  // Passes over `size` bytes; returns `crc` extended with them.
  std::uint32_t extend(std::uint32_t crc, std::uint64_t size) {
    require(size);
    while (size > 0) {
      refill(1);
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(size, end_ - begin_));
      crc = crc32c_extend(crc, window_ + begin_, part);
      begin_ += part;
      size -= part;
    }
    return crc;
  }

  void require(std::uint64_t size) const {
    if (size <= remaining()) return;
    throw Error(ErrorCode::kFormat,
                "a length of " + std::to_string(size) + " bytes runs past the end, where only " +
                    std::to_string(remaining()) + " remain",
                offset());
  }

 private:
  // Makes at least `wanted` bytes ready, or all there are.
  void refill(std::size_t wanted) {
    if (end_ - begin_ >= wanted) return;
    char* const window = window_ == nullptr ? buffer_.reserve(kWindowBytes) : window_;
    if (end_ > begin_) std::memmove(window, window + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    const auto more =
        static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes - end_, stop_ - next_read_));
    file_.read_at(access_, next_read_, window + end_, more);
    window_ = window;
    next_read_ += more;
    end_ += more;
  }

  const File& file_;
  File::Access access_;
  Buffer buffer_;
  char* window_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t start_;
  std::uint64_t next_read_;
  std::uint64_t stop_;
};

template <typename T>
std::uint32_t extend_with(std::uint32_t crc, T value, bool big_endian) {
  if (big_endian != (std::endian::native == std::endian::big)) value = byte_swapped(value);
  return crc32c_extend(crc, &value, sizeof(value));
}

// A length enters the checksum as a fixed-width integer: 4 bytes where it fits, for compatibility
// with files from before lengths had 64 bits.
std::uint32_t extend_with_length(std::uint32_t crc, std::uint64_t length, bool big_endian) {
  if (length > UINT32_MAX) return extend_with(crc, length, big_endian);
  return extend_with(crc, static_cast<std::uint32_t>(length), big_endian);
}

// Reads the checksum that is stored within the tensor, compares it, and enters it into `crc`.
std::uint32_t pass_inner_checksum(ByteStream& stream, std::uint32_t crc, bool big_endian,
                                  const char* of) {
  const std::uint64_t at = stream.offset();
  std::uint32_t stored = stream.fixed32();
  if (big_endian) stored = byte_swapped(stored);
  if (crc32c_unmask(stored) != crc) {
    throw Error(ErrorCode::kChecksum,
                std::string("checksum mismatch in ") + of + ": stored " +
                    hex(crc32c_unmask(stored)) + ", computed " + hex(crc),
                at);
  }
  return extend_with(crc, stored, big_endian);
}

// Passes over the lengths and their checksum. Returns the running CRC.
std::uint32_t pass_lengths(ByteStream& stream, const StringTensorPlace& place,
                           const std::function<void(std::uint64_t)>& each) {
  // Each length takes at least a byte.
  stream.require(place.count);
  std::uint32_t crc = 0;
  for (std::uint64_t i = 0; i < place.count; ++i) {
    const std::uint64_t length = stream.varint();
    crc = extend_with_length(crc, length, place.big_endian);
    each(length);
  }
  return pass_inner_checksum(stream, crc, place.big_endian, "the lengths of the strings");
}

// The sum of lengths, which are not trusted yet; saturates, so that it cannot wrap.
void add_saturating(std::uint64_t& total, std::uint64_t length) {
  total = length > UINT64_MAX - total ? UINT64_MAX : total + length;
}

// Once the checksum has shown that the lengths are those that were written.
void require_elements(const ByteStream& stream, std::uint64_t total) {
  if (total <= stream.remaining()) return;
  throw Error(ErrorCode::kSizeMismatch,
              "the strings are of " + std::to_string(total) + " bytes, where only " +
                  std::to_string(stream.remaining()) + " remain",
              stream.offset());
}

}  // namespace

StringTensor read_strings(const File& file, const StringTensorPlace& place) {
  ByteStream stream(file, place);
  StringTensor tensor;
  std::uint64_t total = 0;
  const std::uint32_t crc = pass_lengths(stream, place, [&](std::uint64_t length) {
    add_saturating(total, length);
    tensor.lengths.push_back(length);
  });
  require_elements(stream, total);
  tensor.bytes.resize(static_cast<std::size_t>(total));
  stream.read(tensor.bytes.data(), total);
  tensor.crc32c = crc32c_extend(crc, tensor.bytes.data(), tensor.bytes.size());
  tensor.used = stream.used();
  return tensor;
}

StringLengths encode_lengths(std::span<const ByteView> elements) {
  StringLengths lengths;
  for (const ByteView element : elements) {
    append_varint(lengths.stored, element.size());
    lengths.crc32c = extend_with_length(lengths.crc32c, element.size(), false);
  }
  const std::uint32_t masked = crc32c_mask(lengths.crc32c);
  append_fixed(lengths.stored, masked);
  lengths.crc32c = extend_with(lengths.crc32c, masked, false);
  return lengths;
}

StringCheck check_strings(const File& file, const StringTensorPlace& place) {
  ByteStream stream(file, place);
  std::uint64_t total = 0;
  const std::uint32_t lengths =
      pass_lengths(stream, place, [&](std::uint64_t length) { add_saturating(total, length); });
  require_elements(stream, total);
  const std::uint32_t crc = stream.extend(lengths, total);
  return {crc, stream.used()};
}

StringCheck check_variants(const File& file, const StringTensorPlace& place) {
  ByteStream stream(file, place);
  std::uint32_t crc = 0;
  stream.require(place.count);
  for (std::uint64_t i = 0; i < place.count; ++i) {
    const std::uint64_t length = stream.varint();
    crc = extend_with(crc, length, place.big_endian);
    crc = stream.extend(crc, length);
    crc = pass_inner_checksum(stream, crc, place.big_endian, "a variant");
  }
  return {crc, stream.used()};
}

}  // namespace tensorbundle
