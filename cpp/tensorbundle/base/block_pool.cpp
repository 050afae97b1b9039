#include "tensorbundle/base/block_pool.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tensorbundle {

namespace {

constexpr std::size_t kPageBytes = std::size_t{2} << 20;

std::size_t rounded(std::size_t size) { return (size + kPageBytes - 1) / kPageBytes * kPageBytes; }

// Wishes both: where they are refused, memory is as good without.
void ask_for_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t size) {
#if defined(__linux__)
  ::madvise(memory, size, MADV_HUGEPAGE);
#endif
}

void offer_to_the_system([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t size) {
#if defined(__linux__)
  ::madvise(memory, size, MADV_FREE);
#endif
}

}  // namespace

BlockPool::~BlockPool() {
  for (const Block& block : kept_) std::free(block.memory);
}

void* BlockPool::take_kept(std::size_t size) {
  const std::lock_guard lock(mutex_);
  // The newest is the likeliest to have its pages still.
  const auto found = std::find_if(kept_.rbegin(), kept_.rend(),
                                  [&](const Block& block) { return block.size == size; });
  if (found == kept_.rend()) return nullptr;
  void* const memory = found->memory;
  kept_bytes_ -= size;
  kept_.erase(std::next(found).base());
  large_.emplace(memory, size);
  return memory;
}

void* BlockPool::allocate(std::size_t size) {
  if (size < kSmallest) return std::malloc(std::max<std::size_t>(size, 1));
  if (size > SIZE_MAX - kPageBytes) return nullptr;
  size = rounded(size);
  if (void* const kept = take_kept(size)) return kept;
  void* const memory = std::aligned_alloc(kPageBytes, size);
  if (memory == nullptr) return nullptr;
  ask_for_huge_pages(memory, size);
  const std::lock_guard lock(mutex_);
  large_.emplace(memory, size);
  return memory;
}

std::size_t BlockPool::size_of_large(void* block) {
  const std::lock_guard lock(mutex_);
  const auto found = large_.find(block);
  return found == large_.end() ? 0 : found->second;
}

void* BlockPool::reallocate(void* block, std::size_t size) {
  const std::size_t before = block != nullptr ? size_of_large(block) : 0;
  if (before == 0 && size < kSmallest) return std::realloc(block, std::max<std::size_t>(size, 1));
  if (before == 0 && block != nullptr) return std::realloc(block, size);  // malloc's, and stays so
  void* const moved = allocate(size);
  if (moved == nullptr || block == nullptr) return moved;
  std::memcpy(moved, block, std::min(before, size));
  release(block);
  return moved;
}

void BlockPool::release(void* block) {
  const std::size_t size = block != nullptr ? size_of_large(block) : 0;
  if (size == 0 || size > limit_) {
    if (size != 0) {
      const std::lock_guard lock(mutex_);
      large_.erase(block);
    }
    std::free(block);
    return;
  }
  offer_to_the_system(block, size);
  const std::lock_guard lock(mutex_);
  large_.erase(block);
  while (kept_bytes_ + size > limit_) {
    std::free(kept_.front().memory);
    kept_bytes_ -= kept_.front().size;
    kept_.pop_front();
  }
  kept_.push_back({block, size});
  kept_bytes_ += size;
}

}  // namespace tensorbundle
