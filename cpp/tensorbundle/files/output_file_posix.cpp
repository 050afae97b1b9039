#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <thread>
#include <utility>

#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/base/parallel.hpp"
#include "tensorbundle/files/bus_errors.hpp"
#include "tensorbundle/files/output_file.hpp"

namespace tensorbundle {

namespace {

// What one call hands to the disk, and what one hands to the page cache: the first is long, for
// throughput; the second is still in the processor's cache when the system copies it.
constexpr std::size_t kDirectBytes = std::size_t{4} << 20;
constexpr std::size_t kCachedBytes = std::size_t{256} << 10;
// Copying and checksumming take turns in the first-level cache.
constexpr std::size_t kCopyBytes = std::size_t{16} << 10;
// Direct writing wants several requests under way, even where there are fewer processors.
constexpr unsigned kMaxThreads = 4;

[[noreturn]] void throw_system(const std::string& what) {
  const int number = errno;
  throw Error::system(number, what + ": " + std::strerror(number));
}

std::uint32_t copy_with_crc(const Piece& piece, std::size_t skipped, std::size_t size, char* into) {
  if (piece.source != nullptr) return piece.source->fill(skipped, size, into);
  const char* const from = piece.data + skipped;
  std::uint32_t crc = 0;
  auto copy = [&] {
    for (std::size_t at = 0; at < size; at += kCopyBytes) {
      const std::size_t part = std::min(kCopyBytes, size - at);
      std::memcpy(into + at, from + at, part);
      crc = crc32c_extend(crc, into + at, part);
    }
  };
  if (!survives(from, size, copy)) {
    throw Error(ErrorCode::kTruncated,
                "what is to be written is a view of a file that was cut off: its bytes are gone");
  }
  return crc;
}

}  // namespace

std::uint32_t FileRange::fill(std::uint64_t at, std::size_t size, char* into) {
  std::uint32_t crc = 0;
  try {
    const File::Access access = file_->access();
    for (std::size_t done = 0; done < size; done += kCachedBytes) {
      const std::size_t part = std::min(kCachedBytes, size - done);
      file_->read_at(access, offset_ + at + done, into + done, part);
      crc = crc32c_extend(crc, into + done, part);
    }
  } catch (const Error&) {
    failed_ = true;
    throw;
  }
  return crc;
}

AlignedBuffer::~AlignedBuffer() {
  if (bytes_ != nullptr) ::operator delete(bytes_, std::align_val_t(kAlignment));
}

AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}

char* AlignedBuffer::reserve(std::size_t size) {
  if (size > capacity_) {
    AlignedBuffer grown;
    grown.bytes_ = static_cast<char*>(::operator new(size, std::align_val_t(kAlignment)));
    std::swap(bytes_, grown.bytes_);
    capacity_ = size;
  }
  return bytes_;
}

Workspace::Workspace(unsigned threads) : buffers_(threads == 0 ? kMaxThreads : threads) {}

// What was kept and what is appended now, as one run of bytes that is cut into stretches.
class OutputFile::Stretches {
 public:
  Stretches(ByteView kept, std::span<Piece> pieces, std::size_t stretch_bytes)
      : pieces_(pieces), stretch_bytes_(stretch_bytes) {
    sources_.reserve(pieces.size() + 1);
    sources_.push_back({kept.data(), kept.size()});
    sources_.insert(sources_.end(), pieces.begin(), pieces.end());
    for (Piece& source : sources_) {
      source.crc32c = 0;
      starts_.push_back(size_);
      size_ += source.size;
    }
    // All but the end, which waits for what comes next.
    aligned_ = size_ / AlignedBuffer::kAlignment * AlignedBuffer::kAlignment;
    parts_.resize(count() + 1);
  }

  [[nodiscard]] std::uint64_t aligned() const { return aligned_; }
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>((aligned_ + stretch_bytes_ - 1) / stretch_bytes_);
  }
  [[nodiscard]] std::uint64_t begin(std::size_t stretch) const {
    return std::min<std::uint64_t>(aligned_, stretch * std::uint64_t{stretch_bytes_});
  }
  // The last stretch is what is to be kept.
  [[nodiscard]] std::size_t size(std::size_t stretch) const {
    const std::uint64_t end = stretch == count() ? size_ : begin(stretch + 1);
    return static_cast<std::size_t>(end - begin(stretch));
  }

  // The sum is that of the copy, which is what is written: a tensor may change meanwhile.
  void copy(std::size_t stretch, char* into) {
    std::size_t left = size(stretch);
    std::size_t i = source_at(begin(stretch));
    auto skipped = static_cast<std::size_t>(begin(stretch) - starts_[i]);
    for (; left > 0; ++i, skipped = 0) {
      const std::size_t part = std::min(left, sources_[i].size - skipped);
      note(stretch, i, copy_with_crc(sources_[i], skipped, part, into), part);
      into += part;
      left -= part;
    }
  }

  // Once all stretches were copied: puts the checksums together, in order.
  void combine() {
    for (const std::vector<Part>& parts : parts_) {
      for (const Part& part : parts) {
        std::uint32_t& crc = sources_[part.source].crc32c;
        crc = crc32c_combine(crc, part.crc32c, part.size);
      }
    }
    for (std::size_t i = 0; i < pieces_.size(); ++i) pieces_[i].crc32c = sources_[i + 1].crc32c;
  }

 private:
  struct Part {
    std::size_t source;
    std::uint32_t crc32c;
    std::size_t size;
  };

  [[nodiscard]] std::size_t source_at(std::uint64_t offset) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    return static_cast<std::size_t>(after - starts_.begin()) - 1;
  }

  // A source that lies within one stretch belongs to that stretch's worker alone.
  void note(std::size_t stretch, std::size_t source, std::uint32_t crc, std::size_t size) {
    if (size == sources_[source].size) {
      sources_[source].crc32c = crc;
    } else {
      parts_[stretch].push_back({source, crc, size});
    }
  }

  std::span<Piece> pieces_;
  std::size_t stretch_bytes_;
  std::vector<Piece> sources_;
  std::vector<std::uint64_t> starts_;
  std::uint64_t size_ = 0;
  std::uint64_t aligned_ = 0;
  std::vector<std::vector<Part>> parts_;  // by stretch
};

OutputFile::OutputFile(const std::string& path, Place place) {
  // Where others may write, one of them may have put a file of his there, or a link.
  const int how = place == Place::kNew ? O_EXCL : O_TRUNC;
  int number = -1;
  do {
    number = ::open(path.c_str(), O_WRONLY | O_CREAT | how | O_CLOEXEC | O_NOFOLLOW, 0666);
  } while (number < 0 && errno == EINTR);
  if (number < 0) throw_system("cannot create the file");
  file_ = Descriptor(number);
}

void OutputFile::append(std::span<Piece> pieces, Workspace& workspace) {
  const BusErrorGuard guard;  // a piece may be a view of a map
  std::uint64_t size = kept_.size();
  for (const Piece& piece : pieces) size += piece.size;
  if (size < kDirectBytes) {
    for (Piece& piece : pieces) {
      const std::size_t at = kept_.size();
      kept_.resize(at + piece.size);
      piece.crc32c = copy_with_crc(piece, 0, piece.size, kept_.data() + at);
    }
    return;
  }
  try_direct();
  Stretches stretches(kept_, pieces, direct_ ? kDirectBytes : kCachedBytes);
  parallel_for(stretches.count(), workspace.threads(), [&](std::size_t i, unsigned worker) {
    char* const buffer = workspace.buffer(worker).reserve(kDirectBytes);
    stretches.copy(i, buffer);
    write_at(written_ + stretches.begin(i), buffer, stretches.size(i));
  });
  std::string kept(stretches.size(stretches.count()), '\0');
  stretches.copy(stretches.count(), kept.data());
  stretches.combine();
  written_ += stretches.aligned();
  kept_ = std::move(kept);
}

void OutputFile::finish(bool durable) {
  leave_direct();  // its end is not aligned
  write_kept();
  if (durable && ::fsync(file_.number()) != 0) throw_system("cannot write the file to the disk");
  if (::close(file_.release()) != 0 && errno != EINTR) throw_system("cannot close the file");
}

void OutputFile::write_at(std::uint64_t offset, const char* from, std::size_t size) {
  while (size > 0) {
    const bool direct = direct_;
    const ssize_t count = ::pwrite(file_.number(), from, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EINVAL && direct) {  // promised, and refused when it comes to it
      leave_direct();
      continue;
    }
    if (count < 0) throw_system("cannot write the file");
    from += count;
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::size_t>(count);
  }
}

void OutputFile::write_kept() {
  write_at(written_, kept_.data(), kept_.size());
  written_ += kept_.size();
  kept_ = std::string();
}

void OutputFile::leave_direct() {
#if defined(O_DIRECT)
  if (direct_.exchange(false)) ::fcntl(file_.number(), F_SETFL, 0);
#endif
}

void OutputFile::try_direct() {
  if (std::exchange(tried_direct_, true)) return;
#if defined(__linux__) && defined(O_DIRECT)
  struct statfs status{};
  if (::fstatfs(file_.number(), &status) != 0) return;
  // Their files are memory: there is no disk to write to directly.
  const auto type = static_cast<std::uint32_t>(status.f_type);
  if (type == TMPFS_MAGIC || type == RAMFS_MAGIC) return;
  direct_ = ::fcntl(file_.number(), F_SETFL, O_DIRECT) == 0;
#endif
}

}  // namespace tensorbundle
