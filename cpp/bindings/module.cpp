// The table of contents of tensorbundle._core; its types are described in _core.pyi.
#include "bindings.hpp"

namespace tb = tensorbundle;

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
  module.doc() = "The C++ core of tensorbundle.";
  tb::bindings::register_errors(module);
  tb::bindings::register_crc32c(module);
  tb::bindings::register_files(module);
  tb::bindings::register_table(module);
  tb::bindings::register_message(module);
  tb::bindings::register_attributes(module);
  tb::bindings::register_graph(module);
  auto index = pybind11::class_<tb::Index, std::shared_ptr<tb::Index>>(module, "Index",
                                                                       pybind11::is_final());
  tb::bindings::register_index(index, module);
  tb::bindings::register_bulk(index, module);
  tb::bindings::register_writer(module);
  tb::bindings::register_output(module);
}
