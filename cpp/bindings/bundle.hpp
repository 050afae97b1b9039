// An open bundle as Python sees it. bundle.cpp: one tensor; bulk.cpp: many.
#pragma once

#include <map>
#include <mutex>
#include <span>

#include "bindings.hpp"
#include "tensor_infos.hpp"
#include "tensorbundle/reading/bundle_reader.hpp"
#include "tensorbundle/reading/verify.hpp"

namespace tensorbundle::bindings {

// How arrays come about.
enum class Access { kView, kPrivateView, kCopy };

class Bundle {
 public:
  Bundle(const std::shared_ptr<File>& index, std::string prefix, Access access, bool checks,
         py::object dtype_of, py::type info_type);

  [[nodiscard]] const BundleReader& reader() const { return reader_; }

  // The array of a tensor; None where there is no such tensor, or none that is plain bytes.
  py::object view(const py::handle& name);
  // Whether there is a tensor of that name, which may be any object.
  [[nodiscard]] py::bool_ has(const py::handle& name) const;
  // The TensorInfo of a tensor, or None.
  [[nodiscard]] py::object find_info(const py::handle& name) const;
  // TensorInfos of the tensors among rows [begin, end).
  [[nodiscard]] py::list infos(std::size_t begin, std::size_t end) const;

  // Checks the bytes of a tensor, or of a slice given as if it were one, and copies them.
  void read(const py::handle& info, const py::object& out) const;
  // The shard that holds the bytes of such a one, all of them.
  [[nodiscard]] std::shared_ptr<File> file_of(const py::handle& info) const;
  // A shard, whatever is in it.
  [[nodiscard]] std::shared_ptr<File> shard(std::int32_t number) const;

  // What _core.pyi says.
  py::tuple views(const py::object& names, unsigned threads, const py::object& progress);
  py::tuple sweep(std::size_t begin);
  [[nodiscard]] py::tuple load(const py::object& names, const py::object& out, unsigned threads,
                               const py::object& progress) const;
  [[nodiscard]] py::tuple verify(const EntryList& entries, unsigned threads,
                                 const py::object& progress) const;
  [[nodiscard]] py::tuple plan_verify(const EntryList& entries, std::int32_t first,
                                      std::int32_t last) const;
  // Takes a shard that lies elsewhere.
  void give(std::int32_t number, const std::shared_ptr<File>& file);

 private:
  // The plain tensors among those that were asked for, with a job for each. Where others are left
  // out, the dict holds a place for all, because it keeps the order in which names come first.
  struct Batch {
    Arena<std::size_t> rows;
    Arena<py::str> names;
    Arena<const py::object*> dtypes;
    Arena<Job> jobs;
    py::dict arrays;
    py::list left_out;
  };

  [[nodiscard]] Batch plan_batch(const py::object& names) const;
  [[nodiscard]] bool writable() const { return access_ == Access::kPrivateView; }
  [[nodiscard]] bool is_plain(const Dtypes::Type& type, const StoredRange& range) const;
  [[nodiscard]] std::optional<FoundEntry> find(ByteView key) const;
  // Kept alive by the reader.
  [[nodiscard]] const EntryList& list() const;
  [[nodiscard]] py::object copy(const StoredRange& range, const Dtypes::Type& type) const;
  py::object borrow(const FoundEntry& found, const StoredRange& range, const Dtypes::Type& type);
  // The one Python object that all views of a shard keep alive.
  py::object base_of(std::uint32_t shard, const std::shared_ptr<const MappedFile>& map);
  [[nodiscard]] Job plan(const py::handle& info) const;
  [[nodiscard]] py::list finding_tuples(const EntryList& entries,
                                        std::span<const Finding> findings) const;
  [[nodiscard]] py::list lost_tuples(const EntryList& entries,
                                     std::span<const LostShard> lost) const;
  // Of the shard, or of the index where there can be no such shard.
  [[nodiscard]] std::string path_of(std::int32_t shard) const;
  [[noreturn]] void raise(const Error& error, std::int32_t shard, const py::object& key) const;

  BundleReader reader_;
  Access access_;
  bool checks_;
  Dtypes dtypes_;
  TensorInfos infos_;
  std::mutex making_;
  std::map<std::uint32_t, py::object> bases_;
};

}  // namespace tensorbundle::bindings
