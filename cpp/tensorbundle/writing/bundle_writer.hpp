// Writes a V2 bundle: data shards and their index, byte for byte as TensorFlow's SaveV2 does (one
// shard) and its MergeV2Checkpoints (several). Twin: index.hpp, bulk.hpp. Format: format.md §3 to
// §7.
//
// Tensors pass through: what stays in memory is the index. Every file is written under its name
// plus a suffix; giving them their final names is the caller's, once all of them are complete.
//
// Not safe for use from several threads. After an exception the files are of no use.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tensorbundle/files/output_file.hpp"
#include "tensorbundle/format/bundle.hpp"
#include "tensorbundle/writing/index_writer.hpp"

namespace tensorbundle {

struct BundleWriterOptions {
  std::string prefix;
  std::string suffix;                 // of every file while it is written
  std::uint64_t alignment = 1;        // of every tensor in its shard: 1 to kMaxAlignment
  std::uint64_t max_shard_bytes = 0;  // a tensor that would exceed it begins a new shard; 0: never
  unsigned threads = 0;               // 0: as many as are useful
  bool durable = true;                // files have reached the disk when they are finished
};

// Where a slice lies in the tensor that it is a part of.
struct SlicePlace {
  std::vector<std::int64_t> full_shape;
  SliceSpec slice;
};

// A tensor to be written. What it points to is only borrowed.
struct NewTensor {
  ByteView name;
  std::int32_t dtype = 0;
  std::span<const std::int64_t> shape;
  ByteView bytes;                     // little-endian, row-major
  const SlicePlace* place = nullptr;  // of a slice
  ByteSource* source = nullptr;       // instead of `bytes`: of as many as the shape needs
};

// Bytes that the shape of a tensor of fixed-size elements comes to.
std::uint64_t stored_size(const NewTensor& tensor);

class BundleWriter {
 public:
  static constexpr std::uint64_t kMaxAlignment = 4096;

  explicit BundleWriter(BundleWriterOptions options);

  // Writes tensors of fixed-size elements to the current shard. Throws kSystem, or kSizeMismatch.
  void add(std::span<const NewTensor> tensors);
  // Writes a string tensor; `tensor.bytes` is not looked at.
  void add_strings(const NewTensor& tensor, std::span<const ByteView> elements);

  // The same for one tensor that comes in parts; `tensor.bytes` is not looked at. end() returns the
  // checksum of its bytes.
  void begin(const NewTensor& tensor);
  void append(ByteView bytes);
  std::uint32_t end();
  // Of a tensor whose bytes are taken over as they are, whatever they mean: how many there are says
  // its shape to nobody, and its checksum is the one it had.
  std::uint32_t end(std::uint32_t crc32c);

  // What follows goes to that shard, which may have been written to before.
  void use_shard(std::uint32_t shard);
  // Finishes the current shard; what follows goes to the next.
  void next_shard();

  // The current shard is a file that another puts there, at the path that is returned; what follows
  // goes to the next.
  std::string take_shard();
  // An entry as it is, of what lies in shards that were taken, or of a partitioned tensor whose
  // slices are entries of their own.
  void add_entry(ByteView key, const Entry& entry) { index_.add(key, entry); }

  // Finishes all shards, of which there are at least `min_shards`, and the index. Returns how many.
  // `big_endian`: of the numbers in shards that were taken. Throws kFormat when two tensors have
  // one name.
  std::uint32_t finish(std::uint32_t min_shards, bool big_endian = false);

  // The file that was written to last: what an error is about.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  // A slice of a partitioned tensor, in the order that MergeV2Checkpoints would leave them in.
  struct Part {
    std::uint32_t shard;
    SliceSpec slice;
  };
  struct Partitioned {
    std::int32_t dtype;
    std::vector<std::int64_t> shape;
    std::vector<Part> parts;
  };

  OutputFile& shard_for(std::uint64_t size);
  OutputFile& open_shard();
  // Makes room for the current shard, which is not finished; returns its path.
  const std::string& unfinished_shard();
  void leave_shard();
  void pad(OutputFile& file);
  void record(const NewTensor& tensor, std::uint64_t offset, std::uint64_t size, std::uint32_t crc);
  void add_partitioned();

  BundleWriterOptions options_;
  Workspace workspace_;
  std::string path_;
  std::vector<std::unique_ptr<OutputFile>> shards_;  // null: not begun, or finished
  std::vector<bool> finished_;
  std::uint32_t shard_ = 0;
  IndexWriter index_;
  std::map<std::string, Partitioned, std::less<>> partitioned_;
  Entry entry_;
  std::optional<NewTensor> open_;  // between begin() and end()
  std::string open_name_;
  std::vector<std::int64_t> open_shape_;
  std::uint64_t open_offset_ = 0;
  std::uint32_t open_crc_ = 0;
};

}  // namespace tensorbundle
