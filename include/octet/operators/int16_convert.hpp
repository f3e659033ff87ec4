#pragma once
#include "../core/affine.hpp"
#include "../graph/lost_numbers.hpp"
#include "elementwise_step.hpp"
#include "int16_sums.hpp"

/// Conversions between 16-bit activations and others.
OCTET_BEGIN
namespace detail {

/// Between float and int16, or int16 and integers of the other formats.
class Int16Convert : public ElementwiseStep {
 public:
  Int16Convert(const PrepareContext& c, const Value& x, const Value& y)
      : kernels_(&byte_kernels(c.kernels().isa).int16), rounding_(c.own_rounding()), in_(bits(x.dtype) / 8) {
    out_ = bits(y.dtype) / 8;
    if (x.is_quantized()) from_ = c.one_scale(x);
    if (y.is_quantized()) to_ = c.one_scale(y);
    if (!from_ || !to_) return;
    codes_.scale_in = static_cast<double>(from_.scale[0]);
    codes_.scale_out = static_cast<double>(to_.scale[0]);
    codes_.zero_in = from_.zero_point[0];
    codes_.zero_out = to_.zero_point[0];
    ratio_ = FixedPointMultiplier(codes_.scale_in / codes_.scale_out);
  }
  /// Whether it converts between these. Both values are quantized with one scale, or one of them is float.
  static bool has(const Value& x, const Value& y) {
    const auto is_int16 = [](const Value& v) {
      return int16_format.computes(v.dtype) && v.has_one_scale() && v.quant.zero_point[0] == 0;
    };
    const auto other = [&](const Value& v) {
      return is_int16(v) || v.dtype == DType::f32 || (int8_format.computes(v.dtype) && v.has_one_scale());
    };
    return (is_int16(x) && other(y)) || (other(x) && is_int16(y));
  }

 private:
  void compute(const RunContext& c, std::int64_t first, std::int64_t count) const noexcept override {
    const std::byte* in = c.input(0) + first * in_;
    std::byte* out = c.output() + first * out_;
    if (!from_) {
      const auto* x = reinterpret_cast<const float*>(in);
      const double scale = static_cast<double>(to_.scale[0]);
      if (!kernels_->quantize({x, reinterpret_cast<std::int16_t*>(out), count, scale})) report_lost_number(c);
    } else if (!to_) {
      kernels_->dequantize(
          {reinterpret_cast<const std::int16_t*>(in), reinterpret_cast<float*>(out), count, from_.scale[0]});
    } else if (rounding_ != Rounding::fp32) {
      fixed(in, out, count);
    } else {
      ConvertCodes p = codes_;
      p.in = in;
      p.out = out;
      p.count = count;
      (in_ == 1 ? kernels_->from_u8 : out_ == 1 ? kernels_->to_u8 : kernels_->rescale)(p);
    }
  }

  /// By TFLite's fixed-point arithmetic.
  void fixed(const std::byte* in, std::byte* out, std::int64_t count) const noexcept {
    const std::int64_t low = out_ == 1 ? 0 : -32768, high = out_ == 1 ? 255 : 32767;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int32_t x =
          (in_ == 1 ? std::int32_t{load_as<std::uint8_t>(in, i)} : std::int32_t{load_as<std::int16_t>(in, i)}) -
          codes_.zero_in;
      const std::int64_t q = rounding_ == Rounding::tflite_single ? multiply_single_rounding(x, ratio_)
                                                                  : multiply_double_rounding(x, ratio_);
      const std::int64_t code = std::clamp(q + codes_.zero_out, low, high);
      if (out_ == 1)
        store_as(out, i, static_cast<std::uint8_t>(code));
      else
        store_as(out, i, static_cast<std::int16_t>(code));
    }
  }

  const Int16Kernels* kernels_;
  Rounding rounding_;
  int in_, out_ = 0;  // bytes of an element
  QuantParams from_, to_;
  ConvertCodes codes_;
  FixedPointMultiplier ratio_;
};

}  // namespace detail
OCTET_END
