// Any bytes as a graph or a function's body: typed errors only, places within the bytes, and edges
// that agree with a search through all names.
#include <cstdlib>

#include "tensorbundle/graph/graph_scan.hpp"

namespace {

using namespace tensorbundle;

constexpr std::size_t kSearched = 200;  // nodes up to which the slow search is made

void require(bool condition) {
  if (!condition) std::abort();
}

std::int32_t first_named(const GraphScan& scan, ByteView name) {
  for (std::size_t i = 0; i < scan.size(); ++i) {
    if (scan.name(i) == name) return static_cast<std::int32_t>(i);
  }
  return -1;
}

void check_edges(const GraphScan& scan) {
  const GraphScan::Edges edges = scan.edges();
  require(edges.sources.size() == scan.inputs().size() &&
          edges.ports.size() == scan.inputs().size());
  for (std::size_t i = 0; i < edges.sources.size(); ++i) {
    const InputName input = parse_input(scan.text(scan.inputs()[i]));
    require(input.port >= -1 && edges.ports[i] == input.port);
    require(edges.sources[i] < static_cast<std::int32_t>(scan.size()));
    if (edges.sources[i] >= 0) {
      require(scan.name(static_cast<std::size_t>(edges.sources[i])) == input.name);
    }
    if (scan.size() <= kSearched) require(edges.sources[i] == first_named(scan, input.name));
  }
  for (const std::int32_t node : edges.duplicates) {
    if (scan.size() > kSearched) break;
    require(first_named(scan, scan.name(static_cast<std::size_t>(node))) < node);
  }
}

void check_scan(ByteView bytes, std::uint32_t node_field) {
  const GraphScan scan(bytes, 1000, node_field);
  std::size_t inputs = 0;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < scan.size(); ++i) {
    const GraphScan::Node& node = scan.node(i);
    require(node.message.begin > last || i == 0);
    require(node.message.begin + node.message.size <= bytes.size());
    require(!scan.name(i).empty() && node.op < scan.ops().size());
    require(node.device < scan.devices().size());
    inputs += scan.inputs_of(i).size();
    last = node.message.begin;
  }
  require(inputs == scan.inputs().size());
  std::size_t counted = 0;
  for (const Counted& op : scan.ops()) counted += op.count;
  require(counted == scan.size());
  for (const GraphScan::Other& other : scan.others()) require(other.number != node_field);
  check_edges(scan);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(reinterpret_cast<const char*>(data), size);
  for (const std::uint32_t node_field : {1U, 3U}) {
    try {
      check_scan(bytes, node_field);
    } catch (const Error& error) {
      require(error.code() == ErrorCode::kFormat);
      require(error.offset().value_or(0) >= 1000);
    }
  }
  return 0;
}
