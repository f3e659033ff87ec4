#pragma once

#include "builder.hpp"
#include "resnet.hpp"

OCTET_BEGIN

OCTET_API Model resnet(const ResNetOptions& o) {
  std::vector<int> blocks;
  switch (o.depth) {
    case 18: blocks = {2, 2, 2, 2}; break;
    case 34:
    case 50: blocks = {3, 4, 6, 3}; break;
    case 101: blocks = {3, 4, 23, 3}; break;
    default: detail::fail("ResNet: expected a depth of 18, 34, 50 or 101, found ", o.depth);
  }
  const bool bottleneck = o.depth >= 50;
  detail::NetworkBuilder b("resnet" + std::to_string(o.depth), o.image_size, 3, o.seed);
  b.conv("conv1", 64, 7, 2, 3).batch_norm("bn1").relu("relu").max_pool("maxpool", 3, 2, 1);
  for (std::size_t stage = 0; stage < 4; ++stage) {
    const std::int64_t width = std::int64_t{64} << stage, out = bottleneck ? 4 * width : width;
    for (int i = 0; i < blocks[stage]; ++i) {
      const std::string p = "layer" + std::to_string(stage + 1) + "." + std::to_string(i) + ".";
      const std::int64_t stride = stage > 0 && i == 0 ? 2 : 1;
      const int in = b.current();
      const std::int64_t in_channels = b.channels();
      if (bottleneck) {
        b.conv(p + "conv1", width, 1, o.v1_5 ? 1 : stride, 0).batch_norm(p + "bn1").relu(p + "relu1");
        b.conv(p + "conv2", width, 3, o.v1_5 ? stride : 1, 1).batch_norm(p + "bn2").relu(p + "relu2");
        b.conv(p + "conv3", out, 1, 1, 0).batch_norm(p + "bn3");
      } else {
        b.conv(p + "conv1", width, 3, stride, 1).batch_norm(p + "bn1").relu(p + "relu1");
        b.conv(p + "conv2", width, 3, 1, 1).batch_norm(p + "bn2");
      }
      int shortcut = in;
      if (stride != 1 || in_channels != out) {
        const int branch = b.current();
        b.set_current(in);
        b.conv(p + "downsample.0", out, 1, stride, 0).batch_norm(p + "downsample.1");
        shortcut = b.current();
        b.set_current(branch);
      }
      b.add(p + "add", shortcut).relu(p + "relu");
    }
  }
  b.global_average("avgpool").linear("fc", o.classes);
  return b.finish();
}

OCTET_END
