#pragma once
#include <algorithm>
#include <vector>

#include "../core/element.hpp"
#include "../core/integer_format.hpp"
#include "../kernels/bytes.hpp"
#include "../kernels/requantize.hpp"
#include "activation_range.hpp"
#include "integer_weights.hpp"

/// Layers with 16-bit activations and 8-bit weights. Sums of products are exact: they have 32 bits, and longer ones are
/// made of parts (see GemmConvolution).
OCTET_BEGIN
namespace detail {

/// The scale of a 16-bit activation. Throws Error unless it is one, with one scale and the zero point 0.
inline double int16_scale(const PrepareContext& c, const Value& v) {
  const QuantParams& q = params_of(int16_format, c, v);
  c.require(q.zero_point[0] == 0, "'", v.name, "' has the zero point ", q.zero_point[0], ", expected 0 for ",
            name(int16_format.computed));
  return static_cast<double>(q.scale[0]);
}

/// multiply_single_rounding of a sum of magnitude less than 2^47; m.shift <= largest_wide_shift.
inline std::int64_t multiply_wide_exactly(std::int64_t x, FixedPointMultiplier m) noexcept {
  const std::int64_t high = x >> 16, low = x & 0xffff;
  const int total = 31 - m.shift;  // at least 24
  return (high * m.mantissa + ((low * m.mantissa + (std::int64_t{1} << (total - 1))) >> 16)) >> (total - 16);
}

/// What becomes of the sums: the bias is added, and they are requantized to int16 or scaled to float.
class Int16Sums {
 public:
  Int16Sums() = default;
  /// residual: index of the input that is added to the output, or -1; plain: see PrepareContext::rounding; connected:
  /// as LiteRT's fully connected layers, where the model has its rounding: with all bits of the multiplier.
  Int16Sums(const PrepareContext& c, const CenteredWeights& w, const ActivationRange& range, int residual, bool plain,
            bool connected = false)
      : kernels_(&byte_kernels(c.kernels().isa)),
        rounding_(c.own_rounding(plain)),
        exactly_(connected && c.as_litert()),
        channels_(w.out) {
    check(c, residual);
    const Value &x = c.input(0), &weights = c.input(LayerInputs::weights), &y = c.output();
    const bool integers = y.dtype != DType::f32;
    init_ = pad_columns<std::int32_t>(nullptr, channels_);
    bias_ = pad_columns<double>(nullptr, channels_);
    scale_ = pad_columns<double>(nullptr, channels_);
    // With one scale for all weights, LiteRT multiplies scales in single precision, unless the bias has 64 bits.
    const bool in_single = exactly_ && weights.quant.scale.size() == 1 &&
                           !(c.has(LayerInputs::bias) && c.constant(LayerInputs::bias).dtype() == int16_format.sums);
    for (std::int64_t o = 0; o < channels_; ++o) {
      bias_[o] = c.has(LayerInputs::bias) ? bias_code(c, o) : 0;
      scale_[o] =
          static_cast<double>(x.quant.scale[0]) * static_cast<double>(weights.quant.scale[weights.quant.index_of(o)]);
      if (!integers) continue;
      scale_[o] /= static_cast<double>(y.quant.scale[0]);
      fixed_.emplace_back(in_single
                              ? static_cast<double>(static_cast<float>(x.quant.scale[0] * weights.quant.scale[0])) /
                                    static_cast<double>(y.quant.scale[0])
                              : scale_[o]);
    }
    const std::vector<double> largest = largest_sums(w);
    start_with_bias(largest);
    if (!integers) {
      sums_.smallest = range.low;
      sums_.largest = range.high;
      return;
    }
    const IntegerRange q = quantized_range(range, y);
    sums_.smallest = static_cast<double>(q.low);
    sums_.largest = static_cast<double>(q.high);
    as_int32_ = c.has(LayerInputs::bias) && c.constant(LayerInputs::bias).dtype() == int8_format.sums;
    if (c.has(residual)) {
      sums_.residual_scale =
          static_cast<double>(c.input(residual).quant.scale[0]) / static_cast<double>(y.quant.scale[0]);
      residual_fixed_ = FixedPointMultiplier(sums_.residual_scale);
    }
    by_kernel_ = rounding_ == Rounding::fp32 || rounds_half_up(largest, c.has(residual));
    low_ = static_cast<std::int32_t>(q.low);
    high_ = static_cast<std::int32_t>(q.high);
    at_once_ = by_kernel_ && starts_with_bias_;
    for (std::int64_t o = 0; o < channels_; ++o)
      at_once_ &= largest[static_cast<std::size_t>(o)] * scale_[o] < 0x1p31 - 1;
  }

  /// Throws Error unless types, scales and zero points are supported. Reads the bias, not the weights.
  static void check(const PrepareContext& c, int residual) {
    const Value &w = c.input(LayerInputs::weights), &y = c.output();
    const double x_scale = int16_scale(c, c.input(0));
    c.validate(w);
    c.require(w.quant.axis <= 0, "expected weights quantized along axis 0, found axis ", w.quant.axis);
    c.require(y.dtype == DType::f32 || int16_format.computes(y.dtype), "expected output '", y.name, "' of type ",
              name(int16_format.computed), " or float32, found ", name(y.dtype));
    const double y_scale = y.dtype == DType::f32 ? 1 : int16_scale(c, y);
    const bool fixed = y.dtype != DType::f32 && c.own_rounding() != Rounding::fp32;
    const auto check_scale = [&](double real) {
      c.multiplier(real);
      c.require(!fixed || FixedPointMultiplier(real).shift <= largest_wide_shift, "the ratio of its scales is ", real,
                ", which TFLite's arithmetic does not have for int16");
    };
    for (float s : w.quant.scale) check_scale(x_scale * static_cast<double>(s) / y_scale);
    if (c.has(residual)) check_scale(int16_scale(c, c.input(residual)) / y_scale);
    c.require(!c.has(residual) || c.input(residual).dtype == y.dtype, "expected an added tensor of type ",
              name(y.dtype));
    if (!c.has(LayerInputs::bias)) return;
    const AnyTensor& b = c.constant(LayerInputs::bias);
    const std::int64_t channels = c.constant(LayerInputs::weights).shape()[0];
    c.require((b.dtype() == int16_format.sums || b.dtype() == int8_format.sums) && b.size() == channels,
              "expected a bias of ", channels, " ", name(int16_format.sums), " or ", name(int8_format.sums),
              " elements, found ", b.size(), " ", name(b.dtype()));
    for (std::int64_t o = 0; o < channels; ++o)
      c.require(std::abs(bias_code(c, o)) <= 0x1p46, "the bias of output channel ", o, " is ", bias_code(c, o),
                ", expected a magnitude of at most 2^46");
  }

  std::size_t packed_bytes() const noexcept { return init_.size_bytes() + bias_.size_bytes() + scale_.size_bytes(); }
  /// The initial accumulators.
  const std::byte* init() const noexcept { return init_.bytes(); }
  bool stores_float() const noexcept { return fixed_.empty() && channels_ != 0; }
  std::int64_t out_element() const noexcept { return stores_float() ? 4 : 2; }
  /// The epilogue of products for an output and a residual (or null) of whole tensors.
  Epilogue epilogue(std::byte* out, const std::byte* residual) const noexcept {
    Epilogue e;
    e.store = at_once_ && !residual ? Store::i16 : Store::custom;
    e.wide_scale = scale_.data();
    e.nudge = sums_.nudge;
    e.low = low_;
    e.high = high_;
    e.custom = store;
    e.context = this;
    e.out = out;
    e.out_stride = channels_ * out_element();
    e.residual = residual;
    e.residual_stride = channels_ * 2;
    return e;
  }

 private:
  static void store(const Epilogue& e, const std::byte* acc, std::ptrdiff_t acc_stride, std::int64_t row, int rows,
                    std::int64_t column, int columns) {
    const auto& self = *static_cast<const Int16Sums*>(e.context);
    const std::ptrdiff_t down = row - e.first_row, right = column - e.first_column;
    SumsI16 s = self.sums_;
    s.sums = reinterpret_cast<const std::int32_t*>(acc);
    s.stride = acc_stride / 4;
    if (e.parts) s.more = e.parts_of_sums + down * e.part_stride + right;
    s.more_stride = e.part_stride;
    s.parts = e.parts;
    s.part_size = e.part_size;
    s.rows = rows;
    s.channels = columns;
    if (!self.starts_with_bias_) s.bias = self.bias_.data() + column;
    s.scale = self.scale_.data() + column;
    if (e.residual)
      s.residual = reinterpret_cast<const std::int16_t*>(e.residual + down * e.residual_stride + right * 2);
    s.residual_stride = e.residual_stride / 2;
    s.out_stride = self.channels_;
    std::byte* out = e.out + down * e.out_stride + right * self.out_element();
    if (self.stores_float())
      s.out_f32 = reinterpret_cast<float*>(out);
    else
      s.out = reinterpret_cast<std::int16_t*>(out);
    if (self.stores_float() || self.by_kernel_)
      self.kernels_->int16.store(s);
    else
      self.store_fixed(s, column);
  }

  /// Upper bounds of the sums' magnitudes, with the bias.
  std::vector<double> largest_sums(const CenteredWeights& w) const {
    std::vector<double> largest;
    const std::int64_t n = w.k * w.repeat;
    for (std::int64_t o = 0; o < channels_; ++o) {
      std::int64_t magnitude = 0;
      for (std::int64_t i = 0; i < n; ++i) magnitude += std::abs(int{w.values[static_cast<std::size_t>(o * n + i)]});
      largest.push_back(static_cast<double>(magnitude) * 32768 + std::abs(bias_[o]));
    }
    return largest;
  }
  /// If 32 bits hold all sums, these start with the bias.
  void start_with_bias(const std::vector<double>& largest) {
    starts_with_bias_ = std::all_of(largest.begin(), largest.end(), [](double sum) { return sum < 0x1p31; });
    for (std::int64_t o = 0; starts_with_bias_ && o < channels_; ++o) init_[o] = static_cast<std::int32_t>(bias_[o]);
  }
  /// Gives the kernels multiply_wide's factors, unless their doubles would round otherwise. Products with factors of 15
  /// bits are exact, and multiples of 2^-35. Near the range of codes these plus 2^-36 are exact, too, and nearest to
  /// what they are if rounded half up.
  bool rounds_half_up(const std::vector<double>& largest, bool with_residual) {
    constexpr int least_shift = 15 - 35;
    if (exactly_ || as_int32_) return false;
    for (std::int64_t o = 0; o < channels_; ++o)
      if (largest[static_cast<std::size_t>(o)] >= 0x1p38 || fixed_[static_cast<std::size_t>(o)].shift < least_shift)
        return false;
    if (with_residual && (residual_fixed_.shift > 0 || residual_fixed_.shift < least_shift)) return false;
    for (std::int64_t o = 0; o < channels_; ++o) scale_[o] = wide_factor(fixed_[static_cast<std::size_t>(o)]);
    sums_.residual_scale = wide_factor(residual_fixed_);
    sums_.nudge = 0x1p-36;
    sums_.apart = true;
    return true;
  }

  static double bias_code(const PrepareContext& c, std::int64_t o) {
    const AnyTensor& b = c.constant(LayerInputs::bias);
    return load_element(b.dtype(), b.data(), o);
  }

  /// By TFLite's fixed-point arithmetic.
  void store_fixed(const SumsI16& s, std::int64_t column) const noexcept {
    for (std::int64_t row = 0; row < s.rows; ++row)
      for (std::int64_t c = 0; c < s.channels; ++c) {
        std::int64_t sum = s.sums[row * s.stride + c] + (s.bias ? static_cast<std::int64_t>(s.bias[c]) : 0);
        for (std::int64_t p = 0; p < s.parts; ++p) sum += s.more[p * s.part_size + row * s.more_stride + c];
        std::int64_t q = multiplied(sum, fixed_[static_cast<std::size_t>(column + c)]);
        if (s.residual) q += multiply_wide(s.residual[row * s.residual_stride + c], residual_fixed_);
        s.out[row * s.out_stride + c] =
            static_cast<std::int16_t>(std::clamp(static_cast<double>(q), s.smallest, s.largest));
      }
  }
  /// TFLite adds in 32 bits, and then multiplies by 32 bits, where the bias has them.
  std::int64_t multiplied(std::int64_t sum, FixedPointMultiplier m) const noexcept {
    if (exactly_) return multiply_wide_exactly(sum, m);
    const auto narrow = static_cast<std::int32_t>(sum);
    if (!as_int32_ || narrow != sum) return multiply_wide(sum, m);
    return rounding_ == Rounding::tflite_single ? multiply_single_rounding(narrow, m)
                                                : multiply_double_rounding(narrow, m);
  }

  const ByteKernels* kernels_ = nullptr;
  Rounding rounding_ = Rounding::fp32;
  bool exactly_ = false;
  std::int64_t channels_ = 0;
  bool by_kernel_ = true, as_int32_ = false;
  bool starts_with_bias_ = false;
  bool at_once_ = false;  // whether outputs without a residual are Store::i16
  std::int32_t low_ = 0, high_ = 0;
  Tensor<std::int32_t> init_;
  Tensor<double> bias_, scale_;
  std::vector<FixedPointMultiplier> fixed_;  // empty if the output is float
  FixedPointMultiplier residual_fixed_;
  SumsI16 sums_;
};

}  // namespace detail
OCTET_END
