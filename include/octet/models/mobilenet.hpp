#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

/// Options of MobileNetV1 and V2.
struct MobileNetOptions {
  double width = 1.0;             ///< multiplies the channels of every layer
  std::int64_t image_size = 224;  ///< height and width
  std::int64_t channels = 3;      ///< of the image
  std::int64_t classes = 1000;    ///< number of outputs
  std::int64_t first_stride = 2;  ///< of the first convolution; 1 for small images
  std::uint64_t seed = 1;         ///< of the random weights
};

/// MobileNetV1 (Howard et al. 2017): alternating depthwise and pointwise convolutions with ReLU6.
Model mobilenet_v1(const MobileNetOptions& o = {});

/// MobileNetV2 (Sandler et al. 2018): inverted residuals with linear bottlenecks. Layers and weights are named as
/// in torchvision.
Model mobilenet_v2(const MobileNetOptions& o = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "mobilenet.inl"
#endif
