#pragma once
#include "../../core/rounded.hpp"
#include "../../kernels/bytes.hpp"
#include "../../kernels/requantize.hpp"
#include "../activation_codes.hpp"
#include "../activation_range.hpp"
#include "../implement.hpp"
#include "kind.hpp"

/// How two quantized tensors (uint8) with scales sa, sb and zero points za, zb become one of scale sy, zero point zy:
///   sums      round(fma(a, sa / sy, fma(b, sb / sy, zy - fma(sa / sy, za, sb / sy * zb))))
///   products  round((a - za) * (b - zb) * (sa * sb / sy) + zy)
/// These are ONNX Runtime's QLinearAdd and QLinearMul to the bit; ties go to even codes. Differences, which it computes
/// in float, sums with much finer results, and everything with Rounding::fp32_centered are rounded before zy is added:
///   sums      round(fma(b - zb, sb / sy, (a - za) * (sa / sy))) + zy
///   products  round((a - za) * (b - zb) * (sa * sb / sy)) + zy
/// With Rounding::xnnpack, products are so, too, and sums as XnnpackSum has them.
OCTET_BEGIN
namespace detail {

constexpr double most_for_kernels = 2147483000;  // codes: the kernels' conversion to integers is exact below 2^31
constexpr double most_for_shift = 1 << 20;       // codes: beyond, a float would hold the shift to tenths of a code only

/// A sum or difference: the kernel's arguments but for its arrays.
struct SumFormula {
  AddU8 arguments;
  bool swapped = false;     // arguments.a is the second tensor
  bool for_kernel = false;  // the kernels' numbers are in their range

  SumFormula() = default;
  SumFormula(const PrepareContext& c, BinaryKind kind, const ActivationRange& range) {
    const QuantParams &a = params_of(int8_format, c, c.input(0)), &b = params_of(int8_format, c, c.input(1)),
                      &y = params_of(int8_format, c, c.output());
    const double sa = static_cast<double>(a.scale[0]), sb = static_cast<double>(b.scale[0]),
                 sy = static_cast<double>(y.scale[0]);
    const float ra = c.multiplier(sa / sy), rb = c.multiplier(sb / sy);
    const std::int32_t za = a.zero_point[0], zb = b.zero_point[0], zy = y.zero_point[0];
    const IntegerRange limits = quantized_range(range, c.output());
    AddU8& p = arguments;
    p.low = static_cast<std::int32_t>(limits.low);
    p.high = static_cast<std::int32_t>(limits.high);
    const double largest = 255 * (sa + sb) / sy;
    for_kernel = largest < most_for_kernels;
    swapped = kind != BinaryKind::add || c.rounds_centered() || largest > most_for_shift;
    if (swapped) {
      p.scale_a = kind == BinaryKind::sub ? -rb : rb;
      p.scale_b = ra;
      p.zero_a = zb;
      p.zero_b = za;
      p.zero_point = zy;
    } else {
      const auto fa = static_cast<float>(za), fb = static_cast<float>(zb);
      p.scale_a = ra;
      p.scale_b = rb;
      p.shift = static_cast<float>(zy) - std::fma(ra, fa, rounded(rb * fb));
    }
  }

  /// The result for one pair of codes, as the kernels compute it.
  std::uint8_t operator()(int a, int b) const noexcept {
    const AddU8& p = arguments;
    if (swapped) std::swap(a, b);
    const float inner = std::fma(static_cast<float>(b - p.zero_b), p.scale_b, p.shift),
                sum = std::fma(static_cast<float>(a - p.zero_a), p.scale_a, inner);
    return static_cast<std::uint8_t>(std::clamp(round_clamped(sum, -512, 512) + p.zero_point, p.low, p.high));
  }
};

/// A product.
struct ProductFormula {
  MulU8 arguments;
  bool for_kernel = false;

  ProductFormula() = default;
  ProductFormula(const PrepareContext& c, const ActivationRange& range) {
    const QuantParams &a = params_of(int8_format, c, c.input(0)), &b = params_of(int8_format, c, c.input(1)),
                      &y = params_of(int8_format, c, c.output());
    const double ratio =
        static_cast<double>(a.scale[0]) * static_cast<double>(b.scale[0]) / static_cast<double>(y.scale[0]);
    const IntegerRange limits = quantized_range(range, c.output());
    MulU8& p = arguments;
    p.low = static_cast<std::int32_t>(limits.low);
    p.high = static_cast<std::int32_t>(limits.high);
    p.zero_a = a.zero_point[0];
    p.zero_b = b.zero_point[0];
    for_kernel = 255.0 * 255.0 * ratio < most_for_kernels;
    if (c.rounds_centered()) {
      p.scale = c.multiplier(ratio);
      p.zero_point = y.zero_point[0];
    } else {
      p.scale = c.multiplier(static_cast<double>(tflite_ratio(a.scale[0], b.scale[0], y.scale[0])));
      if (c.as_xnnpack())
        p.zero_point = y.zero_point[0];
      else
        p.shift = static_cast<float>(y.zero_point[0]);
    }
  }

  /// The result for one pair of codes, as the kernels compute it.
  std::uint8_t operator()(int a, int b) const noexcept {
    const MulU8& p = arguments;
    const float product = rounded(static_cast<float>((a - p.zero_a) * (b - p.zero_b)) * p.scale);
    return static_cast<std::uint8_t>(
        std::clamp(round_clamped(product + p.shift, -512, 512) + p.zero_point, p.low, p.high));
  }
};

}  // namespace detail
OCTET_END
