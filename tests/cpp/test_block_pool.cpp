#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "check.hpp"
#include "tensorbundle/base/block_pool.hpp"

namespace {

using namespace tensorbundle;

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(a_large_block_begins_at_a_huge_page) {
  BlockPool pool(64 * kMiB);
  void* const block = pool.allocate(5 * kMiB);
  CHECK_EQ(reinterpret_cast<std::uintptr_t>(block) % (2 * kMiB), 0);
  std::memset(block, 1, 5 * kMiB);
  pool.release(block);
}

TEST(a_block_that_was_released_is_the_next_of_its_size) {
  BlockPool pool(64 * kMiB);
  void* const first = pool.allocate(8 * kMiB);
  pool.release(first);
  void* const other = pool.allocate(16 * kMiB);
  CHECK(other != first);
  void* const second = pool.allocate(8 * kMiB);
  CHECK(second == first);
  void* const third = pool.allocate(8 * kMiB);
  CHECK(third != first);
  for (void* const block : {other, second, third}) pool.release(block);
}

TEST(no_more_is_kept_than_the_limit) {
  BlockPool pool(16 * kMiB);
  std::vector<void*> blocks;
  for (int i = 0; i < 8; ++i) blocks.push_back(pool.allocate(8 * kMiB));
  for (void* const block : blocks) pool.release(block);
  void* const large = pool.allocate(32 * kMiB);  // larger than all that may be kept
  pool.release(large);
  // The two released last are kept.
  void* const one = pool.allocate(8 * kMiB);
  void* const two = pool.allocate(8 * kMiB);
  CHECK(one == blocks[7] && two == blocks[6]);
  pool.release(one);
  pool.release(two);
}

TEST(reallocation_keeps_the_contents) {
  BlockPool pool(64 * kMiB);
  auto* block = static_cast<char*>(pool.reallocate(nullptr, 100));
  std::strcpy(block, "kept");
  for (const std::size_t size : {5 * kMiB, 20 * kMiB, 6 * kMiB, std::size_t{10}}) {
    block = static_cast<char*>(pool.reallocate(block, size));
    CHECK(std::strcmp(block, "kept") == 0);
  }
  pool.release(block);
  pool.release(nullptr);
}

TEST(sizes_that_no_memory_has_give_null) {
  BlockPool pool(64 * kMiB);
  CHECK(pool.allocate(SIZE_MAX) == nullptr);
}

TEST(threads_share_a_pool) {
  BlockPool pool(32 * kMiB);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 50; ++i) {
        auto* const block = static_cast<char*>(pool.allocate(4 * kMiB + kMiB * (i % 3)));
        block[0] = static_cast<char>(t);
        CHECK(block[0] == static_cast<char>(t));
        pool.release(block);
      }
    });
  }
}

}  // namespace
