// float16 and bfloat16, as their 16 bits: to float, which holds all of them, and back from double,
// rounded once (to the nearest, ties to even). Through float alone a double would be rounded twice:
// 1 + 2^-8 + 2^-40 would become 1 in bfloat16, although it is nearer to 1 + 2^-7.
//
// Pure functions without branches that depend on data, so that loops over them become vectors.
#pragma once

#include <bit>
#include <cstdint>

namespace tensorbundle {

struct Float16 {
  std::uint16_t bits;
};

struct BFloat16 {
  std::uint16_t bits;
};

inline float to_float(Float16 value) {
  const auto sign = static_cast<std::uint32_t>(value.bits & 0x8000U) << 16U;
  const std::uint32_t magnitude = value.bits & 0x7FFFU;
  // The exponent's bias grows from 15 to 127; zero and subnormal numbers come out right too.
  const auto scaled =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude << 13U) * 0x1p112F);
  const std::uint32_t special = magnitude >= 0x7C00U ? 0x7F800000U : 0U;  // infinity, NaN
  return std::bit_cast<float>(sign | scaled | special);
}

inline float to_float(BFloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16U);
}

// The bits of the float that is next to the value on the side of zero, its last bit set unless it
// is the value itself. Rounded again to fewer bits (two fewer at least), it gives what the value
// itself gives.
inline std::uint32_t rounded_to_odd(double value) {
  const auto nearest = static_cast<float>(value);
  const auto back = static_cast<double>(nearest);
  const bool inexact = back != value;  // true for NaN, which stays one
  const bool too_large = value < 0 ? back < value : back > value;
  return (std::bit_cast<std::uint32_t>(nearest) - (too_large ? 1U : 0U)) | (inexact ? 1U : 0U);
}

inline BFloat16 to_bfloat16(double value) {
  const std::uint32_t bits = rounded_to_odd(value);
  const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  const std::uint32_t rounded = (bits + 0x7FFFU + (bits >> 16U & 1U)) >> 16U;
  return {static_cast<std::uint16_t>(is_nan ? (bits >> 16U | 0x40U) : rounded)};
}

inline Float16 to_float16(double value) {
  const std::uint32_t bits = rounded_to_odd(value);
  const std::uint32_t sign = bits >> 16U & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  // The bias shrinks, and half of the last place that stays is added, less a bit for even numbers.
  const std::uint32_t normal = (magnitude - 0x37FFF001U + (magnitude >> 13U & 1U)) >> 13U;
  // Adding a half moves the last place of the smallest numbers to the end of the fraction.
  const std::uint32_t subnormal =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3F000000U;
  std::uint32_t result = magnitude < 0x38800000U ? subnormal : normal;
  result = magnitude >= 0x47800000U ? 0x7C00U : result;
  result = magnitude > 0x7F800000U ? 0x7E00U : result;
  return {static_cast<std::uint16_t>(sign | result)};
}

}  // namespace tensorbundle
