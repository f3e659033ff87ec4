#pragma once
#include "../../../operators/arithmetic/binary.hpp"
#include "../../../operators/convolution/common.hpp"
#include "../../../operators/integer_weights.hpp"
#include "../../../operators/pooling/average_pool.hpp"
#include "../node_export.hpp"

/// Layers as calls of CMSIS-NN. Each function returns false, and writes nothing, where CMSIS-NN has no form of the
/// layer with the executor's bits; then the layer is a portable loop. (Softmax always is: arm_softmax_s8 has the bits
/// of TFLite's reference kernel, octet those of the optimized one.)
///
///   Convolution     arm_convolve_wrapper_s8, by channel arm_depthwise_conv_wrapper_s8
///   FullyConnected  arm_fully_connected_s8; with a scale for each channel, arm_convolve_wrapper_s8 over rows
///   Binary          arm_elementwise_add_s8, arm_elementwise_mul_s8
///   MaxPool         arm_max_pool_s8
///   AveragePool     arm_avgpool_s8
OCTET_BEGIN
namespace detail::cpp {

/// Whether it is an int8 program that calls CMSIS-NN.
inline bool calls_cmsis_nn(const NodeExport& n) { return n.cmsis_nn() && n.stored().code() == DType::i8; }

/// Whether no processor's form loses bits of products with this factor. `largest`: of what is multiplied.
inline bool is_safe(double factor, double largest) { return factor * largest < 0x1p29; }

inline std::string dims(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) {
  return braced(std::vector<std::int64_t>{n, h, w, c}, "");
}
inline std::string tile(std::int64_t w, std::int64_t h) { return braced(std::vector<std::int64_t>{w, h}, ""); }

/// "{low, high}" of the output in stored codes.
inline std::string stored_range(const NodeExport& n, const IntegerRange& q) {
  const std::int32_t shift = n.stored().shift(n.out_id());
  return tile(q.low + shift, q.high + shift);
}

/// Whether the middle of the last window is inside of the image: kernels of CMSIS-NN for 1x1 and 3x3 read it unasked.
inline bool ends_inside(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                        std::int64_t dilation, std::int64_t before) {
  return (out - 1) * stride - before + (kernel - 1) / 2 * dilation < in;
}

/// Scratch memory of arm_convolve_wrapper_s8 is 4 columns of bytes in multiples of 16 (MVE), 2 of int16 (others), or
/// less; that of arm_depthwise_conv_wrapper_s8 4 blocks of 124 channels (MVE), or the window in int16 (DSP).
inline std::int64_t scratch_of_convolution(const ConvolutionShape& s, bool depthwise) {
  const std::int64_t taps = s.kernel_h * s.kernel_w;
  if (!depthwise) return 4 * round_up(taps * s.in_c, 16);
  const bool optimized = s.out_c == s.in_c && s.dilation_h == 1 && s.dilation_w == 1;
  return optimized ? std::max(4 * 124 * taps, 2 * taps * s.in_c) : 0;
}

/// The layer's biases, as the executor has them, plus a number times the sum of each channel's weights, modulo 2^32.
inline std::vector<std::int32_t> bias_plus(const IntegerWeights& w, std::int64_t times) {
  std::vector<std::int32_t> bias;
  for (std::int64_t o = 0; o < w.out; ++o) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < w.k * w.repeat; ++i) sum += w.values[static_cast<std::size_t>(o * w.k * w.repeat + i)];
    bias.push_back(static_cast<std::int32_t>(
        static_cast<std::uint64_t>(w.bias[static_cast<std::size_t>(o)] + times * sum) & 0xffffffffu));
  }
  return bias;
}

/// Which function computes a layer with weights.
enum class CmsisForm : std::uint8_t { none, convolution, depthwise, fully_connected };

inline CmsisForm cmsis_form(const NodeExport& n, const IntegerWeights& w, const ConvolutionShape& s, int residual,
                            bool fully_connected) {
  const bool by_channel = s.groups > 1 && s.groups == s.in_c, added = residual >= 0 && n.has(residual);
  const bool has = calls_cmsis_nn(n) && n.stored().is_code(n.out_id()) && !added && w.repeat == 1 &&
                   w.float_bias.size() == 0 && (s.groups == 1 || by_channel) &&
                   s.kernel_h * s.kernel_w * s.in_c < 1 << 16 &&
                   ends_inside(s.in_h, s.out_h, s.kernel_h, s.stride_h, s.dilation_h, s.pad_top) &&
                   ends_inside(s.in_w, s.out_w, s.kernel_w, s.stride_w, s.dilation_w, s.pad_left);
  if (!has) return CmsisForm::none;
  bool one_scale = true;
  for (std::size_t o = 0; o < w.scale.size(); ++o) {
    const double real = w.scale[o] / static_cast<double>(n.output().quant.scale[0]);
    if (!is_safe(real, w.largest_sum[o])) return CmsisForm::none;
    one_scale = one_scale && w.scale[o] == w.scale[0];
  }
  return by_channel                     ? CmsisForm::depthwise
         : fully_connected && one_scale ? CmsisForm::fully_connected
                                        : CmsisForm::convolution;
}

/// Weights [out][taps] of a depthwise convolution as [taps][out].
inline std::vector<std::int8_t> by_taps(const IntegerWeights& w) {
  std::vector<std::int8_t> weights;
  for (std::int64_t k = 0; k < w.k; ++k)
    for (std::int64_t o = 0; o < w.out; ++o) weights.push_back(w.values[static_cast<std::size_t>(o * w.k + k)]);
  return weights;
}

inline bool cmsis_weighted(NodeExport& n, const IntegerWeights& w, const ConvolutionShape& s,
                           const ActivationRange& range, int residual, bool fully_connected) {
  const CmsisForm form = cmsis_form(n, w, s, residual, fully_connected);
  if (form == CmsisForm::none) return false;
  const bool depthwise = form == CmsisForm::depthwise;
  std::vector<std::int32_t> multiplier, shift;
  for (const double scale : w.scale) {
    const FixedPointMultiplier m(scale / static_cast<double>(n.output().quant.scale[0]));
    multiplier.push_back(m.mantissa);
    shift.push_back(m.shift);
  }
  const std::vector<std::string> constants{n.array("weights", depthwise ? by_taps(w) : w.values),
                                           n.array("bias", bias_plus(w, w.input_zero_point)),
                                           n.array("multiplier", multiplier), n.array("shift", shift)};
  const std::int32_t zero = n.stored().zero(n.id(0));
  const std::string from = literal(-zero), to = literal(n.stored().zero(n.out_id())),
                    clamp = stored_range(n, quantized_range(range, n.output()));
  // A layer's structure: parameters, sizes, constants.
  const auto layer = [&](const std::string& kind, const std::vector<std::string>& params,
                         std::vector<std::string> members, std::int64_t scratch) {
    members.insert(members.begin(), braced(params, ""));
    members.insert(members.end(), constants.begin(), constants.end());
    members.push_back(literal(scratch));
    return n.structure("CmsisLayer<cmsis_nn_" + kind + "_params>", members);
  };
  if (form == CmsisForm::fully_connected) {
    const std::string all =
        layer("fc", {from, "0", to, clamp},
              {dims(s.in_h, 1, 1, s.in_c), dims(s.in_c, 1, 1, s.out_c), dims(s.in_h, 1, 1, s.out_c)}, 4 * s.out_c);
    n.use("cmsis_fully_connected");
    n.call_cmsis_nn("cmsis_fully_connected(" +
                    listed({all, n.array("sums", bias_plus(w, w.input_zero_point - zero)), n.in(), n.out()}) + ")");
    return true;
  }
  const std::int64_t scratch = scratch_of_convolution(s, depthwise);
  std::vector<std::string> params{from, to};
  if (depthwise) params.push_back(literal(s.out_c / s.in_c));
  params.insert(params.end(),
                {tile(s.stride_w, s.stride_h), tile(s.pad_left, s.pad_top), tile(s.dilation_w, s.dilation_h), clamp});
  const std::string filter =
      depthwise ? dims(1, s.kernel_h, s.kernel_w, s.out_c) : dims(s.out_c, s.kernel_h, s.kernel_w, s.in_c);
  const std::string all = layer(depthwise ? "dw_conv" : "conv", params,
                                {dims(1, s.in_h, s.in_w, s.in_c), filter, dims(1, s.out_h, s.out_w, s.out_c)}, scratch);
  const std::string function = depthwise ? "cmsis_depthwise" : "cmsis_convolution",
                    memory = scratch > 0 ? n.scratch(static_cast<std::size_t>(scratch)) : "nullptr";
  n.use(function);
  n.call_cmsis_nn(function + "(" + listed({all, n.in(), n.out(), memory}) + ")");
  return true;
}

/// Sums and products of tensors of one shape.
inline bool cmsis_binary(NodeExport& n, const Binary& op) {
  const bool product = op.kind == BinaryKind::mul;
  const Value &a = n.input(0), &b = n.input(1), &y = n.output();
  if (!calls_cmsis_nn(n) || op.kind == BinaryKind::sub || a.shape != y.shape || b.shape != y.shape) return false;
  const auto scale = [](const Value& v) { return static_cast<double>(v.quant.scale[0]); };
  const double common = 2 * std::max(scale(a), scale(b)),
               real = product ? static_cast<double>(tflite_ratio(a.quant.scale[0], b.quant.scale[0], y.quant.scale[0]))
                              : common / (static_cast<double>(1 << 20) * scale(y));
  const FixedPointMultiplier fa(scale(a) / common), fb(scale(b) / common), fy(real);
  if (!is_safe(real, product ? 255.0 * 255 : 255.0 * (1 << 20)) || (!product && fy.shift > 0)) return false;
  const auto offset = [&](int i) { return literal(-n.stored().zero(n.id(i))); };
  const auto factor = [](const FixedPointMultiplier& m) {
    return literal(m.mantissa) + ", " + std::to_string(m.shift);
  };
  const std::int32_t shift = n.stored().shift(n.out_id());
  const IntegerRange q = quantized_range(op.activation, y);
  std::vector<std::string> arguments{n.in(0), n.in(1)};
  if (product)
    arguments.insert(arguments.end(), {offset(0), offset(1)});
  else
    arguments.insert(arguments.end(), {offset(0), factor(fa), offset(1), factor(fb), "20"});
  arguments.insert(arguments.end(), {n.out(), literal(n.stored().zero(n.out_id())), factor(fy), literal(q.low + shift),
                                     literal(q.high + shift), literal(n.elements(n.out_id()))});
  n.use("succeeded");
  for (int i : {0, 1}) n.can_overwrite(i);
  n.call_cmsis_nn(std::string("succeeded(arm_elementwise_") + (product ? "mul" : "add") + "_s8(" + listed(arguments) +
                  "))");
  return true;
}

/// h and w: the window. `average`: of int8 codes.
inline bool cmsis_pool(NodeExport& n, const WindowAxis& h, const WindowAxis& w, bool average) {
  const auto empty = [](const WindowAxis& a) { return (a.out - 1) * a.stride - a.before >= a.in; };
  if (!calls_cmsis_nn(n) || h.dilation != 1 || w.dilation != 1 || empty(h) || empty(w)) return false;
  const std::int64_t channels = n.input(0).shape.back(), scratch = average ? 4 * channels : 0;
  const std::string function = average ? "cmsis_average_pool" : "cmsis_max_pool";
  const std::string pool = n.structure(
      "CmsisPool",
      {braced(std::vector<std::string>{tile(w.stride, h.stride), tile(w.before, h.before), "{-128, 127}"}, ""),
       dims(1, h.in, w.in, channels), dims(1, h.kernel, w.kernel, 1), dims(1, h.out, w.out, channels),
       literal(scratch)});
  n.use(function);
  std::vector<std::string> arguments{pool, n.in(), n.out()};
  if (average) arguments.push_back(n.scratch(static_cast<std::size_t>(scratch)));
  n.call_cmsis_nn(function + "(" + listed(arguments) + ")");
  return true;
}

}  // namespace detail::cpp
OCTET_END
