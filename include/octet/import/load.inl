#pragma once
#include "load.hpp"
#if !OCTET_EXCEPTIONS || __has_include(<protozero/pbf_reader.hpp>)  // without exceptions, octet has its own reader
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
    detail::fail<FormatError>("'", path, "': reading ONNX requires the library protozero at compile time");
#endif
  }
  if (ends_with(".tflite")) {
#if __has_include(<flatbuffers/flatbuffers.h>)
    return load_tflite(path, options);
#else
    detail::fail<FormatError>("'", path, "': reading TFLite requires the library flatbuffers at compile time");
#endif
  }
  detail::fail<FormatError>("'", path, "' is not a model: expected a name that ends in .onnx, .tflite or .octet");
}

OCTET_END
