// Ranges of a file that lies elsewhere, which somebody has fetched and keeps in memory meanwhile.
//
// Nothing is copied into here: each range is borrowed, together with whatever keeps it alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>

namespace tensorbundle {

// Safe from any thread.
class HeldBytes {
 public:
  struct Range {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };

  // Until release() of what it returns; others may hold the same bytes.
  std::uint64_t hold(std::uint64_t offset, const char* data, std::size_t size,
                     std::shared_ptr<const void> owner);
  void release(std::uint64_t token);

  // Copies a range that may span several. Returns what is missing of it first, if anything is.
  std::optional<Range> copy(std::uint64_t offset, void* into, std::size_t size) const;

 private:
  struct Piece {
    const char* data;
    std::size_t size;
    std::uint64_t token;
    std::shared_ptr<const void> owner;
  };
  mutable std::shared_mutex changing_;
  std::multimap<std::uint64_t, Piece> pieces_;  // by offset; they may overlap, and are few
  std::uint64_t next_token_ = 0;
};

}  // namespace tensorbundle
