#include "tensorbundle/writing/mean.hpp"

#include <algorithm>
#include <array>
#include <cstring>
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
double widen(double value) { return value; }
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

template <typename Element>
void add(const char* from, std::size_t count, double share, double* __restrict sum) {
  const auto* const elements = reinterpret_cast<const Element*>(from);
  for (std::size_t i = 0; i < count; ++i) sum[i] += widen(elements[i]) * share;
}

template <typename Element>
void round_off(const double* __restrict sum, std::size_t count, double factor, char* into) {
  auto* const elements = reinterpret_cast<Element*>(into);
  for (std::size_t i = 0; i < count; ++i) elements[i] = narrow<Element>(sum[i] * factor);
}

// How numbers of a type are added up. Complex ones are two numbers each.
struct Arithmetic {
  std::size_t width;
  void (*add)(const char* from, std::size_t count, double share, double* sum);
  void (*round_off)(const double* sum, std::size_t count, double factor, char* into);
};

template <typename Element>
constexpr Arithmetic kArithmetic = {sizeof(Element), &add<Element>, &round_off<Element>};

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

}  // namespace

bool Mean::has(std::int32_t dtype) { return arithmetic_of(dtype) != nullptr; }

Mean::Mean(std::int32_t dtype, std::uint64_t size, std::vector<Term> terms)
    : dtype_(dtype), size_(size), terms_(std::move(terms)) {
  const double first = terms_.front().share;
  if (!std::ranges::all_of(terms_, [&](const Term& term) { return term.share == first; })) return;
  // One multiplication instead of many, and so fewer errors of rounding.
  factor_ = first;
  for (Term& term : terms_) term.share = 1;
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
  std::array<double, kSumElements> sum{};
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
    for (std::size_t at = 0; at < size; at += kSumElements * type.width) {
      const std::size_t count = std::min(kSumElements, (size - at) / type.width);
      sum.fill(-0.0);  // to which anything adds to what it is, -0.0 too
      for (std::size_t i = 0; i < terms_.size(); ++i) {
        type.add(bytes + i * room + at, count, terms_[i].share, sum.data());
      }
      type.round_off(sum.data(), count, factor_, bytes + at);
    }
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
