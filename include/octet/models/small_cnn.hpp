#pragma once
#include "builder.hpp"

OCTET_BEGIN

/// The small network for MNIST, Fashion-MNIST and the like: one convolution 3x3, ReLU, max pooling, one dense
/// layer. With the defaults and 28 x 28 gray images it has 20,410 parameters.
struct SmallCnnOptions {
  std::int64_t filters = 12, image_size = 28, channels = 1, classes = 10;
  std::uint64_t seed = 1;
};

inline Model small_cnn(const SmallCnnOptions& o = {}) {
  detail::NetworkBuilder b("small_cnn", o.image_size, o.channels, o.seed);
  b.conv("conv", o.filters, 3, 1, 0, 1, true)
      .relu("relu")
      .max_pool("pool", 2, 2)
      .flatten("flatten")
      .linear("dense", o.classes);
  return b.finish();
}

OCTET_END
