// CRC-32C kernels for x86-64, each compiled for its instructions by attributes instead of flags, so
// that the file builds everywhere and nothing outside these functions can use what may be missing.
// Empty on other processors, and under MSVC, which has no such attributes.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "tensorbundle/base/crc32c_kernel.hpp"

namespace tensorbundle::crc32c_kernel {

namespace {

// Both instructions used here take reflected operands, which costs factors of x: a carry-less
// product comes out as a * b * x, and what is folded or fed to crc32 has 32 zero coefficients in
// front. The constant that moves something n bits forward is therefore x^(n - 33).
constexpr uint32_t shift_factor(uint64_t bits) { return power_of_x(bits - 33); }

// The state fills 32 bits; held in 64, as the instruction has it, it needs no widening in between.
[[gnu::target("sse4.2,pclmul")]] uint64_t step(uint64_t state, const uint8_t* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return _mm_crc32_u64(state, value);
}

// `state` is the complement of the running CRC, here and below.
[[gnu::target("sse4.2,pclmul")]] uint32_t extend_serial(uint64_t wide_state, const uint8_t* data,
                                                        size_t size) {
  for (; size >= 8; data += 8, size -= 8) wide_state = step(wide_state, data);
  auto state = static_cast<uint32_t>(wide_state);
  if ((size & 4) != 0) {
    uint32_t value;
    std::memcpy(&value, data, sizeof value);
    state = _mm_crc32_u32(state, value);
    data += 4;
  }
  if ((size & 2) != 0) {
    uint16_t value;
    std::memcpy(&value, data, sizeof value);
    state = _mm_crc32_u16(state, value);
    data += 2;
  }
  if ((size & 1) != 0) state = _mm_crc32_u8(state, *data);
  return state;
}

// Returns `state` as it would be after `bytes` zero bytes.
template <uint64_t bytes>
[[gnu::target("sse4.2,pclmul")]] uint64_t shift(uint64_t state) {
  constexpr int64_t kFactor = shift_factor(8 * bytes);
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(state)),
                                               _mm_cvtsi64_si128(kFactor), 0);
  return _mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(product)));
}

// Asks for the line 6 KB ahead. It may lie beyond the end, which a prefetch forgives and pointer
// arithmetic does not: hence the integer.
[[gnu::target("sse4.2,pclmul")]] void prefetch(const uint8_t* p) {
  _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(p) + 6144), _MM_HINT_T0);
}

// Runs three neighbouring streams at a time, because crc32 takes three cycles and can start on
// every one; consumes whole rounds only. `stream` is a multiple of 64. The lines to come are asked
// for in the order of memory, not of the streams: the processor's own prefetcher goes on from that,
// which makes three times the speed where the data is not in a cache.
template <size_t stream>
[[gnu::target("sse4.2,pclmul")]] uint64_t extend_streams(uint64_t state, const uint8_t*& data,
                                                         size_t& size) {
  for (; size >= 3 * stream; data += 3 * stream, size -= 3 * stream) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t line = 0; line < stream; line += 64) {
      prefetch(data + 3 * line);
      prefetch(data + 3 * line + 64);
      prefetch(data + 3 * line + 128);
      for (const uint8_t* p = data + line; p != data + line + 64; p += 8) {
        state = step(state, p);
        second = step(second, p + stream);
        third = step(third, p + 2 * stream);
      }
    }
    state = shift<2 * stream>(state) ^ shift<stream>(second) ^ third;
  }
  return state;
}

[[gnu::target("sse4.2,pclmul")]] uint32_t extend_sse42(uint32_t crc, const uint8_t* data,
                                                       size_t size) {
  uint64_t state = extend_streams<1024>(~crc, data, size);
  state = extend_streams<128>(state, data, size);
  return ~extend_serial(state, data, size);
}

[[gnu::target("avx512f,vpclmulqdq")]] __m512i load(const uint8_t* p) {
  return _mm512_loadu_si512(p);
}

// The factors that move a vector `bytes` forward: of the low and of the high half of each lane.
template <uint64_t bytes>
[[gnu::target("avx512f,vpclmulqdq")]] __m512i factors() {
  constexpr long long kLow = shift_factor(8 * bytes + 64);
  constexpr long long kHigh = shift_factor(8 * bytes);
  return _mm512_set4_epi64(kHigh, kLow, kHigh, kLow);
}

// Returns `sum` moved forward by the distance of `factors`, plus `next`, which lies there.
[[gnu::target("avx512f,vpclmulqdq")]] __m512i fold(__m512i sum, __m512i factors, __m512i next) {
  const __m512i low = _mm512_clmulepi64_epi128(sum, factors, 0x00);
  const __m512i high = _mm512_clmulepi64_epi128(sum, factors, 0x11);
  return _mm512_ternarylogic_epi64(low, high, next, 0x96);  // the exclusive or of all three
}

// Folds whole rounds of 512 bytes into `sum`, which stands for the 64 bytes at `data`, and returns
// what then stands for the last 64 bytes before the new `data`. Eight sums, named so that they stay
// in registers, hide the latency of the multiplication. Requires size >= 512.
[[gnu::target("avx512f,vpclmulqdq")]] __m512i fold_rounds(__m512i sum, const uint8_t*& data,
                                                          size_t& size) {
  __m512i s0 = sum, s1 = load(data + 64), s2 = load(data + 128), s3 = load(data + 192);
  __m512i s4 = load(data + 256), s5 = load(data + 320), s6 = load(data + 384);
  __m512i s7 = load(data + 448);
  const __m512i round = factors<512>();
  for (data += 512, size -= 512; size >= 512; data += 512, size -= 512) {
    s0 = fold(s0, round, load(data));
    s1 = fold(s1, round, load(data + 64));
    s2 = fold(s2, round, load(data + 128));
    s3 = fold(s3, round, load(data + 192));
    s4 = fold(s4, round, load(data + 256));
    s5 = fold(s5, round, load(data + 320));
    s6 = fold(s6, round, load(data + 384));
    s7 = fold(s7, round, load(data + 448));
  }
  const __m512i half = factors<256>(), quarter = factors<128>();
  s4 = fold(s0, half, s4), s5 = fold(s1, half, s5), s6 = fold(s2, half, s6);
  s7 = fold(s3, half, s7);
  s6 = fold(s4, quarter, s6), s7 = fold(s5, quarter, s7);
  return fold(s6, factors<64>(), s7);
}

[[gnu::target("avx512f,vpclmulqdq")]] uint32_t extend_vpclmul512(uint32_t crc, const uint8_t* data,
                                                                 size_t size) {
  if (size < 128) return ~extend_serial(~crc, data, size);
  const __m512i before = _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<int>(~crc)));
  __m512i sum = _mm512_xor_si512(load(data), before);
  if (size >= 1024) {
    sum = fold_rounds(sum, data, size);
  } else {
    data += 64, size -= 64;
  }
  const __m512i vector = factors<64>();
  for (; size >= 64; data += 64, size -= 64) sum = fold(sum, vector, load(data));
  uint8_t bytes[64];
  _mm512_storeu_si512(bytes, sum);
  // Upper halves that are left dirty make every SSE instruction after this three times as slow.
  _mm256_zeroupper();
  return ~extend_serial(extend_serial(0, bytes, 64), data, size);
}

}  // namespace

std::vector<Crc32cKernel> native_kernels() {
  __builtin_cpu_init();  // the list may be wanted before the runtime's own initializers have run
  std::vector<Crc32cKernel> list;
  const bool sse42 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
  // "avx512f" also says that the operating system saves the wide registers.
  if (sse42 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq")) {
    list.push_back({"vpclmul512", extend_vpclmul512});
  }
  if (sse42) list.push_back({"sse42", extend_sse42});
  return list;
}

}  // namespace tensorbundle::crc32c_kernel

#endif
