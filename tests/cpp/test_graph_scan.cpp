#include <algorithm>
#include <string>
#include <vector>

#include "check.hpp"
#include "table_maker.hpp"
#include "tensorbundle/graph/graph_scan.hpp"

namespace {

using namespace tensorbundle;
using maker::from_hex;

std::string field(std::uint32_t number, const std::string& content) {
  std::string out;
  append_varint(out, tag_of(number, WireType::kBytes));
  append_varint(out, content.size());
  return out + content;
}

std::string node(const std::string& name, const std::string& op,
                 const std::vector<std::string>& inputs = {}, const std::string& device = "") {
  std::string message = field(1, name) + field(2, op);
  for (const std::string& input : inputs) message += field(3, input);
  if (!device.empty()) message += field(4, device);
  return field(1, message);
}

std::vector<std::int32_t> sources(const std::string& graph) {
  return GraphScan(graph, 0, 1).edges().sources;
}

TEST(nodes_are_found_where_they_lie) {
  const std::string first = node("a", "Const");
  const std::string graph = first + node("b", "Identity", {"a", "^a"}, "/cpu:0");
  const GraphScan scan(graph, 1000, 1);
  CHECK_EQ(scan.size(), 2);
  CHECK_EQ(scan.name(1), "b");
  CHECK_EQ(scan.ops()[scan.node(1).op].word, "Identity");
  CHECK_EQ(scan.devices()[scan.node(1).device].word, "/cpu:0");
  CHECK_EQ(scan.node(1).message.begin, first.size() + 2);
  CHECK_EQ(scan.node(1).message.begin + scan.node(1).message.size, graph.size());
  CHECK_EQ(scan.inputs_of(0).size(), 0);
  CHECK_EQ(scan.inputs_of(1).size(), 2);
  CHECK_EQ(scan.text(scan.inputs_of(1)[1]), "^a");
}

TEST(an_empty_message_has_no_nodes) {
  const GraphScan scan("", 0, 1);
  CHECK_EQ(scan.size(), 0);
  CHECK(scan.edges().sources.empty());
}

TEST(operations_are_counted_in_order_of_occurrence) {
  const std::string graph = node("a", "X") + node("b", "Y") + node("c", "X") + node("d", "X");
  const GraphScan scan(graph, 0, 1);
  CHECK_EQ(scan.ops().size(), 2);
  CHECK_EQ(scan.ops()[0].word, "X");
  CHECK_EQ(scan.ops()[0].count, 3);
  CHECK_EQ(scan.ops()[1].count, 1);
  CHECK_EQ(scan.devices().size(), 1);
}

TEST(fields_beside_the_nodes_are_listed) {
  const std::string graph = node("a", "X") + from_hex("18 07") + field(4, "vv") + node("b", "X");
  const GraphScan scan(graph, 0, 1);
  CHECK_EQ(scan.others().size(), 2);
  CHECK_EQ(scan.others()[0].number, 3);
  CHECK_EQ(scan.others()[0].value, 7);
  CHECK_EQ(scan.text(scan.others()[1].content), "vv");
}

TEST(other_messages_have_nodes_under_other_numbers) {
  const std::string body = field(1, "signature") + field(3, field(1, "a") + field(2, "X"));
  const GraphScan scan(body, 0, 3);
  CHECK_EQ(scan.size(), 1);
  CHECK_EQ(scan.others()[0].number, 1);
}

TEST(of_a_field_given_twice_the_last_counts) {
  const std::string graph = field(1, field(1, "a") + field(2, "X") + field(1, "b") + field(2, "Y"));
  const GraphScan scan(graph, 0, 1);
  CHECK_EQ(scan.name(0), "b");
  CHECK_EQ(scan.ops()[scan.node(0).op].word, "Y");
}

TEST(inputs_are_taken_apart) {
  CHECK_EQ(parse_input("a").name, "a");
  CHECK_EQ(parse_input("a").port, 0);
  CHECK_EQ(parse_input("a:12").name, "a");
  CHECK_EQ(parse_input("a:12").port, 12);
  CHECK_EQ(parse_input("a:b:0").name, "a:b");
  CHECK_EQ(parse_input("^a:1").name, "a:1");
  CHECK_EQ(parse_input("^a:1").port, -1);
  CHECK_EQ(parse_input("a:999999999").port, 999'999'999);
}

TEST(what_is_no_port_belongs_to_the_name) {
  for (const char* text : {"", "a:", "a1", "12", "a:1x", "a:-1", "a:1234567890"}) {
    CHECK_EQ(parse_input(text).name, text);
    CHECK_EQ(parse_input(text).port, 0);
  }
  CHECK_EQ(parse_input(":3").name, "");
}

TEST(edges_lead_to_the_nodes_that_are_named) {
  const std::string graph = node("a", "X") + node("b", "X", {"c:1", "a", "^a"}) +
                            node("c", "X", {"b"});  // a cycle, which is no matter here
  const GraphScan::Edges edges = GraphScan(graph, 0, 1).edges();
  CHECK(edges.sources == std::vector<std::int32_t>({2, 0, 0, 1}));
  CHECK(edges.ports == std::vector<std::int32_t>({1, 0, -1, 0}));
  CHECK(edges.duplicates.empty());
}

TEST(dangling_inputs_lead_nowhere) {
  CHECK(sources(node("a", "X", {"b", "a", "aa", "^", ""})) ==
        std::vector<std::int32_t>({-1, 0, -1, -1, -1}));
}

TEST(of_equal_names_the_first_is_meant) {
  const std::string graph =
      node("a", "X") + node("b", "X", {"a"}) + node("a", "X") + node("b", "X") + node("a", "X");
  const GraphScan::Edges edges = GraphScan(graph, 0, 1).edges();
  CHECK(edges.sources == std::vector<std::int32_t>({0}));
  CHECK(edges.duplicates == std::vector<std::int32_t>({2, 3, 4}));
}

TEST(a_long_chain_is_no_trouble) {
  std::string graph = node("n0", "X");
  const int count = 100'000;
  for (int i = 1; i < count; ++i) {
    graph += node("n" + std::to_string(i), "X", {"n" + std::to_string(i - 1)});
  }
  const std::vector<std::int32_t> found = sources(graph);
  CHECK_EQ(found.size(), count - 1);
  for (int i = 0; i < count - 1; ++i) CHECK_EQ(found[static_cast<std::size_t>(i)], i);
}

TEST(nodes_without_name_or_operation_are_format_errors) {
  CHECK_THROWS(GraphScan(field(1, field(2, "X")), 0, 1), ErrorCode::kFormat);
  CHECK_THROWS(GraphScan(field(1, field(1, "a")), 0, 1), ErrorCode::kFormat);
  CHECK_THROWS(GraphScan(field(1, ""), 0, 1), ErrorCode::kFormat);
}

TEST(malformed_nodes_are_format_errors_with_their_offset) {
  const std::string sound = node("a", "X");
  const auto offset_of = [&](const std::string& message) -> std::uint64_t {
    try {
      const GraphScan scan(message, 1000, 1);
    } catch (const Error& error) {
      return error.offset().value_or(0);
    }
    return 0;
  };
  CHECK_EQ(offset_of(sound + from_hex("08 01")), 1000 + sound.size());        // not a message
  CHECK_EQ(offset_of(sound + from_hex("0a 02 08 01")), 1002 + sound.size());  // a name, no string
  CHECK_EQ(offset_of(sound + from_hex("0a 05 0a 01 61")), 1002 + sound.size());  // cut off
  CHECK_EQ(offset_of(sound + from_hex("0a 02 00 01")), 1002 + sound.size());     // field 0
  CHECK_EQ(offset_of(from_hex("0a ff ff ff ff ff ff ff ff ff ff 01")), 1001);
}

TEST(every_truncation_is_a_format_error_or_whole_nodes) {
  const std::string graph = node("abc", "X") + node("b", "Identity", {"abc", "^abc"}, "/cpu:0");
  const std::size_t first = node("abc", "X").size();
  for (std::size_t size = 1; size < graph.size(); ++size) {
    const std::string cut = graph.substr(0, size);
    if (size == first) {
      CHECK_EQ(GraphScan(cut, 0, 1).size(), 1);
    } else {
      CHECK_THROWS(GraphScan(cut, 0, 1), ErrorCode::kFormat);
    }
  }
}

}  // namespace
