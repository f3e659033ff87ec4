#pragma once
#include <string>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// Whether the path ends in that extension (".onnx"), in capital letters or not.
inline bool has_extension(const std::string& path, const std::string& extension) {
  if (path.size() < extension.size()) return false;
  std::string found = path.substr(path.size() - extension.size());
  for (char& c : found) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return found == extension;
}

}  // namespace detail
OCTET_END
