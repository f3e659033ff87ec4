#pragma once
#include "../core/element.hpp"
#include "../core/rounded.hpp"
#include "../kernels/half.hpp"
#include "../kernels/pack.hpp"
#include "../kernels/requantize.hpp"
#include "activation_range.hpp"
#include "operands.hpp"

/// Shared by convolution and fully connected layers of integer models: prepared weights and bias, and requantization of
/// sums. Inputs of the operator: 0 activations (uint8), 1 weights with output channels along axis 0, 2 bias (int32;
/// floating-point in dynamic-range models; optional).
OCTET_BEGIN
namespace detail {

/// Weights minus their zero points, as int8.
struct CenteredWeights {
  std::vector<std::int8_t> values;  // [out][repeat][k]
  std::int64_t repeat = 1;          // > 1 if weights minus zero point exceed int8: each is a sum of that many values
  std::int64_t out = 0, k = 0;

  /// data: int8 or uint8, output channels along axis 0; one zero point for all channels, or one for each.
  CenteredWeights(const AnyTensor& data, const std::vector<std::int32_t>& zero_points)
      : out(data.shape()[0]), k(out ? data.size() / out : 0) {
    std::vector<std::int32_t> centered;
    std::int32_t low = 0, high = 0;
    for (std::int64_t i = 0; i < data.size(); ++i) {
      const std::int32_t raw = data.dtype() == DType::i8 ? std::int32_t{load_as<std::int8_t>(data.data(), i)}
                                                         : std::int32_t{load_as<std::uint8_t>(data.data(), i)};
      centered.push_back(raw - zero_points[static_cast<std::size_t>(zero_points.size() > 1 ? i / k : 0)]);
      low = std::min(low, centered.back());
      high = std::max(high, centered.back());
    }
    repeat = std::max({1, (127 - low) / 128, (126 + high) / 127});
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
};

/// Integer weights, and the bias with the input's zero point folded in. A float bias is kept separately.
struct IntegerWeights : CenteredWeights {
  Tensor<float> float_bias;  // padded; empty if the bias is int32
  std::int32_t input_zero_point = 0;
  std::vector<std::int32_t> bias;   // per channel, minus zero point * sum of weights
  std::vector<double> scale;        // input scale * weight scale
  std::vector<double> largest_sum;  // upper bound of the accumulators' magnitude

  /// single_product: whether TFLite multiplies the scales of such a layer as floats if the weights have one scale. With
  /// one scale per channel, it multiplies doubles.
  IntegerWeights(const PrepareContext& c, bool single_product)
      : CenteredWeights(c.constant(LayerInputs::weights), checked(c).zero_point) {
    const QuantParams &x = c.input(0).quant, &w = c.input(LayerInputs::weights).quant;
    input_zero_point = x.zero_point[0];
    single_product = single_product && c.rounding() != Rounding::fp32 && w.channels() == 1;
    const bool in_sums = c.has(LayerInputs::bias) && c.constant(LayerInputs::bias).dtype() == DType::i32;
    if (c.has(LayerInputs::bias) && !in_sums)
      float_bias = pad_columns(to_float(c.constant(LayerInputs::bias).ref()).data(), out);
    for (std::int64_t o = 0; o < out; ++o) {
      const std::size_t channel = static_cast<std::size_t>(w.per_channel() ? o : 0);
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
      c.require((b.dtype() == DType::i32 || is_floating(b.dtype())) && b.size() == channels, "expected a bias of ",
                channels, " int32 or floating-point elements, found ", b.size(), " ", name(b.dtype()));
    }
    return w.quant;
  }
};

/// Requantizes sums to outputs with the model's rounding.
class Requantizer {
 public:
  Requantizer() = default;
  /// residual: index of the input that is added to the output, if there is one.
  Requantizer(const PrepareContext& c, const IntegerWeights& w, const ActivationRange& range, int residual)
      : rounding_(c.rounding()) {
    check_output(c, residual);
    const Value& y = c.output();
    init_ = pad_columns(w.bias.data(), w.out);
    scale_ = Tensor<float>(init_.shape());
    const bool shifted = w.float_bias.size() != 0;
    if (shifted) shift_ = w.float_bias;
    if (y.dtype == DType::f32) {
      if (!shifted) shift_ = Tensor<float>(init_.shape());
      for (std::int64_t o = 0; o < w.out; ++o) scale_[o] = c.multiplier(w.scale[static_cast<std::size_t>(o)]);
      epilogue_.store = Store::scaled_f32;
      epilogue_.low_f32 = static_cast<float>(range.low);
      epilogue_.high_f32 = static_cast<float>(range.high);
      return;
    }
    double largest = 0;  // of a requantized sum
    for (std::int64_t o = 0; o < w.out; ++o) {
      const double real = w.scale[static_cast<std::size_t>(o)] / static_cast<double>(y.quant.scale[0]);
      scale_[o] = c.multiplier(real);
      fixed_.emplace_back(real);
      largest = std::max(largest, w.largest_sum[static_cast<std::size_t>(o)] * real);
    }
    const IntegerRange q = quantized_range(range, y.quant.scale[0], y.quant.zero_point[0]);
    epilogue_.zero_point = y.quant.zero_point[0];
    epilogue_.low = static_cast<std::int32_t>(q.low);
    epilogue_.high = static_cast<std::int32_t>(q.high);
    // The kernels' conversion to integers is exact below 2^31. Otherwise, and for other roundings, convert one by one.
    const bool by_kernel = rounding_ == Rounding::fp32 && largest < 2147483000.0;
    epilogue_.store = by_kernel ? Store::u8 : Store::custom;
    if (shifted) {
      c.require(by_kernel && !c.has(residual),
                "a float bias is not supported together with large scales, TFLite's roundings or an added tensor");
      epilogue_.store = Store::u8_shifted;
      for (float& b : shift_) b /= y.quant.scale[0];
    }
    epilogue_.custom = store_custom;
    if (c.has(residual)) {
      const Value& r = c.input(residual);
      const double real = static_cast<double>(r.quant.scale[0]) / static_cast<double>(y.quant.scale[0]);
      if (by_kernel) epilogue_.store = Store::u8_residual;
      epilogue_.residual_scale = c.multiplier(real);
      epilogue_.residual_zero = r.quant.zero_point[0];
      residual_fixed_ = FixedPointMultiplier(real);
    }
  }

  /// Throws Error unless types and scales of the output and the residual are supported.
  static void check_output(const PrepareContext& c, int residual) {
    const Value& y = c.output();
    c.require(y.dtype == DType::f32 || y.dtype == DType::u8, "expected output '", y.name,
              "' of type uint8 or float32, found ", name(y.dtype));
    if (y.dtype == DType::u8) c.one_scale(y);
    if (!c.has(residual)) return;
    const Value& r = c.input(residual);
    c.require(r.dtype == y.dtype, "expected '", r.name, "' of type ", name(y.dtype), " like the output, found ",
              name(r.dtype));
    if (r.dtype == DType::u8)
      c.multiplier(static_cast<double>(c.one_scale(r).scale[0]) / static_cast<double>(y.quant.scale[0]));
  }

  std::size_t packed_bytes() const noexcept { return init_.size_bytes() + scale_.size_bytes() + shift_.size_bytes(); }
  const std::byte* init() const noexcept { return init_.bytes(); }
  /// The order of the weights' channels that the kernels require.
  ColumnOrder order() const noexcept {
    return stores_bytes(epilogue_.store) ? ColumnOrder::interleaved : ColumnOrder::natural;
  }
  std::int64_t out_element() const noexcept { return epilogue_.store == Store::scaled_f32 ? 4 : 1; }
  void plan(std::int64_t out_channels) noexcept {
    epilogue_.out_stride = epilogue_.residual_stride = out_channels * out_element();
  }

  /// Whether the kernels store the outputs, so that kernel_epilogue is sufficient.
  bool by_kernel() const noexcept { return epilogue_.store != Store::custom; }
  Epilogue kernel_epilogue(std::byte* out, const std::byte* residual) const noexcept {
    Epilogue e = epilogue_;
    e.out = out;
    e.residual = residual;
    e.scale = scale_.data();
    e.shift = shift_.data();
    e.sums = scale_.data();
    return e;
  }
  /// The epilogue for one run. Valid until the next run, as long as this object is not moved.
  Epilogue epilogue(std::byte* out, const std::byte* residual) noexcept {
    Epilogue e = kernel_epilogue(out, residual);
    e.context = this;
    out_ = reinterpret_cast<std::uint8_t*>(out);
    residual_ = reinterpret_cast<const std::uint8_t*>(residual);
    return e;
  }

 private:
  static void store_custom(const void* context, const std::byte* acc, std::ptrdiff_t acc_stride, std::int64_t row,
                           int rows, std::int64_t column, int columns) {
    const auto& self = *static_cast<const Requantizer*>(context);
    const Epilogue& e = self.epilogue_;
    for (int m = 0; m < rows; ++m, acc += acc_stride)
      for (int c = 0; c < columns; ++c) {
        std::int32_t a;
        std::memcpy(&a, acc + 4 * c, 4);
        const std::int64_t at = (row + m) * e.out_stride + column + c;
        const std::int32_t r = self.residual_ ? self.residual_[at] - e.residual_zero : 0;
        const std::int64_t q = self.rounded(a, r, column + c) + e.zero_point;
        self.out_[at] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(q, e.low, e.high));
      }
  }

  std::int64_t rounded(std::int32_t acc, std::int32_t residual, std::int64_t channel) const noexcept {
    const FixedPointMultiplier m = fixed_[static_cast<std::size_t>(channel)];
    switch (rounding_) {
      case Rounding::tflite_double:
        return std::int64_t{multiply_double_rounding(acc, m)} + multiply_double_rounding(residual, residual_fixed_);
      case Rounding::tflite_single:
        return std::int64_t{multiply_single_rounding(acc, m)} + multiply_single_rounding(residual, residual_fixed_);
      case Rounding::fp32: break;
    }
    const float sum = static_cast<float>(acc) * scale_[channel];
    return round_clamped(std::fma(static_cast<float>(residual), epilogue_.residual_scale, sum), -512, 512);
  }

  Rounding rounding_ = Rounding::fp32;
  Tensor<std::int32_t> init_;
  Tensor<float> scale_, shift_;
  std::vector<FixedPointMultiplier> fixed_;
  FixedPointMultiplier residual_fixed_;
  Epilogue epilogue_;
  std::uint8_t* out_ = nullptr;  // of the current run
  const std::uint8_t* residual_ = nullptr;
};

}  // namespace detail
OCTET_END
