#include "tensorbundle/writing/mean.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/base/small_floats.hpp"

namespace tensorbundle {

namespace {

// What is read of all terms before it is added up: together they stay in the second-level cache.
constexpr std::size_t kMostBytes = std::size_t{64} << 10;
constexpr std::size_t kLeastBytes = std::size_t{8} << 10;
constexpr std::size_t kTogether = std::size_t{320} << 10;
// A sum of so many stays in the first-level cache while all terms are added to it.
constexpr std::size_t kSumElements = 1024;
constexpr std::size_t kAlignment = sizeof(double);

double widen(float value) { return value; }
double widen(Float16 value) { return to_float(value); }
double widen(BFloat16 value) { return to_float(value); }

template <typename Element>
Element narrow(double value) {
  if constexpr (std::is_same_v<Element, Float16>) {
    return to_float16(value);
  } else if constexpr (std::is_same_v<Element, BFloat16>) {
    return to_bfloat16(value);
  } else {
    return static_cast<Element>(value);
  }
}

// A sum in two doubles, of which the second holds what rounding took from the first (Knuth's sum,
// and a product's rest by fma). So the mean of equal values is the value.
struct WideSum {
  double high = -0.0;
  double low = 0;

  void add(double value) {
    const double sum = high + value;
    const double seen = sum - high;
    low += (high - (sum - seen)) + (value - seen);
    high = sum;
  }

  void add(double value, double weight) {
    const double product = value * weight;
    add(product);
    low += std::fma(value, weight, -product);
  }

  [[nodiscard]] double value() const { return low == 0 ? high : high + low; }

  [[nodiscard]] double over(const WideSum& total) const {
    const double quotient = value() / total.value();
    const double rest = std::fma(-quotient, total.high, high) + (low - quotient * total.low);
    const double correction = rest / total.value();
    return correction == 0 ? quotient : quotient + correction;
  }
};

// The elements `begin` to `begin + count` of each term.
struct Terms {
  const std::vector<const char*>& from;
  const std::vector<double>& weights;
  WideSum total;  // of the weights

  template <typename Element>
  [[nodiscard]] const Element* of(std::size_t term) const {
    return reinterpret_cast<const Element*>(from[term]);
  }
};

// What is narrower than a double is added up in doubles, and rounded once.
template <typename Element>
void mean_of_narrow(const Terms& terms, std::size_t count, char* into) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): filled below
  std::array<double, kSumElements> sum;
  sum.fill(-0.0);  // to which anything adds to what it is, -0.0 too
  for (std::size_t term = 0; term < terms.from.size(); ++term) {
    const auto* const elements = terms.of<Element>(term);
    const double weight = terms.weights[term];
    for (std::size_t i = 0; i < count; ++i) sum[i] += widen(elements[i]) * weight;
  }
  const double total = terms.total.value();
  auto* const results = reinterpret_cast<Element*>(into);
  for (std::size_t i = 0; i < count; ++i) results[i] = narrow<Element>(sum[i] / total);
}

// Of finite terms whose sum went out of range, or whose products fell below it, the mean is found
// among numbers of another size. With a term that is not finite it is what IEEE 754 says.
double mean_out_of_range(const Terms& terms, std::size_t at, int exponent) {
  double plain = 0;
  WideSum sum;
  for (std::size_t term = 0; term < terms.from.size(); ++term) {
    const double value = terms.of<double>(term)[at];
    if (!std::isfinite(value)) plain += value * terms.weights[term];
    sum.add(std::ldexp(value, exponent), terms.weights[term]);
  }
  if (plain != 0) return plain / terms.total.value();  // infinite, or NaN
  return std::ldexp(sum.over(terms.total), -exponent);
}

// Below the first, products with weights may lose digits; the second makes room for these.
constexpr double kSmall = 0x1p-900;
constexpr int kLarger = 400;

void mean_of_doubles(const Terms& terms, std::size_t count, char* into) {
  std::array<WideSum, kSumElements> sums;
  for (std::size_t term = 0; term < terms.from.size(); ++term) {
    const auto* const elements = terms.of<double>(term);
    const double weight = terms.weights[term];
    if (weight == 1) {
      for (std::size_t i = 0; i < count; ++i) sums[i].add(elements[i]);
    } else {
      for (std::size_t i = 0; i < count; ++i) sums[i].add(elements[i], weight);
    }
  }
  const int smaller = -std::ilogb(static_cast<double>(terms.from.size())) - 2;
  const bool is_weighed = std::ranges::any_of(terms.weights, [](double each) { return each != 1; });
  auto* const results = reinterpret_cast<double*>(into);
  for (std::size_t i = 0; i < count; ++i) {
    double mean = sums[i].over(terms.total);
    if (!std::isfinite(mean)) {
      mean = mean_out_of_range(terms, i, smaller);
    } else if (is_weighed && std::abs(mean) < kSmall) {
      mean = mean_out_of_range(terms, i, kLarger);
    }
    results[i] = mean;
  }
}

// How numbers of a type are averaged, at most kSumElements of them. Complex ones are two each.
struct Arithmetic {
  std::size_t width;
  void (*mean)(const Terms& terms, std::size_t count, char* into);
};

template <typename Element>
constexpr Arithmetic kArithmetic = {sizeof(Element), &mean_of_narrow<Element>};
template <>
constexpr Arithmetic kArithmetic<double> = {sizeof(double), &mean_of_doubles};

const Arithmetic* arithmetic_of(std::int32_t dtype) {
  switch (dtype) {
    case 1:  // float32
    case 8:  // complex64
      return &kArithmetic<float>;
    case 2:   // float64
    case 18:  // complex128
      return &kArithmetic<double>;
    case 14:
      return &kArithmetic<BFloat16>;
    case 19:
      return &kArithmetic<Float16>;
    default:
      return nullptr;
  }
}

// The weights as they are used: of terms that count the same, 1, so that nothing is rounded; others
// by a power of two, so that their sum stays in range.
std::vector<double> scaled(std::vector<double> weights) {
  if (std::ranges::all_of(weights, [&](double each) { return each == weights.front(); })) {
    std::ranges::fill(weights, 1);
    return weights;
  }
  int exponent = std::numeric_limits<int>::min();
  for (const double each : weights) {
    if (each != 0) exponent = std::max(exponent, std::ilogb(each));
  }
  for (double& each : weights) each = std::ldexp(each, -exponent);
  return weights;
}

// `into` may be where the first term is.
void mean_of_blocks(const Arithmetic& type, std::vector<const char*> blocks,
                    const std::vector<double>& weights, std::size_t size, char* into) {
  WideSum total;
  for (const double weight : weights) total.add(weight);
  const Terms terms{blocks, weights, total};
  const std::size_t step = kSumElements * type.width;
  for (std::size_t at = 0; at < size; at += step) {
    type.mean(terms, std::min(step, size - at) / type.width, into + at);
    for (const char*& block : blocks) block += step;
  }
}

}  // namespace

bool Mean::has(std::int32_t dtype) { return arithmetic_of(dtype) != nullptr; }

Mean::Mean(std::int32_t dtype, std::uint64_t size, std::vector<Term> terms)
    : dtype_(dtype), size_(size), terms_(std::move(terms)) {
  std::vector<double> weights;
  weights.reserve(terms_.size());
  for (const Term& term : terms_) weights.push_back(term.weight);
  weights_ = scaled(std::move(weights));
}

void Mean::of(std::int32_t dtype, const std::vector<const char*>& terms,
              const std::vector<double>& weights, std::size_t size, char* into) {
  mean_of_blocks(*arithmetic_of(dtype), terms, scaled(weights), size, into);
}

std::uint32_t Mean::fill(std::uint64_t at, std::size_t size, char* into) {
  Part part{at, size, std::vector<std::uint32_t>(terms_.size())};
  std::uint32_t crc = 0;
  if (terms_.size() == 1) {
    if (read(0, at, size, into)) crc = part.crcs[0] = crc32c_extend(0, into, size);
  } else {
    crc = average(part, into);
  }
  const std::lock_guard lock(noting_);
  parts_.push_back(std::move(part));
  return crc;
}

// A part may begin and end within an element: whole ones are read and added up, and only the bytes
// that belong to the part are checked and given.
std::uint32_t Mean::average(Part& part, char* into) {
  const Arithmetic& type = *arithmetic_of(dtype_);
  const std::uint64_t stop = part.at + part.size;
  const std::uint64_t begin = part.at / type.width * type.width;
  const std::uint64_t end = (stop + type.width - 1) / type.width * type.width;
  const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(
      std::clamp(kTogether / terms_.size(), kLeastBytes, kMostBytes) / kAlignment * kAlignment,
      (end - begin + kAlignment - 1) / kAlignment * kAlignment));
  const auto blocks = std::make_unique_for_overwrite<double[]>(room / kAlignment * terms_.size());
  auto* const bytes = reinterpret_cast<char*>(blocks.get());
  std::vector<const char*> starts;
  starts.reserve(terms_.size());
  for (std::size_t i = 0; i < terms_.size(); ++i) starts.push_back(bytes + i * room);
  std::uint32_t crc = 0;
  for (std::uint64_t from = begin; from < end; from += room) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(room, end - from));
    const auto skipped = static_cast<std::size_t>(std::max(from, part.at) - from);
    const auto used = static_cast<std::size_t>(std::min(from + size, stop) - from) - skipped;
    for (std::size_t i = 0; i < terms_.size(); ++i) {
      char* const block = bytes + i * room;
      if (!read(i, from, size, block)) return 0;
      part.crcs[i] = crc32c_extend(part.crcs[i], block + skipped, used);
    }
    mean_of_blocks(type, starts, weights_, size, bytes);
    char* const given = into + (from + skipped - part.at);
    std::memcpy(given, bytes + skipped, used);
    crc = crc32c_extend(crc, given, used);
  }
  return crc;
}

bool Mean::read(std::size_t term, std::uint64_t at, std::size_t size, char* into) {
  try {
    terms_[term].file->read_at(terms_[term].offset + at, into, size);
    return true;
  } catch (const Error& error) {
    const std::lock_guard lock(noting_);
    const auto [found, added] = errors_.try_emplace(term, error);
    if (!added && error.offset() < found->second.offset()) found->second = error;
    return false;
  }
}

std::optional<Failure> Mean::failure() {
  std::ranges::sort(parts_, {}, &Part::at);
  if (!errors_.empty()) return Failure{errors_.begin()->first, errors_.begin()->second};
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    std::uint32_t crc = 0;
    for (const Part& part : parts_) crc = crc32c_combine(crc, part.crcs[i], part.size);
    if (crc != terms_[i].crc32c) {
      return Failure{
          i, Error(ErrorCode::kChecksum,
                   "checksum mismatch: stored " + hex(terms_[i].crc32c) + ", computed " + hex(crc),
                   terms_[i].offset, size_)};
    }
  }
  return std::nullopt;
}

}  // namespace tensorbundle
