#pragma once
#include "../model_file/model_file.hpp"
#include "onnx/onnx.hpp"
#include "save.hpp"
#if __has_include(<flatbuffers/flatbuffers.h>)
#  include "tflite/tflite.hpp"
#endif

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
  if (detail::has_extension(path, ".onnx")) return save_onnx(model, path, options);
  if (detail::has_extension(path, ".tflite")) {
#if __has_include(<flatbuffers/flatbuffers.h>)
    return save_tflite(model, path, options);
#else
    detail::fail<FormatError>("'", path, "': writing TFLite requires the library flatbuffers at compile time");
#endif
  }
  save_octet(model, path, options);
}

OCTET_END
