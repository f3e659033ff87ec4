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

  /// With the code of one tensor (0, 1), the sum is factor * (code of the other) + offset + zero point, up to rounding.
  std::pair<double, double> line(std::size_t given, int code) const noexcept {
    const AddU8& p = arguments;
    const bool a = (given == 0) != swapped;  // whether arguments.a is given
    const double ra = static_cast<double>(p.scale_a), rb = static_cast<double>(p.scale_b),
                 shift = static_cast<double>(p.shift);
    return a ? std::pair(rb, (code - p.zero_a) * ra - p.zero_b * rb + shift)
             : std::pair(ra, static_cast<double>(std::fma(static_cast<float>(code - p.zero_b), p.scale_b, p.shift)) -
                                 p.zero_a * ra);
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
    p.fused = p.shift == 0 || rounds_once();
  }

  /// The result for one pair of codes, as the kernels compute it.
  std::uint8_t operator()(int a, int b) const noexcept {
    const MulU8& p = arguments;
    const float product = rounded(static_cast<float>((a - p.zero_a) * (b - p.zero_b)) * p.scale);
    return static_cast<std::uint8_t>(
        std::clamp(round_clamped(product + p.shift, -512, 512) + p.zero_point, p.low, p.high));
  }

  /// As SumFormula::line.
  std::pair<double, double> line(std::size_t given, int code) const noexcept {
    const MulU8& p = arguments;
    const double factor = (code - (given == 0 ? p.zero_a : p.zero_b)) * static_cast<double>(p.scale);
    return {factor, static_cast<double>(p.shift) - (given == 0 ? p.zero_b : p.zero_a) * factor};
  }

 private:
  /// Whether all codes are the same if products are not rounded before the shift is added. Both ways rise with the
  /// product and differ from the real number by less than 2^-15, so it is enough to compare them at the products around
  /// the middle of each two codes.
  bool rounds_once() const noexcept {
    const MulU8& p = arguments;
    if (!(p.scale > 0x1p-11f)) return false;
    const double scale = static_cast<double>(p.scale), shift = static_cast<double>(p.shift);
    for (int q = p.low; q < p.high; ++q) {
      const double middle = std::floor((q + 0.5 - shift) / scale);
      for (int i = -1; i <= 2; ++i) {
        const auto product = static_cast<float>(std::clamp(middle + i, -65025.0, 65025.0));
        if (round_clamped(rounded(product * p.scale) + p.shift, -512, 512) !=
            round_clamped(std::fma(product, p.scale, p.shift), -512, 512))
          return false;
      }
    }
    return true;
  }
};

}  // namespace detail
OCTET_END
