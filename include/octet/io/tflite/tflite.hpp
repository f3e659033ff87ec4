#pragma once
#include "../../graph/graph.hpp"
#include "../load_options.hpp"

/// TFLite models. Needs FlatBuffers.
OCTET_BEGIN

/// The model in the bytes of a TFLite file. Errors call it source_name. Tensors keep their names; a batch
/// that the file declares as 1 may have any size. Float, int8 (per channel), uint8, dynamic-range and 16-bit
/// float models. Throws FormatError for what is damaged or not supported.
///
/// With Rounding::tflite_double, uint8 models give the bytes of TFLite's own kernels. Of int8, LiteRT rounds plain
/// convolutions and fully connected layers once (tflite_single), depthwise and grouped convolutions and everything else
/// twice; the default is close to its XNNPACK path.
Model parse_tflite(View<const std::uint8_t> bytes, const std::string& source_name, const LoadOptions& options = {});

/// Reads a TFLite file. Constants stay in the file, which is mapped, where their layout is octet's.
Model load_tflite(const std::string& path, const LoadOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "tflite.inl"
#endif
