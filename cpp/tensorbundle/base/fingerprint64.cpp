#include "tensorbundle/base/fingerprint64.hpp"

#include <bit>
#include <cstring>
#include <utility>

namespace tensorbundle {

namespace {

// Primes between 2^63 and 2^64.
constexpr std::uint64_t kPrime0 = 0xc3a5c85c97cb3127;
constexpr std::uint64_t kPrime1 = 0xb492b66fbe98f273;
constexpr std::uint64_t kPrime2 = 0x9ae16a3b2f90404f;
constexpr std::size_t kStep = 64;

using Pair = std::pair<std::uint64_t, std::uint64_t>;

template <class Word>
std::uint64_t fetch(const char* at) {
  Word word = 0;
  std::memcpy(&word, at, sizeof(word));
  if constexpr (std::endian::native == std::endian::big) {
    Word swapped = 0;
    for (std::size_t i = 0; i < sizeof(word); ++i) {
      swapped = static_cast<Word>(swapped << 8 | (word >> (8 * i) & 0xFF));
    }
    word = swapped;
  }
  return word;
}

std::uint64_t word_at(const char* at) { return fetch<std::uint64_t>(at); }

std::uint64_t rotate(std::uint64_t value, int by) { return std::rotr(value, by); }

std::uint64_t fold(std::uint64_t value) { return value ^ (value >> 47); }

std::uint64_t mix(std::uint64_t one, std::uint64_t other, std::uint64_t factor) {
  const std::uint64_t a = fold((one ^ other) * factor);
  return fold((other ^ a) * factor) * factor;
}

std::uint64_t up_to_16(const char* at, std::size_t size) {
  const std::uint64_t factor = kPrime2 + size * 2;
  if (size >= 8) {
    const std::uint64_t a = word_at(at) + kPrime2;
    const std::uint64_t b = word_at(at + size - 8);
    return mix(rotate(b, 37) * factor + a, (rotate(a, 25) + b) * factor, factor);
  }
  if (size >= 4) {
    const std::uint64_t a = fetch<std::uint32_t>(at);
    return mix(size + (a << 3), fetch<std::uint32_t>(at + size - 4), factor);
  }
  if (size == 0) return kPrime2;
  const auto byte = [at](std::size_t i) { return static_cast<std::uint8_t>(at[i]); };
  const auto y = static_cast<std::uint32_t>(byte(0) + (byte(size >> 1) << 8));
  const auto z = static_cast<std::uint32_t>(size + (byte(size - 1) << 2));
  return fold(y * kPrime2 ^ z * kPrime0) * kPrime2;
}

std::uint64_t up_to_32(const char* at, std::size_t size) {
  const std::uint64_t factor = kPrime2 + size * 2;
  const std::uint64_t a = word_at(at) * kPrime1;
  const std::uint64_t b = word_at(at + 8);
  const std::uint64_t c = word_at(at + size - 8) * factor;
  const std::uint64_t d = word_at(at + size - 16) * kPrime2;
  return mix(rotate(a + b, 43) + rotate(c, 30) + d, a + rotate(b + kPrime2, 18) + c, factor);
}

std::uint64_t up_to_64(const char* at, std::size_t size) {
  const std::uint64_t factor = kPrime2 + size * 2;
  const std::uint64_t a = word_at(at) * kPrime2;
  const std::uint64_t b = word_at(at + 8);
  const std::uint64_t c = word_at(at + size - 8) * factor;
  const std::uint64_t d = word_at(at + size - 16) * kPrime2;
  const std::uint64_t y = rotate(a + b, 43) + rotate(c, 30) + d;
  const std::uint64_t z = mix(y, a + rotate(b + kPrime2, 18) + c, factor);
  const std::uint64_t e = word_at(at + 16) * factor;
  const std::uint64_t f = word_at(at + 24);
  const std::uint64_t g = (y + word_at(at + size - 32)) * factor;
  const std::uint64_t h = (z + word_at(at + size - 24)) * factor;
  return mix(rotate(e + f, 43) + rotate(g, 30) + h, e + rotate(f + a, 18) + g, factor);
}

Pair weak(const char* at, std::uint64_t a, std::uint64_t b) {
  a += word_at(at);
  b = rotate(b + a + word_at(at + 24), 21);
  const std::uint64_t c = a;
  a += word_at(at + 8) + word_at(at + 16);
  b += rotate(a, 44);
  return {a + word_at(at + 24), b + c};
}

// What is carried from one 64 bytes to the next.
struct State {
  std::uint64_t x = 81;
  std::uint64_t y = 81 * kPrime1 + 113;
  std::uint64_t z = fold((81 * kPrime1 + 113) * kPrime2 + 113) * kPrime2;
  Pair v{0, 0};
  Pair w{0, 0};

  // `nine`: 1, or 9 for the last 64 bytes.
  void take(const char* at, std::uint64_t factor, std::uint64_t nine) {
    x = rotate(x + y + v.first + word_at(at + 8), 37) * factor;
    y = rotate(y + v.second + word_at(at + 48), 42) * factor;
    x ^= w.second * nine;
    y += v.first * nine + word_at(at + 40);
    z = rotate(z + w.first, 33) * factor;
    v = weak(at, v.second * factor, x + w.first);
    w = weak(at + 32, z + w.second, y + word_at(at + 16));
    std::swap(z, x);
  }
};

}  // namespace

std::uint64_t fingerprint64(ByteView bytes) {
  const char* at = bytes.data();
  const std::size_t size = bytes.size();
  if (size <= 16) return up_to_16(at, size);
  if (size <= 32) return up_to_32(at, size);
  if (size <= kStep) return up_to_64(at, size);
  State state;
  state.x = state.x * kPrime2 + word_at(at);
  const std::size_t rest = (size - 1) % kStep;
  const char* const end = at + (size - 1 - rest);
  for (; at != end; at += kStep) state.take(at, kPrime1, 1);
  const std::uint64_t factor = kPrime1 + ((state.z & 0xFF) << 1);
  state.w.first += rest;
  state.v.first += state.w.first;
  state.w.first += state.v.first;
  state.take(end + rest + 1 - kStep, factor, 9);
  return mix(mix(state.v.first, state.w.first, factor) + fold(state.y) * kPrime0 + state.z,
             mix(state.v.second, state.w.second, factor) + state.x, factor);
}

}  // namespace tensorbundle
