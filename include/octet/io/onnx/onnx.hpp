#pragma once
#include "../../graph/graph.hpp"
#include "../load_options.hpp"

/// ONNX models. Needs protozero.
OCTET_BEGIN

/// The model in the bytes of an ONNX file (operator sets 7 to 25). Errors call it source_name. Tensors keep their
/// names. Images come in as [N, spatial ..., C] unless options say otherwise. Throws FormatError for what is damaged
/// or not supported.
Model parse_onnx(View<const std::uint8_t> bytes, const std::string& source_name, const LoadOptions& options = {});

/// Reads an ONNX file, and the files beside it that hold its tensors, if it has such.
Model load_onnx(const std::string& path, const LoadOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "onnx.inl"
#endif
