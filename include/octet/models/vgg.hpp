#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

/// VGG (Simonyan and Zisserman 2015). Layers and weights are named as in torchvision. Features are flattened in the
/// order height, width, channel. Pooling layers that would reduce small images below one pixel are omitted.
struct VggOptions {
  int depth = 16;                 ///< 11, 13, 16 or 19
  bool batch_norm = false;        ///< after every convolution
  std::int64_t image_size = 224;  ///< height and width
  std::int64_t channels = 3;      ///< of the image
  std::int64_t classes = 1000;    ///< number of outputs
  std::int64_t hidden = 4096;     ///< outputs of the two layers before the last; 0: no such layers
  std::uint64_t seed = 1;         ///< of the random weights
};

/// Input [N, image_size, image_size, channels], output logits [N, classes]. Throws Error for other depths.
Model vgg(const VggOptions& o = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "vgg.inl"
#endif
