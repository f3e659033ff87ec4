#pragma once
#include <string>
#include <vector>

#include "../../core/config.hpp"

OCTET_BEGIN

/// Options of prepare_qat.
struct QatConfig {
  int weight_bits = 8;      ///< 8 or 4; 0: those that each layer has in the integer model that training starts from
  int activation_bits = 8;  ///< 8 or 4
  /// Bits of the first and the last layer with weights: of their weights and inputs, and of the results of the last
  /// one. 8 is published practice with fewer bits (Esser et al. 2020, section 3). 0: as all other layers.
  int first_last_bits = 0;
  double range_decay = 0.99;  ///< of the moving averages of the smallest and largest activations
  /// Scales are learned instead of observed: those of weights, [O], by LSQ (Esser et al. 2020, equation 3), those of
  /// activations, [1], by LSQ+ (Bhalgat et al. 2020, equations 1, 5 and 6). They begin with the least squared error of
  /// rounding and clipping: those of weights in prepare_qat, those of activations in the first batch of training.
  bool learned_scales = false;
  /// With learned scales: the number of the lowest code of activations, [1], is learned as well, and with it the zero
  /// point, round(lowest code - number / scale). False: the zero point is 0, or the lowest code if the first batch has
  /// no negative number (LSQ).
  bool learned_zero_points = true;
  std::vector<std::string> layers;      ///< names of the layers to quantize; * matches any text; empty: all
  std::vector<std::string> keep_float;  ///< names of layers that stay float
  bool keep_first_float = false;        ///< the first layer with weights stays float
  bool keep_last_float = false;         ///< the last layer with weights stays float
};

OCTET_END
