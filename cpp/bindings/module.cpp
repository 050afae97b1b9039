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
  tb::bindings::register_index(module);
  tb::bindings::register_bundle(module);
  tb::bindings::register_writer(module);
  tb::bindings::register_output(module);
  tb::bindings::register_pieces(module);
}
