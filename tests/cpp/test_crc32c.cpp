// Every kernel against a table of bytes, which is too plain to be wrong in the same way.
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "check.hpp"
#include "tensorbundle/base/bytes.hpp"
#include "tensorbundle/base/crc32c.hpp"

namespace {

using namespace tensorbundle;

uint32_t reference(uint32_t crc, const uint8_t* data, size_t size) {
  static const auto table = [] {
    std::array<uint32_t, 256> made{};
    for (uint32_t b = 0; b < 256; ++b) {
      uint32_t state = b;
      for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ (0x82F63B78u & (~(state & 1) + 1));
      made[b] = state;
    }
    return made;
  }();
  crc = ~crc;
  for (size_t i = 0; i < size; ++i) crc = table[(crc ^ data[i]) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

// Memory that ends where the bytes end, so that a sanitizer sees a kernel read one too many.
struct Bytes {
  Bytes(size_t count, std::mt19937_64& random) : data(new uint8_t[count]), size(count) {
    for (size_t i = 0; i < count; ++i) data[i] = static_cast<uint8_t>(random());
  }
  std::unique_ptr<uint8_t[]> data;
  size_t size;
};

void check_kernels(uint32_t start, const uint8_t* data, size_t size) {
  const uint32_t expected = reference(start, data, size);
  for (const Crc32cKernel& kernel : crc32c_kernels()) {
    const std::string case_name = kernel.name + (" of " + std::to_string(size));
    CHECK_EQ(case_name + " " + std::to_string(kernel.extend(start, data, size)),
             case_name + " " + std::to_string(expected));
  }
}

struct Vector {
  std::string bytes;
  uint32_t crc;
  uint32_t masked;
};

// format.md §12.1
const std::vector<Vector> kFormatVectors = {
    {"", 0x00000000, 0xa282ead8},
    {"a", 0xc1d04330, 0x28e46e78},
    {"abc", 0x364b3fb7, 0x21f1576e},
    {"123456789", 0xe3069283, 0xc78ab0e5},
    {"hello world", 0xc99465aa, 0x6dd87e00},
    {std::string(4, '\0'), 0x48674bc7, 0x3a117ba6},
    {std::string(32, '\0'), 0x8a9136aa, 0x0fd7fffa},
    {std::string(32, '\xff'), 0x62a8ab43, 0xf909b029},
    {std::string("\x00\x00\x80\x3f", 4), 0xdd54c4ab, 0x2bdaa581},
};

TEST(the_best_kernel_is_chosen_and_the_portable_one_is_last) {
  CHECK_EQ(std::string_view(crc32c_kernel_name()), crc32c_kernels().front().name);
  CHECK_EQ(std::string_view("portable"), crc32c_kernels().back().name);
}

TEST(vectors_of_the_format) {
  for (const auto& [bytes, crc, masked] : kFormatVectors) {
    CHECK_EQ(crc32c(bytes), crc);
    CHECK_EQ(crc32c_mask(crc), masked);
    CHECK_EQ(crc32c_unmask(masked), crc);
    for (const Crc32cKernel& kernel : crc32c_kernels()) {
      CHECK_EQ(kernel.extend(0, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()), crc);
    }
  }
}

TEST(vectors_of_rfc_3720) {
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) {
    rising.push_back(static_cast<char>(i));
    falling.push_back(static_cast<char>(31 - i));
  }
  CHECK_EQ(crc32c(rising), 0x46dd794e);
  CHECK_EQ(crc32c(falling), 0x113fdb5c);
  std::string read_command(48, '\0');
  read_command[0] = 0x01, read_command[1] = '\xc0', read_command[16] = 0x14;
  read_command[22] = 0x04, read_command[27] = 0x14, read_command[31] = 0x18;
  read_command[32] = 0x28, read_command[40] = 0x02;
  CHECK_EQ(crc32c(read_command), 0xd9963a56);
}

TEST(no_bytes_leave_the_crc_as_it_was) {
  for (const Crc32cKernel& kernel : crc32c_kernels()) {
    CHECK_EQ(kernel.extend(0x12345678, nullptr, 0), 0x12345678);
  }
  CHECK_EQ(crc32c_extend(0x12345678, nullptr, 0), 0x12345678);
}

TEST(every_length_to_4200) {
  std::mt19937_64 random(1);
  for (size_t size = 0; size <= 4200; ++size) {
    const Bytes bytes(size, random);
    check_kernels(static_cast<uint32_t>(random()), bytes.data.get(), size);
  }
}

TEST(every_misalignment_to_63) {
  constexpr size_t kSizes[] = {1, 63, 64, 65, 255, 256, 400, 511, 1023, 1024, 3072, 3200, 7001};
  std::mt19937_64 random(2);
  for (size_t skip = 0; skip < 64; ++skip) {
    for (const size_t size : kSizes) {
      const Bytes bytes(skip + size, random);
      check_kernels(static_cast<uint32_t>(random()), bytes.data.get() + skip, size);
    }
  }
}

TEST(random_lengths_to_a_megabyte) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 40; ++i) {
    const Bytes bytes(random() % (1 << 20), random);
    const size_t skip = std::min<size_t>(bytes.size, random() % 64);
    check_kernels(static_cast<uint32_t>(random()), bytes.data.get() + skip, bytes.size - skip);
  }
}

TEST(a_message_in_two_parts_extends_and_combines_to_the_whole) {
  std::mt19937_64 random(4);
  const Bytes bytes(3000, random);
  const uint8_t* data = bytes.data.get();
  const uint32_t whole = reference(0, data, bytes.size);
  for (size_t split = 0; split <= bytes.size; ++split) {
    const uint32_t second = crc32c_extend(0, data + split, bytes.size - split);
    CHECK_EQ(crc32c_combine(crc32c_extend(0, data, split), second, bytes.size - split), whole);
    for (const Crc32cKernel& kernel : crc32c_kernels()) {
      const uint32_t first = kernel.extend(0, data, split);
      CHECK_EQ(kernel.extend(first, data + split, bytes.size - split), whole);
    }
  }
}

// The CRC of `size` zero bytes, by doubling.
uint32_t crc_of_zeros(uint64_t size) {
  if (size == 0) return 0;
  const uint32_t half = crc_of_zeros(size / 2);
  const uint32_t even = crc32c_combine(half, half, size / 2);
  return size % 2 == 0 ? even : crc32c_extend(even, "", 1);
}

TEST(combine_holds_for_lengths_that_no_buffer_has) {
  const std::string zeros(1000003, '\0');
  CHECK_EQ(crc_of_zeros(zeros.size()), crc32c(zeros));
  std::mt19937_64 random(5);
  for (int bits = 1; bits < 64; ++bits) {
    const uint64_t second = random() >> (64 - bits), third = random() >> (64 - bits);
    const auto a = static_cast<uint32_t>(random());
    const uint32_t b = crc_of_zeros(second), c = crc_of_zeros(third);
    CHECK_EQ(crc32c_combine(crc32c_combine(a, b, second), c, third),
             crc32c_combine(a, crc32c_combine(b, c, third), second + third));
  }
}

TEST(mask_and_unmask_are_inverse) {
  std::mt19937_64 random(6);
  for (int i = 0; i < 1000; ++i) {
    const auto crc = static_cast<uint32_t>(random());
    CHECK_EQ(crc32c_unmask(crc32c_mask(crc)), crc);
  }
}

}  // namespace
