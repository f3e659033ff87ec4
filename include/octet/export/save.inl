#pragma once
#include "../files/extension.hpp"
#include "../model_file/model_file.hpp"
#include "save.hpp"
#include "writers.hpp"

OCTET_BEGIN

OCTET_API void save(const Model& model, const std::string& path, const SaveOptions& options) {
  detail::Writer write = save_octet;
  if (detail::has_extension(path, ".onnx")) write = detail::writers.onnx;
  if (detail::has_extension(path, ".tflite")) write = detail::writers.tflite;
  detail::require<FormatError>(write != nullptr, "'", path, "': ", detail::missing_writer);
  write(model, path, options);
}

OCTET_END
