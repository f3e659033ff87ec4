#pragma once
#include <map>
#include <string>

#include "../core/config.hpp"

/// Keys of Graph::metadata that contain the name of a tensor.
OCTET_BEGIN

/// The key, in the metadata of a model, of the name that its file gives to dimension d of an input, such as "batch". d
/// counts the dimensions as the model has them. ONNX files have names of open dimensions.
inline std::string dimension_key(const std::string& input, int d) {
  return "dimension " + std::to_string(d) + " of " + input;
}

/// The name in the metadata; empty if there is none.
inline std::string dimension_name(const std::map<std::string, std::string>& metadata, const std::string& input, int d) {
  const auto at = metadata.find(dimension_key(input, d));
  return at == metadata.end() ? std::string() : at->second;
}

/// The key of the layout that an input or output has in the .onnx file of the model: "channels first" for [N, C, ...]
/// where the model has [N, ..., C]; "as in the model" for tensors that were no images in the order of ONNX there, such
/// as [N, H, W, C] in files that transpose it.
inline std::string layout_key(const std::string& tensor) { return "layout in .onnx files of " + tensor; }

/// The beginning of the keys of equalized tensors, before their names. Quantized models have the factors of channels
/// there, encoded, so that reports can compare tensors with those of the float model.
constexpr const char* exponents_key = "exponents of channels: ";

OCTET_END
