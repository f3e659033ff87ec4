#pragma once
#include "../core/random.hpp"
#include "dropout.hpp"
#include "implement.hpp"

OCTET_BEGIN
namespace detail {

/// Which elements are dropped depends only on the pass, the layer and the element's index. So nothing has to be kept
/// for the backward pass, and the number of threads does not matter.
class DropoutGradient : public GradientStep {
 public:
  DropoutGradient(const PrepareContext& c, double rate)
      : layer_(hash(c.name())),
        threshold_(static_cast<std::uint64_t>(rate * 0x1p32)),
        factor_(static_cast<float>(1 / (1 - rate))) {}

  GradientMemory plan(const GradientPlanContext& c) override {
    size_ = c.inputs[0].shape.elements();
    return {};
  }
  bool reads_input(int) const noexcept override { return false; }
  bool reads_outputs() const noexcept override { return false; }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  bool gradient_can_overwrite(int input) const noexcept override { return input == 0; }
  void forward(const ForwardContext& c) noexcept override {
    drop(*c.pass, reinterpret_cast<const float*>(c.input(0)), reinterpret_cast<float*>(c.output()), *c.pool);
  }
  void backward(const BackwardContext& c) noexcept override {
    drop(*c.pass, c.output_gradient(), c.input_gradient(0), *c.pool);
  }

 private:
  static std::uint64_t hash(const std::string& text) noexcept {  // FNV-1a
    std::uint64_t h = 0xcbf29ce484222325u;
    for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return h;
  }
  /// Each random number is used for two elements.
  void drop(const TrainingPass& pass, const float* from, float* to, ThreadPool& pool) const noexcept {
    const std::uint64_t start = pass.random ^ layer_;
    parallel_parts(pool, size_, 16384, [&](std::int64_t first, std::int64_t count) {
      std::uint64_t bits = 0;
      for (std::int64_t i = first; i < first + count; ++i, bits >>= 32) {
        if (i % 2 == 0) bits = SplitMix::seed_of(start, i / 2);
        to[i] = (bits & 0xffffffffu) < threshold_ ? 0 : from[i] * factor_;
      }
    });
  }

  std::uint64_t layer_, threshold_;
  float factor_;
  std::int64_t size_ = 0;
};

}  // namespace detail

OCTET_API std::vector<Shape> Dropout::shapes(const ShapeContext& c) const {
  c.require(rate >= 0 && rate < 1, "expected a rate in [0, 1), found ", rate);
  return {c.shape(0)};
}

OCTET_API std::unique_ptr<GradientStep> Dropout::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::DropoutGradient>(c, rate);
}

OCTET_END
