#pragma once
#include "../../kernels/merged_groups.hpp"
#include "../int16_sums.hpp"
#include "step.hpp"

OCTET_BEGIN
namespace detail {

/// Convolution of 16-bit images with 8-bit weights.
class Int16Convolution : public ConvolutionStep {
 public:
  /// depthwise: rounds as a depthwise convolution, even if there is one group.
  Int16Convolution(const PrepareContext& c, const Window& window, std::int64_t groups, const ActivationRange& range,
                   bool depthwise = false)
      : ConvolutionStep(window, groups) {
    Int16Sums::check(c, ConvolutionInputs::residual);
    const CenteredWeights weights(c.constant(ConvolutionInputs::weights),
                                  c.input(ConvolutionInputs::weights).quant.zero_point);
    sums_ = Int16Sums(c, weights, range, ConvolutionInputs::residual, groups == 1 && !depthwise);
    ConvolutionWeights<std::int8_t> w =
        weights.of_convolution(kernel_window(window), groups, c.constant(ConvolutionInputs::weights).shape().back());
    w.wide_images = true;
    constexpr std::int64_t most_taps = 65535 / 128;  // whose products have a sum of 32 bits
    by_channel_ = groups > 1 && groups == w.out_c && w.group_in == 1 && w.k() * w.repeat <= most_taps;
    if (!by_channel_) {
      const MergedGroups merged(w);
      merged_ = merged.count();
      by_matrix_ = {c.kernels(), merged.weights(w)};
      return;
    }
    const std::vector<std::int16_t> values(weights.values.begin(), weights.values.end());
    ConvolutionWeights<std::int16_t> wide;
    wide.values = values.data();
    wide.out_c = w.out_c;
    wide.window = w.window;
    wide.groups = groups;
    wide.group_in = 1;
    wide.repeat = w.repeat;
    depthwise_ = {c.kernels(), wide};
  }
  std::size_t packed_bytes() const noexcept override {
    return sums_.packed_bytes() + (by_channel_ ? depthwise_.packed_bytes() : by_matrix_.packed_bytes());
  }
  const char* form() const noexcept override { return by_channel_ ? depthwise_.form() : by_matrix_.form(); }

  std::size_t plan(const ConvolutionShape& shape, int threads) override {
    ConvolutionShape s = shape;
    s.groups /= merged_;
    const std::int64_t padding = by_channel_ ? s.in_w * s.in_c : s.kernel_w * s.group_in();
    padding_ = Tensor<std::int16_t>({padding});
    return by_channel_ ? depthwise_.plan(s, threads) : by_matrix_.plan(s, threads);
  }
  void run(const RunContext& c) noexcept override {
    const Epilogue e = sums_.epilogue(c.output(), c.input(ConvolutionInputs::residual));
    if (by_channel_)
      depthwise_.run(c.input(0), sums_.init(), padding_.bytes(), e, c.scratch, *c.pool);
    else
      by_matrix_.run(c.input(0), sums_.init(), padding_.bytes(), e, sums_.out_element(), c.scratch, *c.pool);
  }

 private:
  Int16Sums sums_;
  bool by_channel_ = false;
  std::int64_t merged_ = 1;  // groups that became one
  GemmConvolution<std::int8_t> by_matrix_;
  DepthwiseConvolution<std::int16_t> depthwise_;
  Tensor<std::int16_t> padding_;
};

}  // namespace detail
OCTET_END
