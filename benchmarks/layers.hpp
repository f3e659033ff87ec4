#pragma once
#include <octet/graph/graph.hpp>
#include <string>
#include <vector>

/// Layers to time, each a model of its own.
struct LayerCase {
  std::string name;  // network/layer
  octet::Model (*make)(const LayerCase&);
  // Of an image size x size x in; for products, a matrix size x in.
  std::int64_t size, in, out, kernel = 1, stride = 1, groups = 1;
  bool all_precisions = false;  // dynamic, fp16 and bf16 besides int8 and fp32
};

/// The different layers of ResNet-50 and 18, VGG-16, MobileNetV1 and V2, each with the first network that has it, and
/// products of usual sizes.
std::vector<LayerCase> layer_cases();

/// Whether Winograd's algorithm is faster than the direct form; bytes: with int8 weights, otherwise with floats.
bool has_winograd(const LayerCase& c, bool bytes);
