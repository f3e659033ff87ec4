#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

/// A small network for MNIST and Fashion-MNIST: 3x3 convolution, ReLU, max pooling, fully connected layer. It has
/// 20,410 parameters with the default options.
struct SmallCnnOptions {
  std::int64_t filters = 12, image_size = 28, channels = 1, classes = 10;
  std::uint64_t seed = 1;
};

Model small_cnn(const SmallCnnOptions& o = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "small_cnn.inl"
#endif
