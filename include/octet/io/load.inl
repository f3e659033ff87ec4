#pragma once
#include "load.hpp"
#if !OCTET_EXCEPTIONS || __has_include(<protozero/pbf_reader.hpp>)  // without exceptions, octet reads it itself
#  include "onnx/onnx.hpp"
#endif
#if __has_include(<flatbuffers/flatbuffers.h>)
#  include "tflite/tflite.hpp"
#endif

OCTET_BEGIN

OCTET_API Model load(const std::string& path, const LoadOptions& options) {
  const auto ends_with = [&](const std::string& ending) {
    return path.size() >= ending.size() && path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
  };
  if (ends_with(".octet")) return load_octet(path, options);
  if (ends_with(".onnx")) {
#if !OCTET_EXCEPTIONS || __has_include(<protozero/pbf_reader.hpp>)
    return load_onnx(path, options);
#else
    detail::fail<FormatError>("'", path, "': reading ONNX needs the library protozero when the program is compiled");
#endif
  }
  if (ends_with(".tflite")) {
#if __has_include(<flatbuffers/flatbuffers.h>)
    return load_tflite(path, options);
#else
    detail::fail<FormatError>("'", path,
                              "': reading TFLite needs the library flatbuffers when the program is compiled");
#endif
  }
  detail::fail<FormatError>("'", path, "' is no model: its name ends in none of .onnx, .tflite, .octet");
}

OCTET_END
