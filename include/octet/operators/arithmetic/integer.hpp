#pragma once
#include "../../kernels/requantize.hpp"
#include "../activation_codes.hpp"
#include "../activation_range.hpp"
#include "broadcast.hpp"
#include "function.hpp"

OCTET_BEGIN
namespace detail {

/// Sum, difference or product of two quantized tensors (uint8) with different scales, requantized to the output's
/// scale.
class IntegerBinary : public Step {
 public:
  IntegerBinary(const PrepareContext& c, BinaryKind kind, const ActivationRange& range)
      : kind_(kind), simd_(&c.kernels()), rounding_(c.rounding()) {
    const QuantParams &a = params_of(int8_format, c, c.input(0)), &b = params_of(int8_format, c, c.input(1)),
                      &y = params_of(int8_format, c, c.output());
    const double sa = static_cast<double>(a.scale[0]), sb = static_cast<double>(b.scale[0]),
                 sy = static_cast<double>(y.scale[0]);
    params_.zero_a = a.zero_point[0];
    params_.zero_b = b.zero_point[0];
    params_.zero_point = y.zero_point[0];
    const IntegerRange q = quantized_range(range, c.output());
    params_.low = static_cast<std::int32_t>(q.low);
    params_.high = static_cast<std::int32_t>(q.high);
    const double sign = kind == BinaryKind::sub ? -1 : 1;  // of the second operand
    if (kind == BinaryKind::mul)
      product_scale_ = c.multiplier(sa * sb / sy);
    else {
      params_.scale_a = c.multiplier(sa / sy);
      params_.scale_b = static_cast<float>(sign) * c.multiplier(sb / sy);
    }
    // The kernel's conversion to integers is exact below 2^31. Otherwise, and for other roundings, compute one by one.
    by_kernel_ = kind != BinaryKind::mul && rounding_ == Rounding::fp32 && 255 * (sa + sb) / sy < 2147483000.0;
    product_ = FixedPointMultiplier(static_cast<double>(tflite_ratio(a.scale[0], b.scale[0], y.scale[0])));
    // TFLite first converts both to a common scale with 20 additional bits.
    const double common = 2 * std::max(sa, sb);
    input_a_ = FixedPointMultiplier(sa / common);
    input_b_ = FixedPointMultiplier(sb / common);
    sum_ = FixedPointMultiplier(common / (static_cast<double>(1 << 20) * sy));
  }

  std::size_t plan(const PlanContext& c) override {
    runs_ = BroadcastRuns({&c.inputs[0].shape, &c.inputs[1].shape}, c.outputs[0].shape);
    for (int k = 0; k < 2; ++k) overwrite_[k] = c.inputs[static_cast<std::size_t>(k)].shape == c.outputs[0].shape;
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input < 2 && overwrite_[input]; }

  void run(const RunContext& c) noexcept override {
    const auto* a = reinterpret_cast<const std::uint8_t*>(c.input(0));
    const auto* b = reinterpret_cast<const std::uint8_t*>(c.input(1));
    auto* out = reinterpret_cast<std::uint8_t*>(c.output());
    runs_.parallel(*c.pool, [&](std::int64_t i, std::int64_t j, std::int64_t o, std::int64_t n) {
      one_run(a + i, b + j, out + o, n);
    });
  }

 private:
  void one_run(const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* out, std::int64_t n) const noexcept {
    const std::int64_t step_a = runs_.moves(0), step_b = runs_.moves(1);
    if (by_kernel_ && step_a && step_b) {
      AddU8 p = params_;
      p.a = a;
      p.b = b;
      p.out = out;
      p.count = n;
      return simd_->add_u8(p);
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int32_t x = a[i * step_a] - params_.zero_a, y = b[i * step_b] - params_.zero_b;
      const std::int64_t q = std::int64_t{kind_ == BinaryKind::mul ? product(x, y) : sum(x, y)} + params_.zero_point;
      out[i] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(q, params_.low, params_.high));
    }
  }

  std::int32_t product(std::int32_t x, std::int32_t y) const noexcept {
    switch (rounding_) {
      case Rounding::tflite_double: return multiply_double_rounding(x * y, product_);
      case Rounding::tflite_single: return multiply_single_rounding(x * y, product_);
      case Rounding::litert:  // tflite_double, see PrepareContext::rounding
      case Rounding::fp32: break;
    }
    return round_clamped(static_cast<float>(x * y) * product_scale_, -512, 512);
  }

  std::int32_t sum(std::int32_t x, std::int32_t y) const noexcept {
    if (rounding_ == Rounding::fp32)
      return round_clamped(std::fma(static_cast<float>(y), params_.scale_b, static_cast<float>(x) * params_.scale_a),
                           -512, 512);
    const bool twice = rounding_ == Rounding::tflite_double;
    const auto scale = [twice](std::int32_t v, FixedPointMultiplier m) {
      return twice ? multiply_double_rounding(v, m) : multiply_single_rounding(v, m);
    };
    const std::int32_t sx = scale(x * (1 << 20), input_a_), sy = scale(y * (1 << 20), input_b_);
    return scale(kind_ == BinaryKind::sub ? sx - sy : sx + sy, sum_);
  }

  BinaryKind kind_;
  const Kernels* simd_;
  Rounding rounding_;
  AddU8 params_;
  float product_scale_ = 1;
  bool by_kernel_ = false;
  FixedPointMultiplier product_, input_a_, input_b_, sum_;
  BroadcastRuns runs_;
  bool overwrite_[2] = {false, false};
};

}  // namespace detail
OCTET_END
