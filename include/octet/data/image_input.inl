#pragma once
#include <cmath>

#include "../core/parallel_checked.hpp"
#include "image_input.hpp"

OCTET_BEGIN

OCTET_API std::vector<Tensor<float>> ImageInput::load(const Dataset& images, std::int64_t from, std::int64_t to,
                                                      const Preprocessing& p, ThreadPool& pool) const {
  std::vector<Tensor<float>> inputs(static_cast<std::size_t>(to - from));
  detail::parallel_checked(pool, to - from, [&](std::int64_t i, int) {
    Tensor<float>& x = inputs[static_cast<std::size_t>(i)];
    x = prepare(images.image(from + i), p);
    for (float v : x)
      detail::require<FormatError>(std::isfinite(v), "'", images.name(from + i),
                                   "': the input of the model has NaN or infinite elements");
  });
  return inputs;
}

OCTET_END
