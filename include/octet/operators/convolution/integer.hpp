#pragma once
#include "../requantizer.hpp"
#include "step.hpp"

OCTET_BEGIN
namespace detail {

/// Convolution of integer images and weights. The sums are requantized to the output's scale, or scaled to float if the
/// output is float.
class IntegerConvolution : public ConvolutionStep {
 public:
  /// depthwise: rounds as a depthwise convolution, even if there is one group.
  IntegerConvolution(const PrepareContext& c, const Window& window, std::int64_t groups, const ActivationRange& range,
                     bool depthwise = false)
      : ConvolutionStep(window, groups) {
    const bool as_int8 = is_signed(c.input(ConvolutionInputs::weights).dtype);
    const IntegerWeights weights(c, !as_int8);
    zero_point_ = weights.input_zero_point;
    requantizer_ = Requantizer(c, weights, range, ConvolutionInputs::residual, as_int8 && groups == 1 && !depthwise);
    ConvolutionWeights<std::int8_t> w =
        weights.of_convolution(kernel_window(window), groups, c.constant(ConvolutionInputs::weights).shape().back());
    w.order = requantizer_.order();
    w.small =
        weights.small && has_packed_codes(c.input(ConvolutionInputs::weights).dtype) && w.small_anywhere(c.kernels());
    w.memory = requantizer_.by_kernel() ? c.options().memory : WeightMemory::small;
    w.init = reinterpret_cast<const std::int32_t*>(requantizer_.init());
    kernels_ = {c.kernels(), w};
  }
  std::size_t packed_bytes() const noexcept override { return kernels_.packed_bytes() + requantizer_.packed_bytes(); }

  const char* form() const noexcept override { return kernels_.form(); }
  std::size_t plan(const ConvolutionShape& s, int threads) override {
    start_plan(s);
    return kernels_.plan(s, threads);
  }
  void run(const RunContext& c) noexcept override {
    Epilogue e = requantizer_.epilogue(c.output(), c.input(ConvolutionInputs::residual));
    e.pooled = pooled();
    kernels_.run(c.input(0), requantizer_.init(), padding_.bytes(), e, requantizer_.out_element(), c.scratch, *c.pool);
  }

  bool can_pool() const noexcept override { return kernels_.can_pool(); }

  bool runs_bands(bool) const noexcept override { return requantizer_.by_kernel(); }
  std::size_t plan_bands(const ConvolutionShape& s, std::int64_t rows) override {
    start_plan(s);
    return kernels_.plan_rows(s, rows);
  }
  void run_band(const Band& b) noexcept override {
    const Epilogue e = requantizer_.kernel_epilogue(b.out, b.residual);
    kernels_.run_rows(b.in, requantizer_.init(), padding_.bytes(), e, requantizer_.out_element(), b.scratch, b.first,
                      b.last, out_w_);
  }

 private:
  void start_plan(const ConvolutionShape& s) {
    padding_ = Tensor<std::uint8_t>({kernels_.padding_bytes(s)});
    std::fill(padding_.begin(), padding_.end(), static_cast<std::uint8_t>(zero_point_));
    requantizer_.plan(s.out_c);
    out_w_ = s.out_w;
  }

  AnyConvolution<std::int8_t> kernels_;
  std::int32_t zero_point_ = 0;
  std::int64_t out_w_ = 0;
  Requantizer requantizer_;
  Tensor<std::uint8_t> padding_;
};

}  // namespace detail
OCTET_END
