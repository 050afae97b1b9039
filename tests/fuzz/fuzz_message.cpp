// Any bytes as a message, a header, an entry and a slice: typed errors only; and what an entry says
// is within the limits that decode_entry promises.
#include <cstdlib>

#include "tensorbundle/format/bundle.hpp"
#include "tensorbundle/format/message.hpp"
#include "tensorbundle/reading/plan.hpp"

namespace {

using namespace tensorbundle;

void require(bool condition) {
  if (!condition) std::abort();
}

template <typename Body>
void ignore_format_errors(Body body) {
  try {
    body();
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kFormat || error.code() == ErrorCode::kUnsupported);
  }
}

void check_entry(ByteView bytes) {
  Entry entry;
  decode_entry(bytes, 0, entry);
  require(entry.offset >= 0 && entry.size >= 0 && entry.shape.size() <= kMaxDimensions);
  __int128 count = 1;
  for (const std::int64_t size : entry.shape) {
    require(size >= 0);
    count *= size;
    if (count == 0) break;
    require(count <= INT64_MAX);
  }
  require(element_count(entry.shape) == static_cast<std::uint64_t>(count));
  for (const SliceSpec& slice : entry.slices) {
    require(slice.size() <= kMaxDimensions);
    require(encode_slice_key("w", slice) == encode_slice_name("w") + encode_slice_extents(slice));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(reinterpret_cast<const char*>(data), size);
  ignore_format_errors([&] {
    MessageReader reader(bytes, 1000);
    Field field;
    std::uint64_t last = 0;
    while (reader.next(field)) {
      require(field.number > 0 && field.offset >= 1000 && field.offset > last);
      last = field.offset;
      if (field.wire == WireType::kBytes) {
        require(field.bytes.data() - bytes.data() ==
                static_cast<std::ptrdiff_t>(field.bytes_offset - 1000));
      }
    }
  });
  ignore_format_errors([&] { decode_header(bytes, 0); });
  ignore_format_errors([&] { decode_slice(bytes, 0); });
  ignore_format_errors([&] { check_entry(bytes); });
  return 0;
}
