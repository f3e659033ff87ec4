#pragma once
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "../core/config.hpp"

/// Files are written atomically: under a temporary name in the same folder, then renamed when all of it is on disk. If
/// writing fails, the old file is unchanged and no temporary file remains.
OCTET_BEGIN

/// Writes a text or binary file atomically. Throws FormatError, which names the file.
void write_file(const std::string& path, std::string_view text);

/// Throws FormatError if a file cannot be written. For use before a long computation.
void require_writable(const std::string& path);

namespace detail {
/// Writes a file atomically with `write`. Throws FormatError if the stream is not good afterwards.
void write_atomically(const std::string& path, const std::function<void(std::ostream&)>& write);
}  // namespace detail

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "atomic_file.inl"
#endif
