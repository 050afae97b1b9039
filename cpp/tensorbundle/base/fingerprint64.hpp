// Fingerprint64: the hash by which a SavedModel's fingerprint.pb knows its graph.
//
// It is FarmHash's 64-bit hash of its first release (farmhashna), which TensorFlow has promised
// never to change.
#pragma once

#include <cstdint>

#include "tensorbundle/base/bytes.hpp"

namespace tensorbundle {

// Returns the fingerprint of `bytes`. Pure; never throws.
std::uint64_t fingerprint64(ByteView bytes);

}  // namespace tensorbundle
