#pragma once
#include "../../graph/graph.hpp"
#include "../../model_file/load_options.hpp"

/// Import of ONNX models. Requires protozero.
OCTET_BEGIN

/// Parses the bytes of an ONNX file (operator sets 7 to 25). Errors call it source_name. Tensors keep their names.
/// Images are [N, spatial ..., C] unless options.keep_layout is set. Throws FormatError, naming the node, if the file
/// is damaged or not supported.
Model parse_onnx(View<const std::uint8_t> bytes, const std::string& source_name, const LoadOptions& options = {});

/// Reads an ONNX file. Files with external data, which have to be in its folder, are mapped into memory: they must not
/// be modified in place while the model exists.
Model load_onnx(const std::string& path, const LoadOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "onnx.inl"
#endif
