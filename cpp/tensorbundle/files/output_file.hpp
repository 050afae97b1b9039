// A new file, written from its beginning to its end, with the checksums of what is written.
//
// Much at a time is written by several threads, straight to the disk: the page cache has room for
// nothing that is written once, and filling it costs more than the checksums (measured: perf.md
// §7). Where a file system refuses that, the same bytes are written the usual way. What comes from
// another file passes through the same buffers, so memory stays at a few megabytes a thread.
//
// Not safe for use from several threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tensorbundle/files/file.hpp"

namespace tensorbundle {

// Bytes that are made when they are written.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Writes the bytes [at, at + size) to `into`, and returns their checksum. Every byte is asked for
  // once, in any order, by several threads at a time.
  virtual std::uint32_t fill(std::uint64_t at, std::size_t size, char* into) = 0;
};

// The bytes of another file, from an offset on.
class FileRange final : public ByteSource {
 public:
  FileRange(const File& file, std::uint64_t offset) : file_(&file), offset_(offset) {}

  // Throws as File::read_at does.
  std::uint32_t fill(std::uint64_t at, std::size_t size, char* into) override;

  [[nodiscard]] const File& file() const { return *file_; }
  // Whether a read failed: then what was thrown is about that file.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  const File* file_;
  std::uint64_t offset_;
  std::atomic<bool> failed_ = false;
};

// Bytes to be written, and their checksum.
struct Piece {
  const char* data = nullptr;
  std::size_t size = 0;
  std::uint32_t crc32c = 0;      // filled in
  ByteSource* source = nullptr;  // instead of `data`
};

// Memory at an address that direct writing accepts; allocated when first asked for.
class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 4096;

  AlignedBuffer() = default;
  ~AlignedBuffer();
  AlignedBuffer(AlignedBuffer&& other) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&&) = delete;

  // At least `size` bytes; what was there before is gone when it has to grow.
  char* reserve(std::size_t size);

 private:
  char* bytes_ = nullptr;
  std::size_t capacity_ = 0;
};

// What the workers of one writer keep from one call to the next, for however many files.
class Workspace {
 public:
  // `threads`: 0 means as many as are useful.
  explicit Workspace(unsigned threads);

  [[nodiscard]] unsigned threads() const { return static_cast<unsigned>(buffers_.size()); }
  AlignedBuffer& buffer(unsigned worker) { return buffers_[worker]; }

 private:
  std::vector<AlignedBuffer> buffers_;
};

class OutputFile {
 public:
  enum class Place {
    kNew,       // no file must be there yet, not even a symbolic link
    kReserved,  // a file that the caller has made there, which is emptied; no symbolic link
  };

  // Creates the file. Throws kSystem.
  explicit OutputFile(const std::string& path, Place place = Place::kNew);

  // Writes the pieces one after the other, and fills in their checksums. Small amounts are only
  // kept, until there are more or the end. Throws kSystem, kTruncated for a
  // piece that is a view of a map whose file was cut off, and what a source throws; the file is of
  // no use then.
  void append(std::span<Piece> pieces, Workspace& workspace);

  // Appends a range of another file as the kernel copies it: nothing is checked. False, and nothing
  // was appended, where there is no such way, or the source ends before: append() will say. Throws
  // kSystem.
  bool append_unchecked(const File& source, std::uint64_t offset, std::uint64_t size);

  // Bytes appended so far.
  [[nodiscard]] std::uint64_t size() const { return written_ + kept_.size(); }

  // Writes what was kept and closes the file; `durable`: after it has reached the disk. Throws
  // kSystem.
  void finish(bool durable);

 private:
  class Stretches;

  void write_at(std::uint64_t offset, const char* from, std::size_t size);
  void try_direct();
  void leave_direct();
  void write_kept();

  Descriptor file_;
  std::uint64_t written_ = 0;  // while direct_: a multiple of AlignedBuffer::kAlignment
  std::string kept_;           // what comes after that
  bool tried_direct_ = false;
  std::atomic<bool> direct_ = false;
};

}  // namespace tensorbundle
