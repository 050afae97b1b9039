#include "tensorbundle/base/crc32c.hpp"

#include <array>
#include <bit>
#include <vector>

#include "tensorbundle/base/crc32c_kernel.hpp"

namespace tensorbundle {

namespace {

using namespace crc32c_kernel;

using ByteTable = std::array<uint32_t, 256>;

// kByteTables[k][b] is the CRC state after byte b and k zero bytes, from state 0: sixteen bytes can
// then be looked up independently of each other ("slicing by 16").
constexpr std::array<ByteTable, 16> make_byte_tables() {
  std::array<ByteTable, 16> tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t state = b;
    for (int bit = 0; bit < 8; ++bit) state = times_x(state);
    tables[0][b] = state;
  }
  for (size_t k = 1; k < 16; ++k) {
    for (uint32_t b = 0; b < 256; ++b) {
      const uint32_t state = tables[k - 1][b];
      tables[k][b] = tables[0][state & 0xFF] ^ (state >> 8);
    }
  }
  return tables;
}

constexpr std::array<ByteTable, 16> kByteTables = make_byte_tables();

// Little-endian on every machine; compilers turn this into one load where they can.
uint32_t load_u32(const uint8_t* p) {
  return uint32_t{p[0]} | uint32_t{p[1]} << 8 | uint32_t{p[2]} << 16 | uint32_t{p[3]} << 24;
}

// Looks up four bytes, the last of which is followed by `after` more.
template <size_t after>
uint32_t look_up(uint32_t bytes) {
  return kByteTables[after + 3][bytes & 0xFF] ^ kByteTables[after + 2][(bytes >> 8) & 0xFF] ^
         kByteTables[after + 1][(bytes >> 16) & 0xFF] ^ kByteTables[after][bytes >> 24];
}

uint32_t extend_portable(uint32_t crc, const uint8_t* data, size_t size) {
  uint32_t state = ~crc;
  for (; size >= 16; data += 16, size -= 16) {
    state = look_up<12>(load_u32(data) ^ state) ^ look_up<8>(load_u32(data + 4)) ^
            look_up<4>(load_u32(data + 8)) ^ look_up<0>(load_u32(data + 12));
  }
  for (; size > 0; ++data, --size) {
    state = kByteTables[0][(state ^ *data) & 0xFF] ^ (state >> 8);
  }
  return ~state;
}

// x^(2^31) = x modulo P, so squaring x again and again visits 31 values only.
constexpr size_t kSquares = 31;

// kPowerTables[k][i][v] is v * x^(2^k), where v stands in nibble i: a multiplication is 8 look-ups.
using PowerTable = std::array<std::array<uint32_t, 16>, 8>;

constexpr std::array<PowerTable, kSquares> make_power_tables() {
  std::array<PowerTable, kSquares> tables{};
  uint32_t square = kX;
  for (PowerTable& table : tables) {
    uint32_t product = square;  // of bit 31, then 30, ...
    for (size_t bit = 32; bit-- > 0; product = times_x(product)) {
      table[bit / 4][size_t{1} << bit % 4] = product;
    }
    for (auto& nibble : table) {
      for (size_t v = 1; v < 16; ++v) nibble[v] = nibble[v & (v - 1)] ^ nibble[v & (~v + 1)];
    }
    square = multiply(square, square);
  }
  return tables;
}

constexpr std::array<PowerTable, kSquares> kPowerTables = make_power_tables();
static_assert(power_of_x(uint64_t{1} << kSquares) == kX);

const std::vector<Crc32cKernel>& kernels() {
  static const std::vector<Crc32cKernel> found = [] {
    std::vector<Crc32cKernel> list = native_kernels();
    list.push_back({"portable", extend_portable});
    return list;
  }();
  return found;
}

}  // namespace

#if !defined(__x86_64__) && !defined(__AARCH64EL__)
std::vector<Crc32cKernel> crc32c_kernel::native_kernels() { return {}; }
#endif

uint32_t crc32c_extend(uint32_t crc, const void* data, size_t size) {
  static const auto extend = kernels().front().extend;
  return extend(crc, static_cast<const uint8_t*>(data), size);
}

uint32_t crc32c_combine(uint32_t first, uint32_t second, uint64_t second_size) {
  // The first part is multiplied by x^(8 * second_size), one set bit of the size at a time.
  for (; second_size != 0; second_size &= second_size - 1) {
    const auto log2_bits = static_cast<size_t>(std::countr_zero(second_size)) + 3;
    const PowerTable& table = kPowerTables[log2_bits % kSquares];
    uint32_t product = 0;
    for (size_t i = 0; i < 8; ++i) product ^= table[i][(first >> (4 * i)) & 0xF];
    first = product;
  }
  return first ^ second;
}

std::span<const Crc32cKernel> crc32c_kernels() { return kernels(); }

const char* crc32c_kernel_name() { return kernels().front().name; }

}  // namespace tensorbundle
