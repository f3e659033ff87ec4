#pragma once
#include "../model_file/model_file.hpp"
#include "save.hpp"
#include "writers.hpp"

OCTET_BEGIN
namespace detail {

/// Whether the path ends in that extension, in capital letters or not.
inline bool has_extension(const std::string& path, const std::string& extension) {
  if (path.size() < extension.size()) return false;
  std::string found = path.substr(path.size() - extension.size());
  for (char& c : found) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return found == extension;
}

}  // namespace detail

OCTET_API void save(const Model& model, const std::string& path, const SaveOptions& options) {
  detail::Writer write = save_octet;
  if (detail::has_extension(path, ".onnx")) write = detail::writers.onnx;
  if (detail::has_extension(path, ".tflite")) write = detail::writers.tflite;
  detail::require<FormatError>(write != nullptr, "'", path, "': ", detail::missing_writer);
  write(model, path, options);
}

OCTET_END
