#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

/// ResNet (He et al. 2016). Layers and weights are named as in torchvision.
struct ResNetOptions {
  int depth = 50;    ///< 18, 34, 50 or 101
  bool v1_5 = true;  ///< bottlenecks have their stride in the 3x3 convolution; false: in the first 1x1, as in the paper
  std::int64_t image_size = 224;  ///< height and width
  std::int64_t classes = 1000;    ///< number of outputs
  std::uint64_t seed = 1;         ///< of the random weights
};

/// Input [N, image_size, image_size, 3], output logits [N, classes]. Throws Error for other depths.
Model resnet(const ResNetOptions& o = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "resnet.inl"
#endif
