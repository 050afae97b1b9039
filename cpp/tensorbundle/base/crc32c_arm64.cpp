// CRC-32C kernel for 64-bit little-endian ARM, with the CRC instructions of ARMv8. Empty on other
// processors.
#if defined(__AARCH64EL__)

#include <cstring>

#include "tensorbundle/base/crc32c_kernel.hpp"

#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace tensorbundle::crc32c_kernel {

namespace {

// Assembly, because compilers offer the intrinsics under different names and only to files built
// with flags that would let the instructions leak out of this kernel.
uint32_t step(uint32_t state, const uint8_t* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof value);
  __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(state) : "r"(value));
  return state;
}

uint32_t step_byte(uint32_t state, uint8_t value) {
  __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(state) : "r"(value));
  return state;
}

// Three neighbouring streams run at a time, because the instruction takes about three cycles and
// can start on every one.
constexpr size_t kStream = 1024;

uint32_t extend_armv8(uint32_t crc, const uint8_t* data, size_t size) {
  uint32_t state = ~crc;
  for (; size >= 3 * kStream; data += 3 * kStream, size -= 3 * kStream) {
    uint32_t second = 0;
    uint32_t third = 0;
    for (const uint8_t* p = data; p != data + kStream; p += 8) {
      state = step(state, p);
      second = step(second, p + kStream);
      third = step(third, p + 2 * kStream);
    }
    state = crc32c_combine(crc32c_combine(state, second, kStream), third, kStream);
  }
  for (; size >= 8; data += 8, size -= 8) state = step(state, data);
  for (; size > 0; ++data, --size) state = step_byte(state, *data);
  return ~state;
}

bool has_crc_instructions() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#elif defined(__APPLE__)
  return true;
#else
  return false;
#endif
}

}  // namespace

std::vector<Crc32cKernel> native_kernels() {
  if (!has_crc_instructions()) return {};
  return {{"armv8", extend_armv8}};
}

}  // namespace tensorbundle::crc32c_kernel

#endif
