#pragma once
#include <cmath>

#include "quant_params.hpp"

OCTET_BEGIN

OCTET_API void validate(const QuantParams& p, const Shape& shape, DType dtype, const std::string& where) {
  using detail::require;
  require(!p.scale.empty() && p.scale.size() == p.zero_point.size(), where, "expected one zero point for each of ",
          p.scale.size(), " scales, found ", p.zero_point.size());
  if (p.per_channel()) {
    require(p.axis < shape.rank(), where, "quantization axis ", p.axis, " is outside shape ", shape);
    require(shape[p.axis] == p.channels(), where, "quantization has ", p.channels(), " scales for ", shape[p.axis],
            " channels along axis ", p.axis, " of shape ", shape);
  } else {
    require(p.channels() == 1, where, "quantization has ", p.channels(), " scales but no axis");
  }
  const IntegerRange range = integer_range(dtype);
  for (std::size_t i = 0; i < p.scale.size(); ++i) {
    require(std::isfinite(p.scale[i]) && p.scale[i] > 0, where, "scale ", p.scale[i], " of channel ", i,
            ", expected a positive finite number");
    require(p.zero_point[i] >= range.low && p.zero_point[i] <= range.high, where, "zero point ", p.zero_point[i],
            " of channel ", i, " is outside the range of ", name(dtype));
  }
}

OCTET_END
