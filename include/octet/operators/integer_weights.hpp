#pragma once
#include "../core/packed_codes.hpp"
#include "../graph/graph.hpp"
#include "../kernels/convolution_weights.hpp"
#include "../kernels/half.hpp"
#include "activation_codes.hpp"
#include "operands.hpp"

/// Weights and bias of convolution and fully connected layers of integer models. Inputs of the operator: 0 activations
/// (uint8), 1 weights with output channels along axis 0, 2 bias (int32; floating-point in dynamic-range models;
/// optional).
OCTET_BEGIN
namespace detail {

/// Weights minus their zero points, as int8.
struct CenteredWeights {
  std::vector<std::int8_t> values;  // [out][repeat][k]
  std::int64_t repeat = 1;          // > 1 if weights minus zero point exceed int8: each is a sum of that many values
  std::int64_t out = 0, k = 0;
  bool small = false;  // all are in [-8, 7]

  /// stored: integers of 8 or 4 bits, output channels along axis 0; one zero point for all channels, or one for each.
  CenteredWeights(const AnyTensor& stored, const std::vector<std::int32_t>& zero_points)
      : out(stored.shape()[0]), k(out ? stored.size() / out : 0) {
    const AnyTensor data = whole_bytes(stored);
    std::vector<std::int32_t> centered;
    std::int32_t low = 0, high = 0;
    for (std::int64_t i = 0; i < data.size(); ++i) {
      const std::int32_t raw = is_signed(data.dtype()) ? std::int32_t{load_as<std::int8_t>(data.data(), i)}
                                                       : std::int32_t{load_as<std::uint8_t>(data.data(), i)};
      centered.push_back(raw - zero_points[static_cast<std::size_t>(zero_points.size() > 1 ? i / k : 0)]);
      low = std::min(low, centered.back());
      high = std::max(high, centered.back());
    }
    repeat = std::max({1, (127 - low) / 128, (126 + high) / 127});
    small = low >= -8 && high <= 7;
    values.resize(static_cast<std::size_t>(out * k * repeat));
    for (std::int64_t i = 0; i < out * k; ++i)
      for (std::int64_t r = 0; r < repeat; ++r) {
        std::int32_t& rest = centered[static_cast<std::size_t>(i)];
        const std::int32_t part = std::clamp(rest, -128, 127);
        values[static_cast<std::size_t>((i / k * repeat + r) * k + i % k)] = static_cast<std::int8_t>(part);
        rest -= part;
      }
  }

  struct Sum {
    std::int64_t value = 0, magnitude = 0;
  };
  /// The sum of a channel's weights. Throws Error if sums of products with uint8 may exceed 32 bits.
  Sum sum(std::int64_t channel, const PrepareContext& c) const {
    Sum s;
    for (std::int64_t i = 0; i < k * repeat; ++i) {
      const std::int64_t v = values[static_cast<std::size_t>(channel * k * repeat + i)];
      s.value += v;
      s.magnitude += v < 0 ? -v : v;
    }
    c.require(static_cast<double>(s.magnitude) * 255 < 2147483648.0, "the sum of ", k, " products of output channel ",
              channel, " may overflow 32 bits");
    return s;
  }

  /// As the kernels of convolutions take them.
  ConvolutionWeights<std::int8_t> of_convolution(const KernelWindow& window, std::int64_t groups,
                                                 std::int64_t group_in) const noexcept {
    ConvolutionWeights<std::int8_t> w;
    w.values = values.data();
    w.out_c = out;
    w.window = window;
    w.group_in = group_in;
    w.groups = groups;
    w.repeat = repeat;
    return w;
  }
};

/// Integer weights, and the bias with the input's zero point folded in. A float bias is kept separately.
struct IntegerWeights : CenteredWeights {
  Tensor<float> float_bias;  // padded; empty if the bias is int32
  std::int32_t input_zero_point = 0;
  std::vector<std::int32_t> bias;   // per channel, minus zero point * sum of weights
  std::vector<double> scale;        // input scale * weight scale
  std::vector<double> largest_sum;  // upper bound of the accumulators' magnitude

  /// Scales are multiplied as floats, as in ONNX Runtime and XNNPACK, but for Rounding::fp32_centered. single_product:
  /// whether TFLite, too, multiplies those of such a layer as floats if the weights have one scale. With one scale per
  /// channel, it multiplies doubles.
  IntegerWeights(const PrepareContext& c, bool single_product)
      : IntegerWeights(c, c.constant(LayerInputs::weights), single_product) {}
  /// The same for weights that are given, in place of the context's ones.
  IntegerWeights(const PrepareContext& c, const AnyTensor& given, bool single_product)
      : CenteredWeights(given, checked(c).zero_point) {
    const QuantParams &x = c.input(0).quant, &w = c.input(LayerInputs::weights).quant;
    input_zero_point = x.zero_point[0];
    single_product = c.rounding() == Rounding::fp32 ? !c.rounds_centered() : single_product && w.channels() == 1;
    const bool in_sums = c.has(LayerInputs::bias) && c.constant(LayerInputs::bias).dtype() == int8_format.sums;
    if (c.has(LayerInputs::bias) && !in_sums)
      float_bias = pad_columns(to_float(c.constant(LayerInputs::bias).ref()).data(), out);
    for (std::int64_t o = 0; o < out; ++o) {
      const std::size_t channel = w.index_of(o);
      const double exact = static_cast<double>(x.scale[0]) * static_cast<double>(w.scale[channel]);
      scale.push_back(single_product ? static_cast<double>(static_cast<float>(exact)) : exact);
      const Sum s = sum(o, c);
      const std::int64_t b = in_sums ? load_as<std::int32_t>(c.constant(LayerInputs::bias).data(), o) : 0;
      // Accumulators wrap modulo 2^32, so the folded bias may wrap, too; only the final sum has to fit.
      bias.push_back(
          static_cast<std::int32_t>(static_cast<std::uint64_t>(b - input_zero_point * s.value) & 0xffffffffu));
      largest_sum.push_back(static_cast<double>(s.magnitude) * 255 + std::abs(static_cast<double>(b)));
    }
  }

  /// Checks weights and bias, and returns the weights' quantization parameters.
  static const QuantParams& checked(const PrepareContext& c) {
    const Value& w = c.input(LayerInputs::weights);
    const std::int64_t channels = c.constant(LayerInputs::weights).shape()[0];
    c.one_scale(c.input(0));
    c.validate(w);
    c.require(w.quant.axis <= 0, "expected weights quantized along axis 0, found axis ", w.quant.axis);
    if (c.has(LayerInputs::bias)) {
      const AnyTensor& b = c.constant(LayerInputs::bias);
      c.require((b.dtype() == int8_format.sums || is_floating(b.dtype())) && b.size() == channels,
                "expected a bias of ", channels, " ", name(int8_format.sums), " or floating-point elements, found ",
                b.size(), " ", name(b.dtype()));
    }
    return w.quant;
  }
};

}  // namespace detail
OCTET_END
