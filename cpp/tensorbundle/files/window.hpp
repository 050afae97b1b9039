// A stretch of a file, mapped for as long as its checksum takes.
//
// Reading through a map costs half of what reading into a buffer costs, but a file that another
// process truncates meanwhile turns every access into SIGBUS. So this is the only place of the core
// that touches mapped bytes, and it holds a guard while it does: the signal ends the attempt, and
// what the process had installed for SIGBUS is put back, and still gets every signal that is not
// about this window.
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
