#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// How the range of real numbers that the integers represent is chosen.
enum class RangeMethod : std::uint8_t {
  min_max,         ///< from the smallest to the largest value
  moving_average,  ///< means over the images of the smallest and the largest value (activations only)
  percentile,      ///< cuts off the outermost values
  entropy,         ///< least Kullback-Leibler divergence (Migacz 2017)
  mse,             ///< least squared error of rounding and clipping
  last = mse
};

OCTET_END
