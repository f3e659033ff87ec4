#pragma once

#include "builder.hpp"
#include "small_cnn.hpp"

OCTET_BEGIN

OCTET_API Model small_cnn(const SmallCnnOptions& o) {
  detail::NetworkBuilder b("small_cnn", o.image_size, o.channels, o.seed);
  b.conv("conv", o.filters, 3, 1, 0, 1, true)
      .relu("relu")
      .max_pool("pool", 2, 2)
      .flatten("flatten")
      .linear("dense", o.classes);
  return b.finish();
}

OCTET_END
