#pragma once
#include "../int16_sums.hpp"
#include "broadcast.hpp"
#include "function.hpp"

OCTET_BEGIN
namespace detail {

/// Sum, difference or product of two 16-bit tensors with different scales, requantized to the output's scale.
class Int16Binary : public Step {
 public:
  Int16Binary(const PrepareContext& c, BinaryKind kind, const ActivationRange& range)
      : kind_(kind), kernels_(&byte_kernels(c.kernels().isa)), rounding_(c.own_rounding()) {
    const double sa = int16_scale(c, c.input(0)), sb = int16_scale(c, c.input(1)), sy = int16_scale(c, c.output());
    const IntegerRange q = quantized_range(range, c.output());
    params_.smallest = static_cast<double>(q.low);
    params_.largest = static_cast<double>(q.high);
    params_.scale_a = (kind == BinaryKind::mul ? sa * sb : sa) / sy;
    params_.scale_b = (kind == BinaryKind::sub ? -sb : sb) / sy;
    c.multiplier(params_.scale_a);
    c.multiplier(std::abs(params_.scale_b));
    if (rounding_ == Rounding::fp32) return;
    product_ = FixedPointMultiplier(static_cast<double>(
        tflite_ratio(c.input(0).quant.scale[0], c.input(1).quant.scale[0], c.output().quant.scale[0])));
    // TFLite first converts both to a common scale with 15 additional bits.
    const double common = 2 * std::max(sa, sb);
    input_a_ = FixedPointMultiplier(sa / common);
    input_b_ = FixedPointMultiplier(sb / common);
    sum_ = FixedPointMultiplier(common / ((1 << extra_bits) * sy));
  }

  std::size_t plan(const PlanContext& c) override {
    runs_ = BroadcastRuns({&c.inputs[0].shape, &c.inputs[1].shape}, c.outputs[0].shape);
    for (std::size_t k = 0; k < 2; ++k) overwrite_[k] = c.inputs[k].shape == c.outputs[0].shape;
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input < 2 && overwrite_[input]; }

  void run(const RunContext& c) noexcept override {
    BinaryI16 p = params_;
    p.moves_a = runs_.moves(0);
    p.moves_b = runs_.moves(1);
    const auto* a = reinterpret_cast<const std::int16_t*>(c.input(0));
    const auto* b = reinterpret_cast<const std::int16_t*>(c.input(1));
    auto* out = reinterpret_cast<std::int16_t*>(c.output());
    runs_.parallel(*c.pool, [&](std::int64_t i, std::int64_t j, std::int64_t o, std::int64_t n) {
      BinaryI16 run = p;
      run.a = a + i;
      run.b = b + j;
      run.out = out + o;
      run.count = n;
      if (rounding_ != Rounding::fp32) return fixed(run);
      (kind_ == BinaryKind::mul ? kernels_->int16.mul : kernels_->int16.add)(run);
    });
  }

 private:
  static constexpr int extra_bits = 15;

  /// By TFLite's fixed-point arithmetic.
  void fixed(const BinaryI16& p) const noexcept {
    for (std::int64_t i = 0; i < p.count; ++i) {
      const std::int32_t q = code(p.a[p.moves_a ? i : 0], p.b[p.moves_b ? i : 0]);
      p.out[i] = static_cast<std::int16_t>(std::clamp(static_cast<double>(q), p.smallest, p.largest));
    }
  }
  std::int32_t code(std::int32_t a, std::int32_t b) const noexcept {
    const auto scale = [this](std::int32_t v, FixedPointMultiplier m) {
      return rounding_ == Rounding::tflite_single ? multiply_single_rounding(v, m) : multiply_double_rounding(v, m);
    };
    if (kind_ == BinaryKind::mul) return scale(a * b, product_);
    const std::int32_t x = scale(a * (1 << extra_bits), input_a_), y = scale(b * (1 << extra_bits), input_b_);
    return scale(kind_ == BinaryKind::sub ? x - y : x + y, sum_);
  }

  BinaryKind kind_;
  const ByteKernels* kernels_;
  Rounding rounding_;
  BinaryI16 params_;
  FixedPointMultiplier product_, input_a_, input_b_, sum_;
  BroadcastRuns runs_;
  bool overwrite_[2] = {false, false};
};

}  // namespace detail
OCTET_END
