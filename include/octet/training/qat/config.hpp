#pragma once
#include <string>
#include <vector>

#include "../../core/config.hpp"

OCTET_BEGIN

/// How prepare_qat quantizes.
struct QatConfig {
  int weight_bits = 8, activation_bits = 8;  // 8 or 4
  double range_decay = 0.99;                 // of the moving averages of activations' smallest and largest elements
  bool learned_scales = false;               // learned step sizes (LSQ) instead of observed ranges
  std::vector<std::string> layers;           // names of the layers to quantize, * for any text; none: all
  std::vector<std::string> keep_float;       // ... and of those that are not
  bool keep_first_float = false, keep_last_float = false;  // of the layers with weights
};

OCTET_END
