#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// What convolutions may spend memory on to be faster.
enum class WeightMemory : std::uint8_t {
  fast,      // transformed weights of 3x3 layers are kept: 8 times as large as int8 weights, 4 times as float ones
  balanced,  // ... where the image is small; elsewhere they are made anew in every run, which takes 1 to 4 % of it
  small      // only the weights themselves
};

OCTET_END
