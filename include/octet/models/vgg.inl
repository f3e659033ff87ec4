#pragma once

#include "builder.hpp"
#include "vgg.hpp"

OCTET_BEGIN

OCTET_API Model vgg(const VggOptions& o) {
  std::vector<int> convs;
  switch (o.depth) {
    case 11: convs = {1, 1, 2, 2, 2}; break;
    case 13: convs = {2, 2, 2, 2, 2}; break;
    case 16: convs = {2, 2, 3, 3, 3}; break;
    case 19: convs = {2, 2, 4, 4, 4}; break;
    default: detail::fail("VGG: expected a depth of 11, 13, 16 or 19, found ", o.depth);
  }
  detail::NetworkBuilder b("vgg" + std::to_string(o.depth) + (o.batch_norm ? "_bn" : ""), o.image_size, o.channels,
                           o.seed);
  int index = 0;
  const auto next = [&](int step) {
    const std::string name = "features." + std::to_string(index);
    index += step;
    return name;
  };
  for (std::size_t stage = 0; stage < convs.size(); ++stage) {
    for (int i = 0; i < convs[stage]; ++i) {
      b.conv(next(1), std::min<std::int64_t>(512, std::int64_t{64} << stage), 3, 1, 1, 1, true);
      if (o.batch_norm) b.batch_norm(next(1));
      b.relu(next(1));
    }
    if (std::min(b.height(), b.width()) > 1) b.max_pool(next(1), 2, 2);
  }
  b.flatten("flatten");
  if (o.hidden > 0)
    b.linear("classifier.0", o.hidden).relu("classifier.1").linear("classifier.3", o.hidden).relu("classifier.4");
  b.linear("classifier.6", o.classes);
  return b.finish();
}

OCTET_END
