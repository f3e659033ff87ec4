#pragma once
#include <octet/graph/graph.hpp>
#include <string>
#include <vector>

/// A layer to measure, as a model.
struct LayerCase {
  std::string name;  // network/layer
  octet::Model (*make)(const LayerCase&);
  // The input is an image [size, size, in], or a matrix [size, in] for products.
  std::int64_t size, in, out, kernel = 1, stride = 1, groups = 1;
  bool all_precisions = false;  // also dynamic, fp16 and bf16, not only int8 and fp32
};

/// The distinct layers of ResNet-50 and 18, VGG-16, MobileNetV1 and V2, each under the first network that has it, and
/// matrix products of common sizes.
std::vector<LayerCase> layer_cases();

/// Whether Winograd's algorithm is faster than the direct one. `bytes`: with int8 weights, else float.
bool has_winograd(const LayerCase& c, bool bytes);
