#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// Random changes to images [H, W, C], different in every epoch.
struct Augmentation {
  bool flip = false;       ///< horizontally, with probability 1/2
  std::int64_t shift = 0;  ///< by up to this number of pixels in each direction
  float fill = 0;          ///< value of pixels from outside the image
};

OCTET_END
