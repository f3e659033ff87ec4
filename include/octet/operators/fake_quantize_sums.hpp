#pragma once
#include "channel_sums.hpp"
#include "fake_quantize_step.hpp"
#include "fake_quantize_weights.hpp"
#include "shape/views.hpp"

OCTET_BEGIN
namespace detail {

class FakeQuantizeSumsStep : public Step {
 public:
  FakeQuantizeSumsStep(const PrepareContext& c, int input_bits, int weight_bits, double epsilon) : simd_(&c.kernels()) {
    const auto floats = [&](int i) { return c.has(i) ? to_float(c.constant(i).ref()) : Tensor<float>(); };
    const Tensor<float> range = floats(1), w = floats(2), scale = floats(3), scales = floats(4), gamma = floats(5),
                        variance = floats(6);
    if (!(range[2] > 0)) return;
    const float input = FakeQuantization(c.kernels(), input_bits)
                            .params({range[0], range[1], range[2]}, c.has(3) ? scale.data() : nullptr)
                            .scale;
    WeightRounding rounding(c.kernels(), weight_bits);
    rounding.plan(w.shape());
    const std::int64_t channels = w.shape()[0], size = w.size() / std::max<std::int64_t>(1, channels);
    for (std::int64_t o = 0; o < channels; ++o) {
      const auto zero = [](float x) { return x == 0; };
      double unit = static_cast<double>(input) *
                    static_cast<double>(rounding.scale(w.data(), c.has(4) ? scales.data() : nullptr, o));
      if (c.has(5)) {
        unit *= std::abs(static_cast<double>(gamma[o])) / std::sqrt(static_cast<double>(variance[o]) + epsilon);
      }
      if (std::all_of(w.data() + o * size, w.data() + (o + 1) * size, zero)) unit = 0;  // biases are as they are
      units_.push_back(static_cast<float>(unit));
      inverses_.push_back(static_cast<float>(1 / unit));
    }
  }
  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    chunks_ = RowChunks(in.product(0, in.rank() - 1), in.back());
    return 0;
  }
  bool is_view() const noexcept override { return units_.empty(); }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  void run(const RunContext& c) noexcept override {
    chunks_.parallel(*c.pool, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
      const std::int64_t at = first * chunks_.channels;
      simd_->gradient.round_channels({reinterpret_cast<const float*>(c.input(0)) + at, rows, chunks_.channels},
                                     units_.data(), inverses_.data(), reinterpret_cast<float*>(c.output()) + at);
    });
  }

 private:
  const Kernels* simd_;
  std::vector<float> units_, inverses_;  // one a channel
  RowChunks chunks_;
};

}  // namespace detail

/// The result of a layer as an int32 sum holds it: a multiple of input scale times weight scale (times the factor of
/// the batch normalization behind it), to which its bias is rounded. In inference only: statistics of a batch make no
/// difference of it, and training passes it by. Inputs: x [..., O]; of the layer's input, the range and the learned
/// scale (FakeQuantize); its weights and their learned scales (FakeQuantizeWeights); the normalization's gamma and
/// variance; in the order x, range, weights, scale, scales, gamma, variance. All but the first three are optional.
class FakeQuantizeSums : public detail::OperatorOf<FakeQuantizeSums> {
 public:
  static constexpr const char* type_name = "FakeQuantizeSums";
  int input_bits = 8, weight_bits = 8;
  double epsilon = 0;

  void fields(FieldVisitor& v) override {
    v.field("input_bits", input_bits);
    v.field("weight_bits", weight_bits);
    v.field("epsilon", epsilon);
  }
  std::vector<Shape> shapes(const ShapeContext& c) const override {
    const Shape &x = c.shape(0), &w = c.shape(2);
    for (int bits : {input_bits, weight_bits}) c.require(bits == 8 || bits == 4, "rounds to 8 or 4 bits, not ", bits);
    c.require(c.shape(1) == Shape{3}, "a range has shape ", c.shape(1), ", expected [3]");
    c.require(x.rank() >= 1 && w.rank() >= 1 && (x.back() == Shape::unknown || x.back() == w[0]), "weights of shape ",
              w, " do not give ", x);
    if (c.has(3)) c.require(c.shape(3) == Shape{1}, "a scale has shape ", c.shape(3), ", expected [1]");
    c.require(c.has(5) == c.has(6), "takes gamma and variance, or neither");
    for (int i : {4, 5, 6})
      if (c.has(i))
        c.require(c.shape(i) == Shape{w[0]}, "input ", i, " has shape ", c.shape(i), ", expected [", w[0], "]");
    return {x};
  }
  std::unique_ptr<Step> prepare(const PrepareContext& c) const override {
    return std::make_unique<detail::FakeQuantizeSumsStep>(c, input_bits, weight_bits, epsilon);
  }
  std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext&) const override {
    return std::make_unique<detail::MovedBack>(std::make_unique<detail::ViewStep>(),
                                               std::make_unique<detail::ViewStep>());
  }
  Learning learning(int input) const override { return input == 0 ? Learning::none : Learning::elsewhere; }
};

OCTET_END
