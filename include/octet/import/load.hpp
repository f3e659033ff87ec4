#pragma once
#include <memory>

#include "../model_file/load_options.hpp"
#include "../model_file/model_file.hpp"

OCTET_BEGIN

/// Reads a model from an .onnx (requires protozero), .tflite (requires flatbuffers) or .octet file, by its extension.
/// Throws FormatError, naming the file and the layer or tensor, if it is damaged or not supported.
Model load(const std::string& path, const LoadOptions& options = {});

/// Reads a model from the bytes of such a file; the format is detected from them. The bytes are copied where the model
/// needs them, so they may be freed afterwards. Tensors of an .onnx model that are in other files are not found. Errors
/// call the model source_name.
Model load(const std::byte* bytes, std::size_t size, const std::string& source_name = "the model",
           const LoadOptions& options = {});

/// The same for bytes that the model may keep: weights of .octet and .tflite models are not copied but refer to them,
/// where they are aligned to 64 bytes, and the pointer is released with the last copy of the model and of its weights.
/// They must not change until then.
Model load(std::shared_ptr<const std::byte> bytes, std::size_t size, const std::string& source_name = "the model",
           const LoadOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "load.inl"
#endif
