#pragma once
#include "../core/element.hpp"
#include "../core/integer_format.hpp"
#include "../kernels/bytes.hpp"
#include "../kernels/requantize.hpp"
#include "activation_range.hpp"
#include "integer_weights.hpp"

/// Layers with 16-bit activations and 8-bit weights. Each sum of products is computed as two sums of bytes, see
/// kernels/int16.hpp, and is exact.
OCTET_BEGIN
namespace detail {

/// The scale of a 16-bit activation. Throws Error unless it is one, with one scale and the zero point 0.
inline double int16_scale(const PrepareContext& c, const Value& v) {
  const QuantParams& q = params_of(int16_format, c, v);
  c.require(q.zero_point[0] == 0, "'", v.name, "' has the zero point ", q.zero_point[0], ", expected 0 for ",
            name(int16_format.computed));
  return static_cast<double>(q.scale[0]);
}

/// The two planes of bytes of 16-bit elements, and the work of splitting them.
class Int16Planes {
 public:
  Int16Planes() = default;
  explicit Int16Planes(std::int64_t elements) : elements_(elements) {}
  /// Size in bytes of the memory for both planes. That of the low bytes begins after `size` bytes.
  std::int64_t bytes() const noexcept { return round_up(2 * elements_ + 64, 64); }
  std::int64_t size() const noexcept { return elements_; }
  void split(const ByteKernels& kernels, const std::byte* in, std::byte* planes, ThreadPool& pool) const noexcept {
    parallel_parts(pool, elements_, 16384, [&](std::int64_t first, std::int64_t count) {
      auto* high = reinterpret_cast<std::uint8_t*>(planes) + first;
      kernels.int16.split({reinterpret_cast<const std::int16_t*>(in) + first, high, high + elements_, count});
    });
  }

 private:
  std::int64_t elements_ = 0;
};

/// What becomes of the sums: the bias is added, and they are requantized to int16 or scaled to float.
class Int16Sums {
 public:
  Int16Sums() = default;
  /// residual: index of the input that is added to the output, or -1; plain: see PrepareContext::rounding.
  Int16Sums(const PrepareContext& c, const CenteredWeights& w, const ActivationRange& range, int residual, bool plain)
      : kernels_(&byte_kernels(c.kernels().isa)), rounding_(c.rounding(plain)), channels_(w.out) {
    check(c, residual);
    const Value &x = c.input(0), &weights = c.input(LayerInputs::weights), &y = c.output();
    const bool integers = y.dtype != DType::f32;
    bias_ = pad_columns<double>(nullptr, channels_);
    scale_ = pad_columns<double>(nullptr, channels_);
    for (std::int64_t o = 0; o < channels_; ++o) {
      // The plane of high bytes is multiplied plus 128.
      const double less = 32768.0 * static_cast<double>(w.sum(o, c).value);
      bias_[o] = (c.has(LayerInputs::bias) ? bias_code(c, o) : 0) - less;
      scale_[o] =
          static_cast<double>(x.quant.scale[0]) * static_cast<double>(weights.quant.scale[weights.quant.index_of(o)]);
      if (!integers) continue;
      scale_[o] /= static_cast<double>(y.quant.scale[0]);
      fixed_.emplace_back(scale_[o]);
    }
    if (!integers) {
      sums_.smallest = range.low;
      sums_.largest = range.high;
      return;
    }
    const IntegerRange q = quantized_range(range, y);
    sums_.smallest = static_cast<double>(q.low);
    sums_.largest = static_cast<double>(q.high);
    as_int32_ = c.has(LayerInputs::bias) && c.constant(LayerInputs::bias).dtype() == int8_format.sums;
    by_kernel_ = rounding_ == Rounding::fp32;
    if (!c.has(residual)) return;
    sums_.residual_scale =
        static_cast<double>(c.input(residual).quant.scale[0]) / static_cast<double>(y.quant.scale[0]);
    residual_fixed_ = FixedPointMultiplier(sums_.residual_scale);
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
    const bool fixed = y.dtype != DType::f32 && c.rounding() != Rounding::fp32;
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

  std::size_t packed_bytes() const noexcept { return bias_.size_bytes() + scale_.size_bytes(); }
  bool stores_float() const noexcept { return fixed_.empty() && channels_ != 0; }
  std::int64_t out_element() const noexcept { return stores_float() ? 4 : 2; }
  /// Number of int32 elements of memory for `rows` rows of sums of one plane.
  std::int64_t room(std::int64_t rows) const noexcept { return round_up(rows * channels_ + int16_block, 16); }

  /// The address `out` is that of the first row's output, `residual` (or null) that of its residual.
  void store(const std::int32_t* high, const std::int32_t* low, std::int64_t rows, std::byte* out,
             const std::byte* residual) const noexcept {
    SumsI16 s = sums_;
    s.high = high;
    s.low = low;
    s.rows = rows;
    s.channels = channels_;
    s.bias = bias_.data();
    s.scale = scale_.data();
    s.residual = reinterpret_cast<const std::int16_t*>(residual);
    if (stores_float())
      s.out_f32 = reinterpret_cast<float*>(out);
    else
      s.out = reinterpret_cast<std::int16_t*>(out);
    if (stores_float() || by_kernel_)
      kernels_->int16.store(s);
    else
      store_fixed(s);
  }

 private:
  static double bias_code(const PrepareContext& c, std::int64_t o) {
    const AnyTensor& b = c.constant(LayerInputs::bias);
    return load_element(b.dtype(), b.data(), o);
  }

  /// By TFLite's fixed-point arithmetic.
  void store_fixed(const SumsI16& s) const noexcept {
    for (std::int64_t row = 0; row < s.rows; ++row)
      for (std::int64_t o = 0; o < channels_; ++o) {
        const std::int64_t at = row * channels_ + o;
        const std::int64_t sum = std::int64_t{s.high[at]} * 256 + s.low[at] + static_cast<std::int64_t>(bias_[o]);
        std::int64_t q = multiplied(sum, fixed_[static_cast<std::size_t>(o)]);
        if (s.residual) q += multiply_wide(s.residual[at], residual_fixed_);
        s.out[at] = static_cast<std::int16_t>(std::clamp(static_cast<double>(q), s.smallest, s.largest));
      }
  }
  /// TFLite adds in 32 bits, and then multiplies by 32 bits, where the bias has them.
  std::int64_t multiplied(std::int64_t sum, FixedPointMultiplier m) const noexcept {
    const auto narrow = static_cast<std::int32_t>(sum);
    if (!as_int32_ || narrow != sum) return multiply_wide(sum, m);
    return rounding_ == Rounding::tflite_single ? multiply_single_rounding(narrow, m)
                                                : multiply_double_rounding(narrow, m);
  }

  const ByteKernels* kernels_ = nullptr;
  Rounding rounding_ = Rounding::fp32;
  std::int64_t channels_ = 0;
  bool by_kernel_ = true, as_int32_ = false;
  Tensor<double> bias_, scale_;
  std::vector<FixedPointMultiplier> fixed_;  // empty if the output is float
  FixedPointMultiplier residual_fixed_;
  SumsI16 sums_;
};

}  // namespace detail
OCTET_END
