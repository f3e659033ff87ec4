#pragma once
#include "../kernels/requantize.hpp"
#include "unary_function.hpp"

/// Fixed-point functions of one quantized value, as in TFLite's kernels: from a code minus its zero point to an output
/// code minus its zero point.
OCTET_BEGIN
namespace detail {

/// Converts a number to another scale, with single or double rounding.
struct FixedScale {
  FixedPointMultiplier multiplier;
  bool twice = false;

  std::int32_t operator()(std::int32_t x) const noexcept {
    return twice ? multiply_double_rounding(x, multiplier) : multiply_single_rounding(x, multiplier);
  }
};

/// HARD_SWISH in 16 bits, independent of the rounding of other layers.
class FixedHardSwish {
 public:
  FixedHardSwish(float input_scale, float output_scale) {
    const auto fine = static_cast<float>(input_scale * (1.0f / 128));
    const FixedPointMultiplier output(static_cast<double>(fine / output_scale)),
        gate(static_cast<double>(fine / (3.0f / 32768)));
    output_ = half_of(output.mantissa);
    output_shift_ = output.shift;
    gate_ = half_of(gate.mantissa);
    gate_shift_ = gate.shift;
  }

  /// TFLite refuses output scales below 1/128 of the input's.
  bool defined() const noexcept { return output_shift_ <= 0; }

  std::int32_t operator()(std::int32_t x) const noexcept {
    const std::int32_t fine = x * 128, scaled = multiply(fine, output_);
    // min(max(x / 3, -1), 1) in units of 2^-15. Values that saturate before the last doubling saturate after it, too.
    std::int32_t gate = gate_shift_ > 0 ? shifted_left(fine, gate_shift_ - 1) : fine;
    gate = multiply(gate, gate_);
    if (gate_shift_ > 0) gate = shifted_left(gate, 1);
    if (gate_shift_ < 0) gate = rounding_divide_by_power_of_two(gate, -gate_shift_);
    gate = (gate + (1 << 15)) >> 1;
    return rounding_divide_by_power_of_two(gate * scaled / (1 << 15), -output_shift_);
  }

 private:
  /// The upper 16 bits of a multiplier, rounded.
  static std::int32_t half_of(std::int32_t m) noexcept {
    return static_cast<std::int32_t>(std::min<std::int64_t>((std::int64_t{m} + (1 << 15)) >> 16, 32767));
  }
  /// a * b / 2^15, half up; b is not negative.
  static std::int32_t multiply(std::int32_t a, std::int32_t b) noexcept {
    const std::int32_t ab = a * b;
    return (ab + (ab >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15);
  }
  static std::int32_t shifted_left(std::int32_t x, int amount) noexcept {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(x * (std::int64_t{1} << amount), -32768, 32767));
  }

  std::int32_t output_ = 0, gate_ = 0;
  int output_shift_ = 0, gate_shift_ = 0;
};

/// Calls use(g) with the fixed-point form of f, which may be kept, if TFLite has one. Returns whether it has.
template <class Use>
bool with_fixed_point(const UnaryFunction& f, float input_scale, float output_scale, bool twice, Use use) {
  const FixedScale same{FixedPointMultiplier(static_cast<double>(input_scale / output_scale)), twice};
  if (f.kind == UnaryKind::hard_swish) {
    const FixedHardSwish g(input_scale, output_scale);
    if (g.defined()) use(g);
    return g.defined();
  }
  if (f.kind == UnaryKind::leaky_relu && f.first >= 0) {
    const float ratio = tflite_ratio(input_scale, static_cast<float>(f.first), output_scale);
    const FixedScale negative{FixedPointMultiplier(static_cast<double>(ratio)), twice};
    use([=](std::int32_t x) { return x < 0 ? negative(x) : same(x); });
    return true;
  }
  if (f.kind == UnaryKind::clip) {
    const auto limit = [&](double x) { return std::round(static_cast<double>(static_cast<float>(x) / output_scale)); };
    const double low = limit(f.first), high = limit(f.second);
    use([=](std::int32_t x) { return std::min(std::max(static_cast<double>(same(x)), low), high); });
    return true;
  }
  return false;
}

}  // namespace detail
OCTET_END
