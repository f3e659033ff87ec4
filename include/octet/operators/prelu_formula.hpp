#pragma once
#include "../core/element.hpp"
#include "../core/integer_format.hpp"
#include "../graph/step.hpp"
#include "../kernels/requantize.hpp"
#include "activation_codes.hpp"
#include "arithmetic/broadcast.hpp"
#include "prelu.hpp"

OCTET_BEGIN
namespace detail {

/// The numbers of a PRelu of codes: (q - zero_in) times `positive`, or times the element of `negative` where it is
/// below zero, rounded, plus zero_out.
struct PReluFormula {
  explicit PReluFormula(const PrepareContext& c) {
    const Value &x = c.input(0), &slope = c.input(PRelu::slopes), &y = c.output();
    for (const Value* v : {&x, &y}) params_of(int8_format, c, *v);
    const double ratio = static_cast<double>(x.quant.scale[0]) / static_cast<double>(y.quant.scale[0]);
    zero_in = x.quant.zero_point[0];
    zero_out = y.quant.zero_point[0];
    positive = c.multiplier(ratio);
    if (slope.is_quantized()) c.validate(slope);
    const ChannelWalk walk(c.constant(PRelu::slopes).shape(), slope.quant.axis);
    for (std::int64_t i = 0; i < c.constant(PRelu::slopes).size(); ++i) {
      double s = load_element(slope.dtype, c.constant(PRelu::slopes).data(), i);
      if (slope.is_quantized()) {
        const auto channel = walk.channel_of(i);
        s -= slope.quant.zero_point[channel];
        integers.push_back(saturate_to<std::int32_t>(s));
        s *= static_cast<double>(slope.quant.scale[channel]);
      }
      negative.push_back(static_cast<float>(s * ratio));
    }
    // TFLite's roundings are defined only for integer slopes with one scale.
    if (slope.has_one_scale() && is_byte(slope.dtype)) {
      rounding = c.own_rounding();
      const float sx = x.quant.scale[0], sy = y.quant.scale[0];
      fixed_positive = FixedPointMultiplier(static_cast<double>(sx / sy));
      fixed_negative = FixedPointMultiplier(static_cast<double>(tflite_ratio(sx, slope.quant.scale[0], sy)));
    }
  }

  Rounding rounding = Rounding::fp32;
  std::int32_t zero_in = 0, zero_out = 0;
  float positive = 1;
  std::vector<float> negative;         // by slope
  std::vector<std::int32_t> integers;  // slopes, if they are quantized
  FixedPointMultiplier fixed_positive, fixed_negative;
};

}  // namespace detail
OCTET_END
