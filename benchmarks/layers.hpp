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
};

std::vector<LayerCase> layer_cases();
