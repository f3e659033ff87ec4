#pragma once
#include <string>
#include <vector>

#include "../../core/config.hpp"

OCTET_BEGIN

/// Options of prepare_qat.
struct QatConfig {
  int weight_bits = 8;        ///< 8 or 4
  int activation_bits = 8;    ///< 8 or 4
  double range_decay = 0.99;  ///< of the moving averages of the smallest and largest activations
  /// Scales of weights and activations are learned instead of observed. They begin with the least squared error: those
  /// of weights here, those of activations in the first batch of training.
  bool learned_scales = false;
  bool learned_zero_points = true;      ///< with learned scales: of activations, too (LSQ+); false: fixed (LSQ)
  std::vector<std::string> layers;      ///< names of the layers to quantize; * matches any text; empty: all
  std::vector<std::string> keep_float;  ///< names of layers that stay float
  bool keep_first_float = false;        ///< the first layer with weights stays float
  bool keep_last_float = false;         ///< the last layer with weights stays float
};

OCTET_END
