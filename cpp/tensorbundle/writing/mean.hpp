// The mean of one tensor of several checkpoints, made piece by piece while the result is written.
//
// Sums are in double precision, those of doubles in twice that, and rounded once: the mean of equal
// values is the value, and there is one wherever the largest double is not exceeded. Memory: about
// 100 KB a call of fill().
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "tensorbundle/files/file.hpp"
#include "tensorbundle/files/output_file.hpp"
#include "tensorbundle/reading/bulk.hpp"

namespace tensorbundle {

class Mean final : public ByteSource {
 public:
  // The tensor of one checkpoint: where its bytes are, what their checksum must be, and what it
  // counts; weights may be of any size, but have a sum.
  struct Term {
    const File* file = nullptr;
    std::uint64_t offset = 0;
    std::uint32_t crc32c = 0;
    double weight = 1;
  };

  // Whether there is a mean of such tensors: float16 to float64, bfloat16 and complex numbers.
  static bool has(std::int32_t dtype);

  // `size`: bytes of the tensor. The mean of one term are its bytes as they are, of any dtype.
  Mean(std::int32_t dtype, std::uint64_t size, std::vector<Term> terms);

  // The mean of numbers in memory, `size` bytes of each term; `into` may be where the first is.
  static void of(std::int32_t dtype, const std::vector<const char*>& terms,
                 const std::vector<double>& weights, std::size_t size, char* into);

  // What cannot be read is noted, and left out.
  std::uint32_t fill(std::uint64_t at, std::size_t size, char* into) override;

  // Once every byte was asked for: the first term that could not be read, or whose bytes do not
  // have its checksum; `job` is its number.
  std::optional<Failure> failure();

 private:
  struct Part {
    std::uint64_t at;
    std::size_t size;
    std::vector<std::uint32_t> crcs;  // by term
  };

  std::uint32_t average(Part& part, char* into);
  bool read(std::size_t term, std::uint64_t at, std::size_t size, char* into);

  std::int32_t dtype_;
  std::uint64_t size_;
  std::vector<Term> terms_;
  std::vector<double> weights_;  // as they are used
  std::mutex noting_;
  std::vector<Part> parts_;
  std::map<std::size_t, Error> errors_;  // by term
};

}  // namespace tensorbundle
