#pragma once
#include "../model_file/load_options.hpp"
#include "../model_file/model_file.hpp"

OCTET_BEGIN

/// Reads a model from an .onnx (requires protozero), .tflite (requires flatbuffers) or .octet file, by its extension.
/// Throws FormatError, naming the file and the layer or tensor, if it is damaged or not supported.
Model load(const std::string& path, const LoadOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "load.inl"
#endif
