#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tensorbundle/files/file.hpp"

namespace tensorbundle {

namespace {

// The usual limit of a process is 1024; the rest is left to the program we are a guest in. Where
// the limit is lower, half of it is: what is kept must never use up what others have to open.
int keep_descriptors_below() {
  constexpr rlim_t kMost = 256;
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMost / 2;
  return static_cast<int>(std::min(kMost, limit.rlim_cur / 2));
}

// Linux transfers at most 0x7ffff000 bytes a call.
constexpr std::size_t kMaxRead = std::size_t{1} << 30;

[[noreturn]] void throw_system(int number, const std::string& what) {
  throw Error::system(number, what + ": " + std::strerror(number));
}

Descriptor open_for_reading(const std::string& path) {
  int number = -1;
  do {
    // O_NONBLOCK: opening a named pipe must not wait for a writer.
    number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  } while (number < 0 && errno == EINTR);
  if (number < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      throw Error(ErrorCode::kMissingFile, "there is no such file");
    }
    throw_system(errno, "cannot open the file");
  }
  return Descriptor(number);
}

struct stat status_of(int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) throw_system(errno, "cannot look at the file");
  return status;
}

FileIdentity identity_of(const struct stat& status) {
#if defined(__APPLE__)
  const struct timespec& modified = status.st_mtimespec;
#else
  const struct timespec& modified = status.st_mtim;
#endif
  return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
          static_cast<std::uint64_t>(status.st_size), modified.tv_sec, modified.tv_nsec};
}

}  // namespace

std::optional<FileIdentity> identity_at(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  return identity_of(status);
}

Descriptor::~Descriptor() {
  if (valid()) ::close(number_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

int Descriptor::release() { return std::exchange(number_, -1); }

File::File(std::string path) : path_(std::move(path)) {
  if (path_.find('\0') != std::string::npos) {
    throw Error(ErrorCode::kMissingFile, "a path cannot hold a zero byte");
  }
  kept_ = open_for_reading(path_);
  const struct stat status = status_of(kept_.number());
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::kFormat, S_ISDIR(status.st_mode) ? "this is a directory, not a file"
                                                            : "this is not a regular file");
  }
  identity_ = identity_of(status);
  if (kept_.number() >= keep_descriptors_below()) kept_ = Descriptor();
}

File::File(std::string name, std::uint64_t size)
    : path_(std::move(name)), held_(std::make_unique<HeldBytes>()) {
  identity_.size = size;
}

std::optional<HeldBytes::Range> File::take_missed() const {
  const std::lock_guard lock(missing_);
  return std::exchange(missed_, std::nullopt);
}

Descriptor File::open_again() const {
  Descriptor descriptor = open_for_reading(path_);
  const FileIdentity now = identity_of(status_of(descriptor.number()));
  if (now.device != identity_.device || now.inode != identity_.inode) {
    throw Error(ErrorCode::kReplaced, "the file was replaced by another after it had been opened");
  }
  return descriptor;
}

File::Access File::access() const {
  Access access;
  if (held_) return access;
  if (!kept_.valid()) access.owned_ = open_again();
  access.number_ = kept_.valid() ? kept_.number() : access.owned_.number();
  return access;
}

std::optional<FileIdentity> File::identity_now() const {
  if (held_) return identity_;
  if (!kept_.valid()) return identity_at(path_);
  struct stat status{};
  if (::fstat(kept_.number(), &status) != 0) return {};
  return identity_of(status);
}

void File::read_at(std::uint64_t offset, void* into, std::size_t size) const {
  read_at(access(), offset, into, size);
}

void File::read_at(const Access& access, std::uint64_t offset, void* into, std::size_t size) const {
  if (held_) {
    read_held(offset, into, size);
    return;
  }
  auto* next = static_cast<char*>(into);
  std::uint64_t at = offset;
  std::size_t left = size;
  while (left > 0) {
    const ssize_t count =
        ::pread(access.number(), next, std::min(left, kMaxRead), static_cast<off_t>(at));
    if (count < 0) {
      if (errno == EINTR) continue;
      throw_system(errno, "cannot read the file");
    }
    if (count == 0) {
      throw Error(ErrorCode::kTruncated,
                  "the file is cut off: it ends at byte " + std::to_string(at) + ", " +
                      std::to_string(size) + " bytes were expected at " + std::to_string(offset),
                  offset, size);
    }
    next += count;
    at += static_cast<std::uint64_t>(count);
    left -= static_cast<std::size_t>(count);
  }
}

void File::read_held(std::uint64_t offset, void* into, std::size_t size) const {
  if (offset > identity_.size || size > identity_.size - offset) {
    throw Error(ErrorCode::kTruncated,
                "the file is cut off: it has " + std::to_string(identity_.size) + " bytes", offset,
                size);
  }
  const auto missing = held_->copy(offset, into, size);
  if (!missing) return;
  {
    const std::lock_guard lock(missing_);
    missed_ = missing;
  }
  throw Error::system(EAGAIN, "these bytes of the file have not been fetched");
}

bool File::on_network() const {
#if defined(__linux__)
  // Magic numbers that linux/magic.h does not list.
  constexpr std::uint32_t kCifs = 0xFF534D42, kSmb2 = 0xFE534D42, kLustre = 0x0BD00BD0,
                          kGpfs = 0x47504653, kBeeGfs = 0x19830326, kCeph = 0x00C36400;
  struct statfs status{};
  if (::fstatfs(access().number(), &status) != 0) return false;
  switch (static_cast<std::uint32_t>(status.f_type)) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case FUSE_SUPER_MAGIC:
    case V9FS_MAGIC:
    case AFS_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case kCifs:
    case kSmb2:
    case kLustre:
    case kGpfs:
    case kBeeGfs:
    case kCeph:
      return true;
    default:
      return false;
  }
#else
  return false;
#endif
}

}  // namespace tensorbundle
