// The nodes of a graph or of a function's body, walked once (freeze.md §1.1).
//
// A scan says where each node lies, what it is called, what it does and what goes into it;
// attributes are left as they are stored. It holds places in the bytes, not copies, so it takes a
// few times what the shortest nodes take in the file. What the bytes say of each other (who feeds
// whom, which names occur twice) is worked out when asked, by sorting: no choice of names makes it
// slow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tensorbundle/base/bytes.hpp"
#include "tensorbundle/format/message.hpp"

namespace tensorbundle {

// A stretch of the scanned bytes.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
};

// A word that many nodes share, and how many.
struct Counted {
  ByteView word;
  std::uint32_t count = 0;
};

class GraphScan {
 public:
  struct Node {
    Span name;
    Span message;
    std::uint32_t op = 0;           // number in ops()
    std::uint32_t device = 0;       // number in devices()
    std::uint32_t first_input = 0;  // number in inputs()
  };

  // A field beside the nodes.
  struct Other {
    std::uint32_t number = 0;
    WireType wire = WireType::kVarint;
    std::uint64_t value = 0;  // of a varint
    Span content;             // of a length-delimited field
  };

  // Where each input comes from; one element for each of inputs().
  struct Edges {
    std::vector<std::int32_t> sources;     // number of a node, -1 where none has the name
    std::vector<std::int32_t> ports;       // which of its outputs, -1 for a control input
    std::vector<std::int32_t> duplicates;  // nodes whose name an earlier one has, ascending
  };

  // Walks a message whose fields of number `node_field` are nodes: a GraphDef (1) or a FunctionDef
  // (3). Offsets in errors are those in `message` plus `base`. `message` must outlive the scan.
  // Throws kFormat, also for nodes without a name or an operation, and for more than 2^20 other
  // fields; kUnsupported from 2^32 bytes on.
  GraphScan(ByteView message, std::uint64_t base, std::uint32_t node_field);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] const Node& node(std::size_t i) const { return nodes_[i]; }
  [[nodiscard]] ByteView text(Span span) const { return message_.substr(span.begin, span.size); }
  [[nodiscard]] ByteView name(std::size_t i) const { return text(nodes_[i].name); }
  [[nodiscard]] std::span<const Span> inputs() const { return inputs_; }
  [[nodiscard]] std::span<const Span> inputs_of(std::size_t i) const {
    const std::size_t first = nodes_[i].first_input;
    const std::size_t last = i + 1 < size() ? nodes_[i + 1].first_input : inputs_.size();
    return std::span(inputs_).subspan(first, last - first);
  }
  // In the order in which they first occur.
  [[nodiscard]] std::span<const Counted> ops() const { return ops_; }
  [[nodiscard]] std::span<const Counted> devices() const { return devices_; }
  [[nodiscard]] std::span<const Other> others() const { return others_; }

  // Reads inputs as those of a main graph: `n`, `n:k`, `^n`.
  [[nodiscard]] Edges edges() const;

 private:
  class Words;

  void add_node(const Field& field, std::uint64_t base, Words& ops, Words& devices);
  [[nodiscard]] Span span_of(const Field& field, std::uint64_t base) const;

  ByteView message_;
  std::vector<Node> nodes_;
  std::vector<Span> inputs_;
  std::vector<Counted> ops_;
  std::vector<Counted> devices_;
  std::vector<Other> others_;
};

// An input of a node of a main graph, taken apart.
struct InputName {
  ByteView name;
  std::int32_t port = 0;  // -1 for a control input
};
InputName parse_input(ByteView text);

}  // namespace tensorbundle
