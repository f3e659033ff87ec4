#pragma once
#include "../core/bias.hpp"
#include "../core/rounded.hpp"
#include "../kernels/half.hpp"
#include "channel_sums.hpp"
#include "fake_quantize_step.hpp"
#include "fake_quantize_sums.hpp"
#include "fake_quantize_weights.hpp"
#include "shape/views.hpp"
#include "weight_rounding.hpp"

OCTET_BEGIN

OCTET_API std::vector<Shape> FakeQuantizeSums::shapes(const ShapeContext& c) const {
  const Shape &in = c.shape(x), &w = c.shape(weights);
  for (int bits : {input_bits, weight_bits, output_bits})
    c.require(detail::has_codes(bits), "expected ", detail::bits_of_codes, " bits, found ", bits);
  c.require(in.rank() >= 1 && w.rank() >= 1 && (in.back() == Shape::unknown || in.back() == w[0]), "weights of shape ",
            w, " do not match x of shape ", in);
  const auto expect = [&](int i, const Shape& s) {
    if (c.has(i)) c.require(c.shape(i) == s, "input ", i, " has shape ", c.shape(i), ", expected ", s);
  };
  for (int i : {range, out_range}) expect(i, {3});
  for (int i : {scale, out_scale}) expect(i, {1});
  for (int i : {scales, bias, gamma, beta, mean, variance}) expect(i, {w[0]});
  for (int i : {beta, mean, variance})
    c.require(c.has(i) == c.has(gamma), "expected all parameters of a normalization, or none");
  c.require(c.has(out_range) || !c.has(out_scale), "expected the output range together with the output scale");
  return {in};
}

OCTET_API std::unique_ptr<GradientStep> FakeQuantizeSums::prepare_gradient(const PrepareContext&) const {
  return detail::make_step<detail::MovedBack>(detail::make_view_step(), detail::make_view_step());
}

namespace detail {

/// Computes the same as folding, convert and the integer layer's Requantizer.
class FakeQuantizeSumsStep : public Step {
 public:
  FakeQuantizeSumsStep(const PrepareContext& c, const FakeQuantizeSums& op) : simd_(&c.kernels()) {
    using In = FakeQuantizeSums;
    const auto input = static_cast<double>(step_of(c, In::range, In::scale, op.input_bits));
    if (!(input > 0)) return;
    sums_.step = c.has(In::out_range) ? step_of(c, In::out_range, In::out_scale, op.output_bits) : 0;
    const double output = sums_.step > 0 ? static_cast<double>(sums_.step) : 1;
    const Tensor<float> w = floats(c, In::weights), scales = floats(c, In::scales), bias = floats(c, In::bias),
                        gamma = floats(c, In::gamma), beta = floats(c, In::beta), mean = floats(c, In::mean),
                        variance = floats(c, In::variance);
    const std::int64_t channels = w.shape()[0], size = w.size() / std::max<std::int64_t>(1, channels);
    for (Tensor<float>* t : {&bias_, &inverse_, &unit_}) *t = pad_columns<float>(nullptr, channels);
    code_ = pad_columns<std::int32_t>(nullptr, channels);
    WeightRounding rounding(c.kernels(), op.weight_bits);
    rounding.plan(w.shape());
    Tensor<float> rounded = Tensor<float>::uninitialized(w.shape());
    const float* learned = c.has(In::scales) ? scales.data() : nullptr;
    rounding.run(w.data(), learned, rounded.data(), *default_pool());
    for (std::int64_t o = 0; o < channels; ++o) {
      double factor = 1, shift = 0;
      if (c.has(In::gamma)) {
        factor = static_cast<double>(gamma[o]) / std::sqrt(static_cast<double>(variance[o]) + op.epsilon);
        shift = static_cast<double>(beta[o]) - detail::rounded(static_cast<double>(mean[o]) * factor);
      }
      if (c.has(In::bias)) shift += detail::rounded(static_cast<double>(bias[o]) * factor);
      float largest = 0;
      for (std::int64_t i = o * size; i < (o + 1) * size; ++i) largest = std::max(largest, std::abs(rounded[i]));
      const float own = rounding.scale(w.data(), learned, o);
      if (!std::isfinite(own) || !std::isfinite(factor) || !std::isfinite(shift)) {
        inverse_[o] = std::numeric_limits<float>::quiet_NaN();  // x is unchanged
        continue;
      }
      bias_[o] = static_cast<float>(shift);
      const std::int32_t code = largest_code(largest, own);
      const auto folded = static_cast<float>(static_cast<double>(largest) * std::abs(factor));
      const double unit = bias_unit(input, weight_scale({-folded, folded}, code, least_scale(bias_[o], input)));
      code_[o] = bias_code(bias_[o], unit);
      inverse_[o] = static_cast<float>(1 / unit);
      unit_[o] = static_cast<float>(unit / output);
    }
    sums_.bias = bias_.data();
    sums_.inverse = inverse_.data();
    sums_.unit = unit_.data();
    sums_.code = code_.data();
  }
  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    chunks_ = RowChunks(in.product(0, in.rank() - 1), in.back());
    return 0;
  }
  bool is_view() const noexcept override { return sums_.bias == nullptr; }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  void run(const RunContext& c) noexcept override {
    chunks_.parallel(*c.pool, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
      RoundedSums s = sums_;
      const std::int64_t at = first * chunks_.channels;
      s.in = {reinterpret_cast<const float*>(c.input(0)) + at, rows, chunks_.channels};
      s.y = reinterpret_cast<float*>(c.output()) + at;
      simd_->gradient.round_sums(s);
    });
  }

 private:
  static Tensor<float> floats(const PrepareContext& c, int i) {
    return c.has(i) ? to_float(c.constant(i).ref()) : Tensor<float>();
  }
  /// The scale of the observed range; 0 if nothing was observed.
  static float step_of(const PrepareContext& c, int range, int scale, int bits) {
    const Tensor<float> r = floats(c, range), learned = floats(c, scale);
    if (!(r[2] > 0)) return 0;
    return FakeQuantization(c.kernels(), bits)
        .params({r[0], r[1], r[2]}, c.has(scale) ? learned.data() : nullptr)
        .scale;
  }

  const Kernels* simd_;
  Tensor<float> bias_, inverse_, unit_;
  Tensor<std::int32_t> code_;
  RoundedSums sums_;
  RowChunks chunks_;
};

}  // namespace detail

OCTET_API std::unique_ptr<Step> FakeQuantizeSums::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::FakeQuantizeSumsStep>(c, *this);
}

OCTET_END
