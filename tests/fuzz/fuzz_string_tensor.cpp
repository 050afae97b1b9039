// Any shard under any place: reading and checking agree, and take no more than there is.
#include <cstdlib>
#include <optional>

#include "../cpp/temporary_file.hpp"
#include "tensorbundle/format/string_tensor.hpp"

namespace {

using namespace tensorbundle;

void require(bool condition) {
  if (!condition) std::abort();
}

// The result, or nothing where there is a typed error for damage.
template <typename Read>
auto result_of(Read read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kFormat || error.code() == ErrorCode::kChecksum ||
            error.code() == ErrorCode::kSizeMismatch);
    return {};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 5) return 0;
  static const TemporaryFile temporary;
  // Repeated, so that a small input can go beyond a window.
  const std::string part(reinterpret_cast<const char*>(data) + 5, size - 5);
  constexpr std::size_t kBeyondWindow = 300 * 1024;
  std::string bytes = part;
  while (data[0] == 1 && !part.empty() && bytes.size() < kBeyondWindow) bytes += part;
  temporary.write(bytes);
  const auto file = temporary.open();
  StringTensorPlace place;
  place.offset = data[1] % 8;
  place.count = data[2] < 16 ? std::uint64_t{data[2]} << 33 : std::uint64_t{data[2]} * data[3];
  place.big_endian = data[4] % 2 == 1;
  if (data[4] % 4 > 1) place.limit = data[4];

  const auto tensor = result_of([&] { return read_strings(*file, place); });
  const auto check = result_of([&] { return check_strings(*file, place); });
  require(tensor.has_value() == check.has_value());
  if (tensor) {
    require(tensor->crc32c == check->crc32c && tensor->used == check->used);
    require(tensor->lengths.size() == place.count && tensor->used <= place.limit);
    require(place.offset + tensor->used <= bytes.size());
  }
  const auto variants = result_of([&] { return check_variants(*file, place); });
  if (variants) require(variants->used <= bytes.size() && variants->used <= place.limit);
  return 0;
}
