// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78): the checksum of every block and tensor.
//
// Invariant: every kernel computes the same function; which of them runs is decided once, from what
// the processor and the operating system support, and nothing else is remembered. All functions
// here are pure, never throw, and may be called from any number of threads.
//
// The kernels are in crc32c.cpp (portable), crc32c_x86.cpp and crc32c_arm64.cpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tensorbundle {

// Returns the CRC of a message whose beginning has the CRC `crc` (0 when nothing came before) and
// which goes on with the `size` bytes at `data`. Any alignment; `data` may be null when `size` is
// 0.
uint32_t crc32c_extend(uint32_t crc, const void* data, size_t size);

// Returns the CRC of `bytes`.
inline uint32_t crc32c(std::string_view bytes) {
  return crc32c_extend(0, bytes.data(), bytes.size());
}

// Returns the CRC of a message in two parts from the CRC of each; `second_size` is the length of
// the second in bytes. The cost is a few nanoseconds for each bit set in `second_size`.
uint32_t crc32c_combine(uint32_t first, uint32_t second, uint64_t second_size);

// Checksums are stored masked, so that the CRC of bytes which contain CRCs stays meaningful
// (format.md §1).
inline constexpr uint32_t kCrc32cMaskDelta = 0xA282EAD8;

// Returns the stored form of `crc`.
constexpr uint32_t crc32c_mask(uint32_t crc) { return std::rotr(crc, 15) + kCrc32cMaskDelta; }

// Returns the CRC whose stored form is `masked`: the inverse of crc32c_mask.
constexpr uint32_t crc32c_unmask(uint32_t masked) {
  return std::rotl(masked - kCrc32cMaskDelta, 15);
}

// One implementation of crc32c_extend.
struct Crc32cKernel {
  const char* name;
  uint32_t (*extend)(uint32_t crc, const uint8_t* data, size_t size);
};

// Returns every kernel this machine can run, the best first and "portable" last, so that tests and
// benchmarks compare them. Valid for the life of the program.
std::span<const Crc32cKernel> crc32c_kernels();

// Returns the name of the kernel behind crc32c_extend: the first of crc32c_kernels().
const char* crc32c_kernel_name();

}  // namespace tensorbundle
