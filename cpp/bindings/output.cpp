// New files made of bytes and of ranges of other files.
#include <pybind11/stl.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "bindings.hpp"
#include "tensorbundle/files/output_file.hpp"

namespace tensorbundle::bindings {

namespace {

// An OutputFile with its path, which errors name, and the memory of its threads.
struct Output {
  Output(std::string where, unsigned threads)
      : path(std::move(where)), file(path), workspace(threads) {}

  std::string path;
  OutputFile file;
  Workspace workspace;
};

// Runs work without the GIL; what goes wrong is told of the file that it is about.
template <typename Work>
void run(const Output& output, const std::deque<FileRange>& ranges, Work&& work) {
  try {
    const py::gil_scoped_release release;
    work();
  } catch (const Error& error) {
    const auto failed = std::ranges::find_if(ranges, &FileRange::failed);
    throw_python(error, failed != ranges.end() ? failed->file().path() : output.path, py::none());
  }
}

std::unique_ptr<Output> create(const py::str& path, unsigned threads) {
  const std::string encoded = encode_path(path);
  try {
    return std::make_unique<Output>(encoded, threads);
  } catch (const Error& error) {
    throw_python(error, encoded, py::none());
  }
}

std::vector<std::uint32_t> append(Output& self, const py::sequence& given) {
  std::vector<Piece> pieces;
  std::deque<BorrowedBuffer> buffers;
  std::deque<FileRange> ranges;
  for (const py::handle& each : given) {
    Piece& piece = pieces.emplace_back();
    if (py::isinstance<py::tuple>(each)) {
      const auto range = py::reinterpret_borrow<py::tuple>(each);
      piece.source =
          &ranges.emplace_back(range[0].cast<const File&>(), range[1].cast<std::uint64_t>());
      piece.size = range[2].cast<std::size_t>();
    } else {
      const BorrowedBuffer& buffer = buffers.emplace_back(each, false);
      piece.data = buffer.data();
      piece.size = buffer.size();
    }
  }
  run(self, ranges, [&] { self.file.append(pieces, self.workspace); });
  std::vector<std::uint32_t> checksums;
  checksums.reserve(pieces.size());
  for (const Piece& piece : pieces) checksums.push_back(piece.crc32c);
  return checksums;
}

void append_unchecked(Output& self, const File& source, std::uint64_t offset, std::uint64_t size) {
  std::deque<FileRange> ranges;
  FileRange& range = ranges.emplace_back(source, offset);
  run(self, ranges, [&] {
    if (self.file.append_unchecked(source, offset, size)) return;
    Piece piece;
    piece.source = &range;
    piece.size = static_cast<std::size_t>(size);
    self.file.append({&piece, 1}, self.workspace);
  });
}

}  // namespace

void register_output(py::module_& module) {
  using namespace py::literals;
  py::class_<Output>(module, "OutputFile", py::is_final())
      .def(py::init(&create), "path"_a, py::kw_only(), "threads"_a = 0)
      .def_property_readonly("size", [](const Output& self) { return self.file.size(); })
      .def("append", &append, "pieces"_a)
      .def("append_unchecked", &append_unchecked, "source"_a, "offset"_a, "size"_a)
      .def(
          "finish",
          [](Output& self, bool durable) { run(self, {}, [&] { self.file.finish(durable); }); },
          py::kw_only(), "durable"_a = true);
}

}  // namespace tensorbundle::bindings
