// Any bytes as an attribute, a list and a map of them: typed errors only, what is handed out lies
// within the bytes, and nothing is longer than the limits say.
#include <cstdlib>

#include "tensorbundle/graph/attributes.hpp"

namespace {

using namespace tensorbundle;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_within(ByteView part, ByteView all) {
  require(part.empty() ||
          (part.data() >= all.data() && part.data() + part.size() <= all.data() + all.size()));
}

void check_content(const AttrValue& value, ByteView all) {
  if (const auto* const text = std::get_if<ByteView>(&value.content)) check_within(*text, all);
  if (const auto* const part = std::get_if<MessagePart>(&value.content)) {
    check_within(part->bytes, all);
    require(part->offset == static_cast<std::uint64_t>(part->bytes.data() - all.data()));
  }
  if (const auto* const shape = std::get_if<PartialShape>(&value.content)) {
    require(shape->dims.size() <= kMaxDimensions);
    for (const std::int64_t size : shape->dims) require(size >= -1);
  }
}

void check_list(const MessagePart& list, ByteView all) {
  AttrList values(list);
  std::size_t count = 0;
  for (AttrValue value; values.next(value); ++count) {
    require(value.member != AttrMember::kNone && value.member != AttrMember::kList);
    require(!std::holds_alternative<std::monostate>(value.content));
    check_content(value, all);
  }
  require(count <= list.bytes.size() && count <= AttrList::kMaxValues);
}

template <typename Body>
void ignore_format_errors(Body body) {
  try {
    body();
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kFormat);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(reinterpret_cast<const char*>(data), size);
  ignore_format_errors([&] {
    const AttrValue value = decode_attr(bytes, 0);
    check_content(value, bytes);
    if (value.member == AttrMember::kList && !value.in_parts) {
      check_list(std::get<MessagePart>(value.content), bytes);
    }
  });
  ignore_format_errors([&] { check_list({bytes, 0}, bytes); });
  ignore_format_errors([&] {
    MessageReader reader(bytes);
    Field field;
    while (reader.next(field)) {
      if (field.wire != WireType::kBytes) continue;
      const MapEntry entry = decode_map_entry(field);
      check_within(entry.key, bytes);
      check_within(entry.value, bytes);
    }
  });
  ignore_format_errors([&] {
    std::vector<std::int64_t> dims;
    std::int64_t count = 1;
    decode_shape(bytes, 0, dims, count);
    require(dims == decode_partial_shape(bytes, 0).dims);
  });
  return 0;
}
