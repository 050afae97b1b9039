// The scan of a graph as Python sees it.
#include <iterator>
#include <memory>

#include "bindings.hpp"
#include "tensorbundle/graph/graph_scan.hpp"

namespace tensorbundle::bindings {

namespace {

// A scan with the memory that it points into.
class BorrowingScan {
 public:
  BorrowingScan(const py::object& data, std::uint64_t base, std::uint32_t node_field)
      : buffer_(data, false), scan_(walk(buffer_, base, node_field)) {}

  [[nodiscard]] const GraphScan& scan() const { return scan_; }

 private:
  static GraphScan walk(const BorrowedBuffer& buffer, std::uint64_t base,
                        std::uint32_t node_field) {
    const py::gil_scoped_release release;
    return {ByteView(buffer.data(), buffer.size()), base, node_field};
  }

  BorrowedBuffer buffer_;
  GraphScan scan_;
};

py::list node_names(const BorrowingScan& self) {
  const GraphScan& scan = self.scan();
  py::list list(scan.size());
  for (std::size_t i = 0; i < scan.size(); ++i) list[i] = decode_name(scan.name(i));
  return list;
}

py::list counted(std::span<const Counted> words) {
  py::list list;
  for (const Counted& each : words) list.append(py::make_tuple(decode_name(each.word), each.count));
  return list;
}

py::tuple words_of(std::span<const Counted> words) {
  py::tuple tuple(words.size());
  for (std::size_t i = 0; i < words.size(); ++i) tuple[i] = decode_name(words[i].word);
  return tuple;
}

py::tuple inputs_of(const GraphScan& scan, std::size_t node) {
  const auto inputs = scan.inputs_of(node);
  py::tuple tuple(inputs.size());
  for (std::size_t k = 0; k < inputs.size(); ++k) tuple[k] = decode_name(scan.text(inputs[k]));
  return tuple;
}

// Keeps the collector of cycles away while many objects are made, none of which can be in one: it
// would walk all of them again and again.
class CollectorPause {
 public:
  CollectorPause() : was_on_(PyGC_Disable() != 0) {}
  ~CollectorPause() {
    if (was_on_) PyGC_Enable();
  }
  CollectorPause(const CollectorPause&) = delete;
  CollectorPause& operator=(const CollectorPause&) = delete;

 private:
  bool was_on_;
};

// Calls make(name, op, inputs, device, None, data, begin, end) for each node.
py::list make_nodes(const BorrowingScan& self, const py::function& make, const py::object& data) {
  const GraphScan& scan = self.scan();
  const py::tuple ops = words_of(scan.ops());
  const py::tuple devices = words_of(scan.devices());
  const CollectorPause pause;
  py::list list(scan.size());
  for (std::size_t i = 0; i < scan.size(); ++i) {
    const GraphScan::Node& node = scan.node(i);
    const py::str name = decode_name(scan.name(i));
    const py::tuple inputs = inputs_of(scan, i);
    const py::int_ begin(node.message.begin);
    const py::int_ end(node.message.begin + node.message.size);
    PyObject* const arguments[] = {name.ptr(),   PyTuple_GET_ITEM(ops.ptr(), node.op),
                                   inputs.ptr(), PyTuple_GET_ITEM(devices.ptr(), node.device),
                                   Py_None,      data.ptr(),
                                   begin.ptr(),  end.ptr()};
    PyObject* const made =
        PyObject_Vectorcall(make.ptr(), arguments, std::size(arguments), nullptr);
    if (made == nullptr) throw py::error_already_set();
    PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(i), made);
  }
  return list;
}

py::bytes packed(const std::vector<std::int32_t>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(std::int32_t)};
}

py::tuple edges(const BorrowingScan& self) {
  const GraphScan& scan = self.scan();
  GraphScan::Edges found;
  std::vector<std::int32_t> starts;
  {
    const py::gil_scoped_release release;
    found = scan.edges();
    starts.reserve(scan.size() + 1);
    for (std::size_t i = 0; i < scan.size(); ++i) {
      starts.push_back(static_cast<std::int32_t>(scan.node(i).first_input));
    }
    starts.push_back(static_cast<std::int32_t>(scan.inputs().size()));
  }
  return py::make_tuple(packed(starts), packed(found.sources), packed(found.ports),
                        packed(found.duplicates));
}

py::list others(const BorrowingScan& self) {
  py::list list;
  for (const GraphScan::Other& each : self.scan().others()) {
    list.append(py::make_tuple(each.number, static_cast<int>(each.wire), each.value,
                               each.content.begin, each.content.begin + each.content.size));
  }
  return list;
}

}  // namespace

void register_graph(py::module_& module) {
  using namespace py::literals;
  py::class_<BorrowingScan, std::shared_ptr<BorrowingScan>>(module, "GraphScan", py::is_final())
      .def(py::init<const py::object&, std::uint64_t, std::uint32_t>(), "data"_a, "base"_a,
           "node_field"_a)
      .def("__len__", [](const BorrowingScan& self) { return self.scan().size(); })
      .def("names", &node_names)
      .def("ops", [](const BorrowingScan& self) { return counted(self.scan().ops()); })
      .def("devices", [](const BorrowingScan& self) { return counted(self.scan().devices()); })
      .def("others", &others)
      .def("edges", &edges)
      .def("make_nodes", &make_nodes, "make"_a, "data"_a);
}

}  // namespace tensorbundle::bindings
