#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// How the range of real numbers that integers stand for is chosen.
enum class RangeMethod : std::uint8_t {
  min_max,         // everything that was seen
  moving_average,  // mean of the smallest and of the largest value of each sample (activations)
  percentile,      // cuts off the rarest values
  entropy,         // least information lost (Kullback-Leibler; Migacz 2017)
  mse,             // least squared error of rounding and clipping together
  last = mse
};

OCTET_END
