#pragma once
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <string>

#include "../core/error.hpp"

OCTET_BEGIN
namespace detail {

/// The bytes of a file, which may have at most `limit` of them.
inline std::string read_file(const std::string& path, std::int64_t limit) {
  std::ifstream in(path, std::ios::binary);
  require<FormatError>(in.good(), "cannot open '", path, "' (", std::strerror(errno), ")");
  std::string bytes, part(std::size_t{1} << 16, '\0');
  // Read in parts: the size that a pipe or a folder tells means nothing.
  while (in.read(part.data(), static_cast<std::streamsize>(part.size())), in.gcount() > 0) {
    bytes.append(part.data(), static_cast<std::size_t>(in.gcount()));
    require<FormatError>(static_cast<std::int64_t>(bytes.size()) <= limit, "'", path, "' has more than ", limit,
                         " bytes");
  }
  require<FormatError>(in.eof(), "cannot read '", path, "'");
  return bytes;
}

/// Calls f and makes of every error a FormatError that names the file.
template <class F>
auto naming_file(const std::string& path, F f) {
#if OCTET_EXCEPTIONS
  try {
    return f();
  } catch (const Error& e) {
    const std::string what = e.what(), name = "'" + path + "'";
    fail<FormatError>(what.find(name) == std::string::npos ? name + ": " : "", what);
  }
#else
  return f();
#endif
}

}  // namespace detail
OCTET_END
