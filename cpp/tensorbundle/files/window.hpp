// A stretch of a file, mapped for as long as its checksum takes.
//
// Reading through a map costs half of what reading into a buffer costs, but a file that another
// process truncates meanwhile turns every access into SIGBUS. So a guard (bus_errors.hpp) is held
// while it is read: the signal ends the attempt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "tensorbundle/files/file.hpp"

namespace tensorbundle {

// The CRC of the bytes [offset, offset + size). Nothing where they cannot be had this way: the file
// system gives no maps, or the file has become shorter. Reading them then says what is wrong.
std::optional<std::uint32_t> crc32c_of_window(const File::Access& access, std::uint64_t offset,
                                              std::size_t size);

}  // namespace tensorbundle
