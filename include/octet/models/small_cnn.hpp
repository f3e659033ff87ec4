#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

/// A small network for MNIST and Fashion-MNIST: 3x3 convolution, ReLU, max pooling, fully connected layer. It has
/// 20,410 parameters with the default options.
struct SmallCnnOptions {
  std::int64_t filters = 12;     ///< channels of the convolution
  std::int64_t image_size = 28;  ///< height and width
  std::int64_t channels = 1;     ///< of the image
  std::int64_t classes = 10;     ///< number of outputs
  std::uint64_t seed = 1;        ///< of the random weights
};

/// Input [N, image_size, image_size, channels], output logits [N, classes].
Model small_cnn(const SmallCnnOptions& o = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "small_cnn.inl"
#endif
