// An allocator for arenas of megabytes: asks for huge pages, because touching new memory one small
// page at a time costs more than parsing what is put there.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tensorbundle {

template <typename T>
class LargePages {
 public:
  using value_type = T;

  LargePages() = default;
  template <typename Other>
  explicit LargePages(const LargePages<Other>&) {}

  T* allocate(std::size_t count) {
    const std::size_t size = count * sizeof(T);
    if (size < kWorthwhile) return static_cast<T*>(::operator new(size));
    void* const memory = ::operator new(rounded(size), std::align_val_t(kPageBytes));
#if defined(__linux__)
    // A wish: where it is refused, small pages serve as well.
    ::madvise(memory, rounded(size), MADV_HUGEPAGE);
#endif
    return static_cast<T*>(memory);
  }

  void deallocate(T* memory, std::size_t count) {
    const std::size_t size = count * sizeof(T);
    if (size < kWorthwhile) {
      ::operator delete(static_cast<void*>(memory));
    } else {
      ::operator delete(static_cast<void*>(memory), std::align_val_t(kPageBytes));
    }
  }

  bool operator==(const LargePages&) const = default;

 private:
  static constexpr std::size_t kPageBytes = std::size_t{2} << 20;
  static constexpr std::size_t kWorthwhile = kPageBytes / 4;

  static std::size_t rounded(std::size_t size) {
    return (size + kPageBytes - 1) / kPageBytes * kPageBytes;
  }
};

template <typename T>
using Arena = std::vector<T, LargePages<T>>;

}  // namespace tensorbundle
