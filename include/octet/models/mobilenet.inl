#pragma once

#include "builder.hpp"
#include "mobilenet.hpp"

OCTET_BEGIN

namespace detail {

/// Rounds to the nearest multiple of 8, but not down by more than 10 %.
inline std::int64_t divisible_channels(double channels) {
  const auto rounded = std::max<std::int64_t>(8, static_cast<std::int64_t>(channels + 4) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * channels ? rounded + 8 : rounded;
}

}  // namespace detail

OCTET_API Model mobilenet_v1(const MobileNetOptions& o) {
  detail::NetworkBuilder b("mobilenet_v1", o.image_size, o.channels, o.seed);
  const auto channels = [&](std::int64_t c) { return detail::divisible_channels(static_cast<double>(c) * o.width); };
  b.conv("conv0", channels(32), 3, o.first_stride, 1).batch_norm("bn0").relu6("relu0");
  constexpr std::array<std::array<std::int64_t, 2>, 13> layers{{{64, 1},
                                                                {128, 2},
                                                                {128, 1},
                                                                {256, 2},
                                                                {256, 1},
                                                                {512, 2},
                                                                {512, 1},
                                                                {512, 1},
                                                                {512, 1},
                                                                {512, 1},
                                                                {512, 1},
                                                                {1024, 2},
                                                                {1024, 1}}};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string p = "layers." + std::to_string(i) + ".";
    b.conv(p + "depthwise", b.channels(), 3, layers[i][1], 1, b.channels()).batch_norm(p + "bn1").relu6(p + "relu1");
    b.conv(p + "pointwise", channels(layers[i][0]), 1, 1, 0).batch_norm(p + "bn2").relu6(p + "relu2");
  }
  b.global_average("avgpool").linear("fc", o.classes);
  return b.finish();
}

OCTET_API Model mobilenet_v2(const MobileNetOptions& o) {
  detail::NetworkBuilder b("mobilenet_v2", o.image_size, o.channels, o.seed);
  const auto channels = [&](std::int64_t c) { return detail::divisible_channels(static_cast<double>(c) * o.width); };
  const auto conv = [&](const std::string& name, std::int64_t out, std::int64_t k, std::int64_t stride,
                        std::int64_t groups) {
    b.conv(name + ".0", out, k, stride, k / 2, groups).batch_norm(name + ".1").relu6(name + ".2");
  };
  conv("features.0", channels(32), 3, o.first_stride, 1);
  struct Stage {
    std::int64_t expand, channels, repeats, stride;
  };
  constexpr Stage stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                              {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  int index = 1;
  for (const Stage& s : stages)
    for (std::int64_t i = 0; i < s.repeats; ++i, ++index) {
      const std::string p = "features." + std::to_string(index) + ".conv.";
      const int in = b.current();
      const std::int64_t in_channels = b.channels(), hidden = in_channels * s.expand, out = channels(s.channels);
      const std::int64_t stride = i == 0 ? s.stride : 1;
      int part = 0;
      if (s.expand != 1) conv(p + std::to_string(part++), hidden, 1, 1, 1);
      conv(p + std::to_string(part++), hidden, 3, stride, hidden);
      b.conv(p + std::to_string(part), out, 1, 1, 0).batch_norm(p + std::to_string(part + 1));
      if (stride == 1 && in_channels == out) b.add("features." + std::to_string(index) + ".add", in);
    }
  conv("features.18", o.width > 1 ? channels(1280) : 1280, 1, 1, 1);
  b.global_average("avgpool").linear("classifier.1", o.classes);
  return b.finish();
}

OCTET_END
