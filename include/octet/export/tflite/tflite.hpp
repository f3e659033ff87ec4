#pragma once
#include "../../graph/graph.hpp"
#include "../../model_file/save_options.hpp"

OCTET_BEGIN

/// Writes a model to a .tflite file, which is replaced atomically. The model is optimized first. Integer models have
/// int8 activations. Throws FormatError, naming the layer, where TensorFlow Lite has no form of it; then no file is
/// written.
void save_tflite(const Model& model, const std::string& path, const SaveOptions& options = {});

/// The bytes of that file.
std::string write_tflite(const Model& model, const SaveOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "tflite.inl"
#endif
