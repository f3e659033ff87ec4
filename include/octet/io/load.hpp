#pragma once
#include "load_options.hpp"
#include "model_file.hpp"

OCTET_BEGIN

/// Reads a model: .onnx (needs protozero), .tflite (needs flatbuffers) or .octet, told apart by the file's ending.
/// Throws FormatError naming the file and what is wrong with it.
Model load(const std::string& path, const LoadOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "load.inl"
#endif
