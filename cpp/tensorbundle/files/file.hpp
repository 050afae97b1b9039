// An open file, read by position.
//
// Invariant: every read either fills the whole range or throws; there is no short read to check
// for. The core reads files only through this room and window.hpp; arrays that it is given may be
// views of maps, and are read under a guard (bus_errors.hpp). So a file that is truncated under a
// running program is a typed error, never a SIGBUS.
//
// Descriptors are few and checkpoints may have thousands of shards: a File keeps its descriptor
// only while the process has few open, and otherwise opens the same file again for each batch of
// reads, refusing when another file lies at the path by then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "tensorbundle/base/bytes.hpp"
#include "tensorbundle/files/held_bytes.hpp"

namespace tensorbundle {

// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool valid() const { return number_ >= 0; }
  int release();

 private:
  int number_;
};

// What tells one file, in one state, from another that comes to lie at its path.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_s = 0;
  std::int64_t modified_ns = 0;

  bool operator==(const FileIdentity&) const = default;
};

// Of what lies at the path now; nothing where that cannot be looked at.
std::optional<FileIdentity> identity_at(const std::string& path);

class File {
 public:
  // Opens a regular file for reading.
  // Throws kMissingFile when there is none, kFormat when it is not a regular file, else kSystem.
  explicit File(std::string path);
  // A file that lies elsewhere: nothing is opened, and its bytes are those that held() has. Reading
  // others throws kSystem with EAGAIN, and missed() then says which.
  File(std::string name, std::uint64_t size);

  [[nodiscard]] const std::string& path() const { return path_; }
  // As it was when it was opened.
  [[nodiscard]] std::uint64_t size() const { return identity_.size; }
  [[nodiscard]] const FileIdentity& identity() const { return identity_; }
  // As it is now; nothing where that cannot be looked at.
  [[nodiscard]] std::optional<FileIdentity> identity_now() const;
  // True on NFS, SMB, FUSE and the like, where a map may fault whenever the network does.
  [[nodiscard]] bool on_network() const;
  // The bytes of a file that lies elsewhere; null for one that was opened here.
  [[nodiscard]] HeldBytes* held() const { return held_.get(); }
  // The range that was asked for last and is not held, once.
  std::optional<HeldBytes::Range> take_missed() const;

  // Reads exactly `size` bytes at `offset` into `into`. Safe from any thread.
  // Throws kTruncated when the file ends before (with what there is in the message), else kSystem.
  void read_at(std::uint64_t offset, void* into, std::size_t size) const;

  // The descriptor for a run of reads or for a map. Valid as long as the returned object.
  class Access {
   public:
    [[nodiscard]] int number() const { return number_; }

   private:
    friend class File;
    Descriptor owned_;
    int number_ = -1;
  };
  [[nodiscard]] Access access() const;

  // As read_at, with a descriptor taken once for many reads.
  void read_at(const Access& access, std::uint64_t offset, void* into, std::size_t size) const;

 private:
  [[nodiscard]] Descriptor open_again() const;
  void read_held(std::uint64_t offset, void* into, std::size_t size) const;

  std::string path_;
  Descriptor kept_;
  FileIdentity identity_;
  std::unique_ptr<HeldBytes> held_;
  mutable std::mutex missing_;
  mutable std::optional<HeldBytes::Range> missed_;
};

// Memory for reading into: grows, is never cleared, and keeps its pages from one use to the next.
class Buffer {
 public:
  // Room for `size` bytes with unspecified contents; what an earlier call returned is gone.
  char* reserve(std::size_t size) {
    if (size > capacity_) {
      bytes_.reset();
      bytes_ = std::make_unique_for_overwrite<char[]>(size);
      capacity_ = size;
    }
    return bytes_.get();
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
};

}  // namespace tensorbundle
