#pragma once
#include <cstdint>

#include "config.hpp"

OCTET_BEGIN

/// How much memory convolutions may use to be faster.
enum class WeightMemory : std::uint8_t {
  fast,      ///< keeps Winograd-transformed weights of 3x3 layers: 8 times the size of int8 weights, 4 times of float
  balanced,  ///< keeps them where the image is small; else transforms weights in every run (1 to 4 % of its time)
  small      ///< only the weights themselves
};

OCTET_END
