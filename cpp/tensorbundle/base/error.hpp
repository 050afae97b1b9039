// The one type the core throws. It knows what went wrong and at which bytes of the file; which
// file, and which tensor, is added by the caller who knows (errors.py, add_context). Messages read
// "what: expected and found", so that the place can be put between the two.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace tensorbundle {

// Each code maps to one Python class, in bindings/errors.cpp.
enum class ErrorCode : std::uint8_t {
  kMissingFile,   // a file is not there
  kFormat,        // bytes that are not a well-formed table, header, entry or string tensor
  kChecksum,      // well-formed, but not what was written
  kTruncated,     // the file ends before the range that was asked for
  kSizeMismatch,  // a size that does not follow from the dtype and shape beside it
  kOverlap,       // two tensors claim the same bytes
  kReplaced,      // another file has come to lie where one was opened, or is about to be
  kUnsupported,   // sound, but of a version or type that this library does not read
  kSystem,        // the operating system refused; system_errno() says why
  kCancelled,     // the progress callback asked to stop
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& what, std::optional<std::uint64_t> offset = {},
        std::uint64_t size = 0)
      : std::runtime_error(what), code_(code), offset_(offset), size_(size) {}

  // For kSystem: the errno of the call that failed.
  static Error system(int system_errno, const std::string& what) {
    Error error(ErrorCode::kSystem, what);
    error.system_errno_ = system_errno;
    return error;
  }

  [[nodiscard]] ErrorCode code() const { return code_; }
  // Byte offset in the file being read, where one is known.
  [[nodiscard]] std::optional<std::uint64_t> offset() const { return offset_; }
  // Bytes concerned, from that offset on; 0 where only the place is known.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] int system_errno() const { return system_errno_; }

 private:
  ErrorCode code_;
  std::optional<std::uint64_t> offset_;
  std::uint64_t size_;
  int system_errno_ = 0;
};

// A checksum as messages show it: 0x1b2c3d4e.
inline std::string hex(std::uint32_t value) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text = "0x00000000";
  for (std::size_t i = text.size() - 1; i > 1; --i, value >>= 4) text[i] = kDigits[value & 0xF];
  return text;
}

}  // namespace tensorbundle
