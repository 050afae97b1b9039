#include "tensorbundle/files/held_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

namespace tensorbundle {

std::uint64_t HeldBytes::hold(std::uint64_t offset, const char* data, std::size_t size,
                              std::shared_ptr<const void> owner) {
  const std::unique_lock lock(changing_);
  pieces_.emplace(offset, Piece{data, size, next_token_, std::move(owner)});
  return next_token_++;
}

void HeldBytes::release(std::uint64_t token) {
  std::shared_ptr<const void> owner;  // goes without the lock: that may run anything
  const std::unique_lock lock(changing_);
  const auto found = std::find_if(pieces_.begin(), pieces_.end(),
                                  [&](const auto& piece) { return piece.second.token == token; });
  if (found == pieces_.end()) return;
  owner = std::move(found->second.owner);
  pieces_.erase(found);
}

std::optional<HeldBytes::Range> HeldBytes::copy(std::uint64_t offset, void* into,
                                                std::size_t size) const {
  auto* next = static_cast<char*>(into);
  const std::uint64_t end = offset + size;
  const std::shared_lock lock(changing_);
  for (std::uint64_t at = offset; at < end;) {
    // Pieces are few; of those that begin before, any may reach furthest.
    auto found = pieces_.upper_bound(at);
    const Piece* best = nullptr;
    std::uint64_t begin = 0;
    while (found != pieces_.begin()) {
      --found;
      if (found->first + found->second.size > at) {
        best = &found->second;
        begin = found->first;
        break;
      }
    }
    if (best == nullptr) return Range{at, end - at};
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(end, begin + best->size) - at);
    std::memcpy(next, best->data + (at - begin), count);
    next += count;
    at += count;
  }
  return {};
}

}  // namespace tensorbundle
