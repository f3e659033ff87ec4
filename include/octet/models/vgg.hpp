#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

/// VGG (Simonyan and Zisserman 2015). Layers and weights are named as in torchvision. Features are flattened in the
/// order height, width, channel. Pooling layers that would reduce small images below one pixel are omitted.
struct VggOptions {
  int depth = 16;  // 11, 13, 16 or 19
  bool batch_norm = false;
  std::int64_t image_size = 224, channels = 3, classes = 1000;
  std::int64_t hidden = 4096;  // outputs of the two layers before the last; 0: no such layers
  std::uint64_t seed = 1;
};

Model vgg(const VggOptions& o = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "vgg.inl"
#endif
