#pragma once
#include "../graph/graph.hpp"
#include "../model_file/save_options.hpp"

OCTET_BEGIN

/// Writes a model to a file, which is replaced atomically, in the format that its extension names: .onnx, .tflite
/// (requires flatbuffers), or .octet and all others. Throws FormatError, naming the file and the layer, if the format
/// has no form of it, or if the file cannot be written; then no file is left behind. In header-only use, .onnx and
/// .tflite also require that a file of the program includes octet/io/save.hpp.
void save(const Model& model, const std::string& path, const SaveOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "save.inl"
#endif
