#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// Random changes to images [H, W, C], anew in every epoch.
struct Augmentation {
  bool flip = false;       // left and right, every other image
  std::int64_t shift = 0;  // by at most so many pixels in each direction, as cropping a padded image does
  float fill = 0;          // what comes in from outside
};

OCTET_END
