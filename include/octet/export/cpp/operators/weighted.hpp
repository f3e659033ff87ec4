#pragma once
#include "../../../operators/convolution/common.hpp"
#include "../../../operators/convolution/convolution.hpp"
#include "../../../operators/fully_connected.hpp"
#include "../../../operators/weighted_layer.hpp"
#include "cmsis_nn.hpp"

/// Layers with weights.
OCTET_BEGIN
namespace detail::cpp {

/// The array of weights, int8 where they fit. `type`: set to their type.
inline std::string weight_array(NodeExport& n, const IntegerWeights& w, std::string& type) {
  type = w.repeat == 1 ? "std::int8_t" : "std::int16_t";
  if (w.repeat == 1) return n.array("weights", w.values);
  std::vector<std::int16_t> sums;
  for (std::int64_t o = 0; o < w.out; ++o)
    for (std::int64_t i = 0; i < w.k; ++i) {
      int sum = 0;
      for (std::int64_t r = 0; r < w.repeat; ++r)
        sum += w.values[static_cast<std::size_t>((o * w.repeat + r) * w.k + i)];
      sums.push_back(static_cast<std::int16_t>(sum));
    }
  return n.array("weights", sums);
}

/// The factors of TFLite's rounding.
inline std::string fixed_array(NodeExport& n, const IntegerWeights& w, const std::string& type) {
  const auto scale = static_cast<double>(n.output().quant.scale[0]);
  std::vector<std::string> factors;
  for (const double s : w.scale) factors.push_back(fixed_literal(FixedPointMultiplier(s / scale)));
  return n.array("scale", type, factors, 8 * factors.size());
}

/// The object that stores the sums of a layer, as the executor's requantizer says.
inline std::string store_text(NodeExport& n, const IntegerWeights& w, const ActivationRange& range, int residual,
                              bool plain) {
  const PrepareContext c = n.context();
  const Requantizer requantizer(c, w, range, residual, plain);
  const Epilogue e = requantizer.kernel_epilogue(nullptr, nullptr);
  const bool added = residual >= 0 && n.has(residual);
  const auto numbers = [&](const float* p) { return std::vector<float>(p, p + w.out); };
  if (e.store == Store::scaled_f32) {
    n.require(!added, "C++ source has no form of an added float tensor");
    n.use("ScaledToFloat");
    return "ScaledToFloat{" +
           listed({n.out(), n.array("scale", numbers(e.scale)), n.array("bias_f32", numbers(e.shift)),
                   literal(e.low_f32), literal(e.high_f32)}) +
           "}";
  }
  n.require_codes(n.out_id());
  const std::string codes = n.codes(e.low, e.high);
  const Rounding rounding = c.rounding(plain);
  if (rounding != Rounding::fp32) {
    const std::string type = fixed_type(n, rounding), scales = fixed_array(n, w, type);
    const std::string store = added ? "FixedScaledWithResidual" : "FixedScaled";
    n.use(store);
    if (!added) return store + "<" + type + ">{" + listed({n.out(), scales, codes}) + "}";
    n.require_codes(n.id(residual));
    n.can_overwrite(residual);
    const double ratio =
        static_cast<double>(n.input(residual).quant.scale[0]) / static_cast<double>(n.output().quant.scale[0]);
    return store + "<" + type + ">{" +
           listed({n.out(), scales, codes, n.in(residual), fixed_literal(FixedPointMultiplier(ratio)),
                   literal(n.stored().zero(n.id(residual)))}) +
           "}";
  }
  const std::string scale = n.array("scale", numbers(e.scale));
  if (e.store == Store::u8_shifted) {
    n.use("ScaledWithBias");
    return "ScaledWithBias{" + listed({n.out(), scale, n.array("bias_f32", numbers(e.shift)), codes}) + "}";
  }
  if (added) {
    n.require_codes(n.id(residual));
    n.use("ScaledWithResidual");
    n.can_overwrite(residual);
    return "ScaledWithResidual{" +
           listed({n.out(), scale, codes, n.in(residual), literal(e.residual_scale),
                   literal(n.stored().zero(n.id(residual)))}) +
           "}";
  }
  n.use("Scaled");
  return "Scaled{" + listed({n.out(), scale, codes}) + "}";
}

/// `s`: the sizes; `fully_connected`: as a convolution of 1x1; `plain`: weights of a kind that LiteRT rounds once.
inline void export_weighted(NodeExport& n, const ConvolutionShape& s, const ActivationRange& range, int residual,
                            bool fully_connected, bool one_scale_in_float, bool plain) {
  const IntegerWeights w(n.context(), one_scale_in_float);
  if (cmsis_weighted(n, w, s, range, residual, fully_connected)) return;
  const bool depthwise = s.groups > 1 && s.groups == s.in_c;
  const std::int32_t zero = n.stored().zero(n.id(0));
  const std::vector<std::int32_t> bias = bias_plus(w, w.input_zero_point - (depthwise ? 0 : zero));
  std::string type;
  const std::string weights = weight_array(n, w, type);
  std::vector<std::string> members;
  for (std::int64_t x : {s.in_h, s.in_w, s.in_c, s.out_h, s.out_w, s.out_c, s.kernel_h, s.kernel_w, s.stride_h,
                         s.stride_w, s.dilation_h, s.dilation_w, s.pad_top, s.pad_left, s.groups})
    members.push_back(literal(x));
  members.insert(members.end(), {literal(zero), weights, n.array("bias", bias)});
  const std::string shape = n.structure("Convolution<" + type + ">", members);
  const std::string kernel = depthwise ? "depthwise_convolution" : "convolution";
  n.use(kernel);
  n.call(kernel + "(" + listed({shape, n.in(), store_text(n, w, range, residual, plain)}) + ")");
}

inline void require_integer(NodeExport& n) {
  n.require_codes(n.id(0));
  n.require(
      weighted_form(n.context(), "inputs") == WeightedForm::integer && n.input(LayerInputs::weights).is_constant(),
      "C++ source is for layers with integer weights: quantize the model to int8");
}

inline void export_convolution(NodeExport& n) {
  const auto& op = static_cast<const octet::Convolution&>(n.op());
  require_integer(n);
  n.require_one_image(n.id(0));
  const bool as_int8 = is_signed(n.input(LayerInputs::weights).dtype);
  export_weighted(n, convolution_shape(op.window, op.groups, n.input(0).shape, n.output().shape), op.activation,
                  ConvolutionInputs::residual, false, !as_int8, as_int8 && op.groups == 1 && !op.as_depthwise);
}

inline void export_fully_connected(NodeExport& n) {
  const auto& op = static_cast<const FullyConnected&>(n.op());
  require_integer(n);
  const Shape& x = n.input(0).shape;
  ConvolutionShape s;  // a convolution of 1 x 1 over rows
  s.in_c = x.back();
  s.out_c = n.output().shape.back();
  s.in_h = s.out_h = x.product(0, x.rank() - 1);
  s.in_w = s.out_w = s.kernel_h = s.kernel_w = s.stride_h = s.stride_w = s.dilation_h = s.dilation_w = s.groups = 1;
  s.pad_top = s.pad_left = 0;
  export_weighted(n, s, op.activation, -1, true, true, is_signed(n.input(LayerInputs::weights).dtype));
}

}  // namespace detail::cpp
OCTET_END
