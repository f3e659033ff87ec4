#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

/// The small network for MNIST, Fashion-MNIST and the like: one convolution 3x3, ReLU, max pooling, one dense
/// layer. With the defaults and 28 x 28 gray images it has 20,410 parameters.
struct SmallCnnOptions {
  std::int64_t filters = 12, image_size = 28, channels = 1, classes = 10;
  std::uint64_t seed = 1;
};

Model small_cnn(const SmallCnnOptions& o = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "small_cnn.inl"
#endif
