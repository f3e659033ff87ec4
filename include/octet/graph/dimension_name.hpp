#pragma once
#include <map>
#include <string>

#include "../core/config.hpp"

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

OCTET_END
