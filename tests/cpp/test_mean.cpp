// Means of tensors, and the small floating-point types behind them.
#include <cmath>
#include <cstring>
#include <limits>

#include "check.hpp"
#include "temporary_file.hpp"
#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/base/small_floats.hpp"
#include "tensorbundle/writing/mean.hpp"

using namespace tensorbundle;

namespace {

// The number that the bits stand for, from the definition; NaN and infinity excepted.
double meaning(unsigned bits, int exponent_bits, int fraction_bits) {
  const unsigned fraction = bits & ((1U << fraction_bits) - 1);
  const unsigned exponent = bits >> fraction_bits & ((1U << exponent_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double whole = exponent == 0 ? fraction : fraction + (1U << fraction_bits);
  const double size =
      std::ldexp(whole, static_cast<int>(std::max(exponent, 1U)) - bias - fraction_bits);
  return (bits >> (exponent_bits + fraction_bits) & 1U) != 0 ? -size : size;
}

// Every finite value, what lies between it and the next, and what lies beside that.
template <typename Small>
void check_type(int exponent_bits, int fraction_bits, Small (*narrow)(double)) {
  const unsigned infinity = ((1U << exponent_bits) - 1) << fraction_bits;
  for (unsigned bits = 0; bits < infinity; ++bits) {
    const double value = meaning(bits, exponent_bits, fraction_bits);
    // After the largest comes what would be next, and is infinity.
    const double next = bits + 1 == infinity
                            ? 2 * value - meaning(bits - 1, exponent_bits, fraction_bits)
                            : meaning(bits + 1, exponent_bits, fraction_bits);
    const double middle = (value + next) / 2;
    CHECK_EQ(to_float(Small{static_cast<std::uint16_t>(bits)}), value);
    CHECK_EQ(narrow(value).bits, bits);
    CHECK_EQ(narrow(middle).bits, bits + (bits & 1U));
    CHECK_EQ(narrow(std::nextafter(middle, 0.0)).bits, bits);
    CHECK_EQ(narrow(std::nextafter(middle, HUGE_VAL)).bits, bits + 1);
    CHECK_EQ(narrow(-middle).bits, 0x8000U | (bits + (bits & 1U)));
  }
  CHECK_EQ(narrow(-0.0).bits, 0x8000);
  CHECK_EQ(narrow(HUGE_VAL).bits, infinity);
  CHECK_EQ(narrow(std::numeric_limits<double>::max()).bits, infinity);
  CHECK_EQ(narrow(std::numeric_limits<double>::denorm_min()).bits, 0);
  CHECK_EQ(to_float(Small{static_cast<std::uint16_t>(infinity)}), HUGE_VAL);
  for (const double sign : {1.0, -1.0}) {
    const Small nan = narrow(std::copysign(std::numeric_limits<double>::quiet_NaN(), sign));
    CHECK(std::isnan(to_float(nan)));
    CHECK_EQ(nan.bits >> 15U, sign < 0 ? 1 : 0);
  }
}

template <typename Element>
std::string bytes_of(const std::vector<Element>& elements) {
  std::string bytes(elements.size() * sizeof(Element), '\0');
  std::memcpy(bytes.data(), elements.data(), bytes.size());
  return bytes;
}

// A checkpoint's tensor, after some bytes that are not its own.
struct Stored {
  explicit Stored(const std::string& bytes)
      : file("before" + bytes), opened(file.open()), crc(crc32c(bytes)) {}

  [[nodiscard]] Mean::Term term(double weight) const { return {opened.get(), 6, crc, weight}; }

  TemporaryFile file;
  std::shared_ptr<const File> opened;
  std::uint32_t crc;
};

// The mean, asked for in parts of that size, the last first.
std::string filled(Mean& mean, std::size_t size, std::size_t part) {
  std::string bytes(size, '?');
  for (std::size_t at = (size - 1) / part * part + part; at >= part; at -= part) {
    const std::size_t begin = at - part;
    const std::size_t count = std::min(part, size - begin);
    const std::uint32_t crc = mean.fill(begin, count, bytes.data() + begin);
    CHECK_EQ(crc, crc32c({bytes.data() + begin, count}));
  }
  return bytes;
}

}  // namespace

TEST(float16_is_read_exactly_and_rounded_once) { check_type<Float16>(5, 10, &to_float16); }

TEST(bfloat16_is_read_exactly_and_rounded_once) { check_type<BFloat16>(8, 7, &to_bfloat16); }

TEST(parts_may_begin_and_end_within_an_element) {
  std::vector<double> a, b, mean;
  for (int i = 0; i < 3000; ++i) {
    a.push_back(i), b.push_back(0.5 * i - 7), mean.push_back((a.back() + b.back()) * 0.5);
  }
  const Stored first(bytes_of(a)), second(bytes_of(b));
  for (const std::size_t part : {1, 7, 8, 1000, 4096, 100000}) {
    Mean made(2, 24000, {first.term(0.5), second.term(0.5)});
    CHECK(filled(made, 24000, part) == bytes_of(mean));
    CHECK(!made.failure());
  }
}

TEST(weights_that_differ_weigh_each_term) {
  const Stored first(bytes_of<float>({1, 2, -0.0F})), second(bytes_of<float>({5, 2, -0.0F}));
  Mean made(1, 12, {first.term(0.75), second.term(0.25)});
  CHECK(filled(made, 12, 12) == bytes_of<float>({2, 2, -0.0F}));
}

TEST(equal_values_are_their_mean_however_many_and_however_weighed) {
  std::vector<double> values{-0.0,   0.0,      0.1,  1.0 / 3,  1e308,    -1.7e308,
                             5e-324, 1.5e-320, M_PI, HUGE_VAL, -HUGE_VAL};
  for (int i = 0; i < 2000; ++i) values.push_back(std::ldexp(1 + i / 2001.0, i % 2000 - 1000));
  const std::string bytes = bytes_of(values);
  for (std::size_t count = 2; count < 12; ++count) {
    for (const bool is_even : {true, false}) {
      std::vector<double> weights(count, 3);
      for (std::size_t i = 0; !is_even && i < count; ++i)
        weights[i] = 0.1 + static_cast<double>(i) * 1e3;
      std::string mean(bytes.size(), '?');
      Mean::of(2, std::vector<const char*>(count, bytes.data()), weights, bytes.size(),
               mean.data());
      CHECK(mean == bytes);
    }
  }
}

TEST(no_mean_is_out_of_range_and_infinite_terms_are) {
  const double most = std::numeric_limits<double>::max();
  const std::string first = bytes_of<double>({most, most, HUGE_VAL, HUGE_VAL, 1, 1e308});
  const std::string second = bytes_of<double>({most, -most, 1, -HUGE_VAL, NAN, 1.2e308});
  std::vector<double> mean(6);
  for (const double weight : {1.0, 1e308, 5e-324}) {
    Mean::of(2, {first.data(), second.data()}, {weight, weight}, 48,
             reinterpret_cast<char*>(mean.data()));
    CHECK_EQ(mean[0], most);
    CHECK_EQ(mean[1], 0);
    CHECK_EQ(mean[2], HUGE_VAL);
    CHECK(std::isnan(mean[3]) && std::isnan(mean[4]));
    CHECK_EQ(mean[5], 1.1e308);
  }
  Mean::of(2, {first.data(), second.data()}, {1e308, 1.5e308}, 48,
           reinterpret_cast<char*>(mean.data()));
  CHECK_EQ(mean[0], most);
}

TEST(one_term_is_copied_whatever_it_is) {
  const Stored only(std::string(5000, 'x'));
  Mean made(99, 5000, {only.term(1)});
  CHECK(filled(made, 5000, 4096) == std::string(5000, 'x'));
  CHECK(!made.failure());
}

TEST(damage_and_lack_are_told_of_their_term) {
  const Stored sound(bytes_of<float>({1, 2})), other(bytes_of<float>({3, 4}));
  Mean damaged(1, 8, {sound.term(0.5), other.term(0.5)});
  other.file.write("before" + bytes_of<float>({3, 5}));
  filled(damaged, 8, 3);
  const auto failure = damaged.failure();
  CHECK(failure && failure->job == 1 && failure->error.code() == ErrorCode::kChecksum);

  Mean cut(1, 8, {sound.term(0.5), other.term(0.5)});
  other.file.write("before");
  std::string bytes(8, '\0');
  cut.fill(0, 8, bytes.data());
  const auto lack = cut.failure();
  CHECK(lack && lack->job == 1 && lack->error.code() == ErrorCode::kTruncated);
}
