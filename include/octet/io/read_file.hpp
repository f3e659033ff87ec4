#pragma once
#include "../core/with_place.hpp"
#include "input_file.hpp"

OCTET_BEGIN
namespace detail {

/// The bytes of a file, which may have at most `limit` of them.
inline std::string read_file(const std::string& path, std::int64_t limit) {
  InputFile in(path);
  std::string bytes, part(std::size_t{1} << 16, '\0');
  // Read in parts: the size that a file tells may be out of date, or 0 where the system makes up its contents.
  while (const std::size_t n = in.read(part.data(), part.size())) {
    bytes.append(part.data(), n);
    require<FormatError>(static_cast<std::int64_t>(bytes.size()) <= limit, "'", path, "' has more than ", limit,
                         " bytes");
  }
  return bytes;
}

/// Calls f and makes of every error a FormatError that names the file.
template <class F>
auto naming_file(const std::string& path, F f) {
  const auto named = [&](const std::string& text) {
    const std::string name = "'" + path + "'";
    return text.find(name) == std::string::npos ? name + ": " + text : text;
  };
  return with_place(named, f);
}

}  // namespace detail
OCTET_END
