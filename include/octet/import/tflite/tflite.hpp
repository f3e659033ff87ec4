#pragma once
#include "../../graph/graph.hpp"
#include "../../model_file/load_options.hpp"

/// Import of TFLite models. Requires FlatBuffers.
OCTET_BEGIN

/// Parses the bytes of a TFLite file: float, int8 (per-channel), uint8, dynamic-range and 16-bit float models. Errors
/// call it source_name. Tensors keep their names. A batch size declared as 1 becomes unknown. Throws FormatError,
/// naming the operator, if the file is damaged or not supported.
///
/// Integer and dynamic-range models give the same numbers as LiteRT with Rounding::xnnpack, integer ones as its own
/// kernels with Rounding::litert. The default rounding is faster, and close to both.
Model parse_tflite(View<const std::uint8_t> bytes, const std::string& source_name, const LoadOptions& options = {});

/// Reads a TFLite file. Constants whose layout octet can use stay in the memory-mapped file.
Model load_tflite(const std::string& path, const LoadOptions& options = {});

namespace detail {
struct SharedBytes;
/// Parses the bytes of a TFLite file, which the model keeps.
Model load_tflite_bytes(const SharedBytes& bytes, const std::string& source_name, const LoadOptions& options);
}  // namespace detail

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "tflite.inl"
#endif
