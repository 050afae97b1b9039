// Memory for large arrays, which outlives them for a while.
//
// Touching new memory costs more than filling it: a page fault a page, and on a virtual machine the
// host's as well. So blocks begin at huge-page boundaries, and a block that is given back is kept
// for the next of its size. It is marked as free to the system, which takes it whenever it needs
// memory; until then its pages stay where they are.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <unordered_map>

namespace tensorbundle {

// Safe from any thread. Blocks that are out are never freed by the pool's end, but by release().
class BlockPool {
 public:
  // Blocks smaller than this are not worth it: they come from malloc.
  static constexpr std::size_t kSmallest = std::size_t{4} << 20;

  // `limit`: how many bytes of blocks that nobody uses are kept.
  explicit BlockPool(std::size_t limit) : limit_(limit) {}
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // Unspecified contents; null when there is no memory.
  void* allocate(std::size_t size);
  // As malloc's: `block` may be null, and is kept when there is no memory.
  void* reallocate(void* block, std::size_t size);
  // `block`: from allocate or reallocate, or null.
  void release(void* block);

 private:
  struct Block {
    void* memory;
    std::size_t size;
  };
  void* take_kept(std::size_t size);
  std::size_t size_of_large(void* block);

  const std::size_t limit_;
  std::mutex mutex_;
  std::unordered_map<void*, std::size_t> large_;  // blocks that are out, but for malloc's
  std::list<Block> kept_;                         // oldest first
  std::size_t kept_bytes_ = 0;
};

}  // namespace tensorbundle
