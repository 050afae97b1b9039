// What the files of the CRC room share, and nobody else includes: the arithmetic of CRC-32C, for
// constants computed by the compiler, and the door through which a processor's kernels come in.
//
// A polynomial over GF(2) of degree below 32 is a uint32_t in reflected order: bit 31 is x^0, bit 0
// is x^31. All arithmetic is modulo the CRC-32C polynomial P.
#pragma once

#include <cstdint>
#include <vector>

#include "tensorbundle/base/crc32c.hpp"

namespace tensorbundle::crc32c_kernel {

inline constexpr uint32_t kOne = 0x80000000;         // x^0
inline constexpr uint32_t kX = 0x40000000;           // x^1
inline constexpr uint32_t kPolynomial = 0x82F63B78;  // P without its x^32

// Returns p * x.
constexpr uint32_t times_x(uint32_t p) { return (p >> 1) ^ ((p & 1) != 0 ? kPolynomial : 0); }

// Returns a * b.
constexpr uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (; a != 0; a <<= 1) {
    if ((a & kOne) != 0) product ^= b;
    b = times_x(b);
  }
  return product;
}

// Returns x^n.
constexpr uint32_t power_of_x(uint64_t n) {
  uint32_t power = kOne;
  for (uint32_t square = kX; n != 0; n >>= 1) {
    if ((n & 1) != 0) power = multiply(power, square);
    square = multiply(square, square);
  }
  return power;
}

// Returns the kernels that this processor can run beyond the portable one, the best first. Defined
// by the one kernel file that is not empty on the target; by crc32c.cpp where all of them are.
std::vector<Crc32cKernel> native_kernels();

}  // namespace tensorbundle::crc32c_kernel
