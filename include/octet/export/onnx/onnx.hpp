#pragma once
#include "../../graph/graph.hpp"
#include "../../model_file/save_options.hpp"

OCTET_BEGIN

/// Writes a model to an .onnx file, which is replaced atomically. Images are [N, C, spatial ...] in the file. Integer
/// models are written with QuantizeLinear and DequantizeLinear around float operators. Throws FormatError, naming the
/// layer, where ONNX has no form of it; then no file is written.
void save_onnx(const Model& model, const std::string& path, const SaveOptions& options = {});

/// The bytes of that file, for models with less than 2 GB of constants.
std::string write_onnx(const Model& model, const SaveOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "onnx.inl"
#endif
