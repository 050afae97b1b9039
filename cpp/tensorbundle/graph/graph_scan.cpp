#include "tensorbundle/graph/graph_scan.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <tuple>

namespace tensorbundle {

namespace {

constexpr std::uint32_t kName = 1, kOp = 2, kInput = 3, kDevice = 4;

// No operation has 10^9 outputs: what is longer belongs to the name.
constexpr std::size_t kMaxPortDigits = 9;

// A graph has a library and versions, perhaps in several parts. Objects are made of each of them.
constexpr std::size_t kMaxOthers = std::size_t{1} << 20;

// The names of the nodes, sorted so that they are found by bisection.
class NameIndex {
 public:
  explicit NameIndex(const GraphScan& scan) : scan_(scan) {
    keys_.reserve(scan.size());
    for (std::uint32_t i = 0; i < scan.size(); ++i) {
      keys_.push_back({std::hash<ByteView>{}(scan.name(i)), i});
    }
    std::ranges::sort(keys_, [this](const Key& a, const Key& b) {
      if (a.hash != b.hash) return a.hash < b.hash;
      return std::make_tuple(scan_.name(a.node), a.node) <
             std::make_tuple(scan_.name(b.node), b.node);
    });
  }

  // The first node of that name, or -1.
  [[nodiscard]] std::int32_t find(ByteView name) const {
    const std::size_t hash = std::hash<ByteView>{}(name);
    const auto at = std::ranges::partition_point(keys_, [&](const Key& key) {
      return key.hash != hash ? key.hash < hash : scan_.name(key.node) < name;
    });
    const bool found = at != keys_.end() && at->hash == hash && scan_.name(at->node) == name;
    return found ? static_cast<std::int32_t>(at->node) : -1;
  }

  [[nodiscard]] std::vector<std::int32_t> duplicates() const {
    std::vector<std::int32_t> found;
    for (std::size_t i = 1; i < keys_.size(); ++i) {
      if (keys_[i].hash == keys_[i - 1].hash &&
          scan_.name(keys_[i].node) == scan_.name(keys_[i - 1].node)) {
        found.push_back(static_cast<std::int32_t>(keys_[i].node));
      }
    }
    std::ranges::sort(found);
    return found;
  }

 private:
  struct Key {
    std::size_t hash;
    std::uint32_t node;
  };

  const GraphScan& scan_;
  std::vector<Key> keys_;
};

}  // namespace

// Numbers words as they come; neighbours mostly have the same. Ordered, so that no choice of words
// makes it slow.
class GraphScan::Words {
 public:
  explicit Words(std::vector<Counted>& words) : words_(words) {}

  std::uint32_t number(ByteView word) {
    if (words_.empty() || words_[last_].word != word) {
      const auto [at, added] =
          numbers_.try_emplace(word, static_cast<std::uint32_t>(words_.size()));
      if (added) words_.push_back({word, 0});
      last_ = at->second;
    }
    ++words_[last_].count;
    return last_;
  }

 private:
  std::vector<Counted>& words_;
  std::map<ByteView, std::uint32_t> numbers_;
  std::uint32_t last_ = 0;
};

GraphScan::GraphScan(ByteView message, std::uint64_t base, std::uint32_t node_field)
    : message_(message) {
  if (message.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorCode::kUnsupported,
                "a graph of " + std::to_string(message.size()) +
                    " bytes: protobuf reads messages of less than 2147483648",
                base);
  }
  Words ops(ops_);
  Words devices(devices_);
  MessageReader reader(message, base);
  Field field;
  while (reader.next(field)) {
    if (field.number == node_field) {
      add_node(field, base, ops, devices);
    } else if (others_.size() == kMaxOthers) {
      throw Error(
          ErrorCode::kFormat,
          "a graph has more than " + std::to_string(kMaxOthers) + " fields beside its nodes",
          field.offset);
    } else {
      others_.push_back({field.number, field.wire, field.value,
                         field.wire == WireType::kBytes ? span_of(field, base) : Span{}});
    }
  }
}

void GraphScan::add_node(const Field& field, std::uint64_t base, Words& ops, Words& devices) {
  Node node;
  node.message = (static_cast<void>(field.message()), span_of(field, base));
  node.first_input = static_cast<std::uint32_t>(inputs_.size());
  ByteView op;
  ByteView device;
  MessageReader reader(field.bytes, field.bytes_offset);
  Field part;
  while (reader.next(part)) {
    if (part.number == kName) {
      node.name = (static_cast<void>(part.message()), span_of(part, base));
    } else if (part.number == kOp) {
      op = part.message();
    } else if (part.number == kInput) {
      inputs_.push_back((static_cast<void>(part.message()), span_of(part, base)));
    } else if (part.number == kDevice) {
      device = part.message();
    }
  }
  if (node.name.size == 0 || op.empty()) {
    throw Error(ErrorCode::kFormat,
                node.name.size == 0 ? "a node has no name" : "a node has no operation",
                field.offset);
  }
  node.op = ops.number(op);
  node.device = devices.number(device);
  nodes_.push_back(node);
}

Span GraphScan::span_of(const Field& field, std::uint64_t base) const {
  return {static_cast<std::uint32_t>(field.bytes_offset - base),
          static_cast<std::uint32_t>(field.bytes.size())};
}

GraphScan::Edges GraphScan::edges() const {
  const NameIndex index(*this);
  Edges edges;
  edges.sources.reserve(inputs_.size());
  edges.ports.reserve(inputs_.size());
  for (const Span input : inputs_) {
    const InputName parsed = parse_input(text(input));
    edges.sources.push_back(index.find(parsed.name));
    edges.ports.push_back(parsed.port);
  }
  edges.duplicates = index.duplicates();
  return edges;
}

InputName parse_input(ByteView text) {
  if (text.starts_with('^')) return {text.substr(1), -1};
  std::size_t digits = 0;
  std::int32_t port = 0;
  std::int32_t place = 1;
  while (digits < std::min(text.size(), kMaxPortDigits)) {
    const char digit = text[text.size() - 1 - digits];
    if (digit < '0' || digit > '9') break;
    port += place * (digit - '0');
    if (++digits < kMaxPortDigits) place *= 10;
  }
  const std::size_t taken = digits + 1;
  if (digits == 0 || taken > text.size() || text[text.size() - taken] != ':') return {text, 0};
  return {text.substr(0, text.size() - taken), port};
}

}  // namespace tensorbundle
