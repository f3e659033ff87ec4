#pragma once
#include "../int16_sums.hpp"
#include "step.hpp"

OCTET_BEGIN
namespace detail {

/// Convolution of 16-bit images with 8-bit weights: of two images of bytes, in bands of rows, so that their sums stay
/// in the cache until they are added.
class Int16Convolution : public ConvolutionStep {
 public:
  /// depthwise: rounds as a depthwise convolution, even if there is one group.
  Int16Convolution(const PrepareContext& c, const Window& window, std::int64_t groups, const ActivationRange& range,
                   bool depthwise = false)
      : ConvolutionStep(window, groups), bytes_(&byte_kernels(c.kernels().isa)) {
    Int16Sums::check(c, ConvolutionInputs::residual);
    const CenteredWeights weights(c.constant(ConvolutionInputs::weights),
                                  c.input(ConvolutionInputs::weights).quant.zero_point);
    sums_ = Int16Sums(c, weights, range, ConvolutionInputs::residual, groups == 1 && !depthwise);
    zeros_ = pad_columns<std::int32_t>(nullptr, weights.out);
    ConvolutionWeights<std::int8_t> w;
    w.values = weights.values.data();
    w.out_c = weights.out;
    w.window = kernel_window(window);
    w.groups = groups;
    w.group_in = c.constant(ConvolutionInputs::weights).shape().back();
    w.repeat = weights.repeat;
    w.init = zeros_.data();
    kernels_ = {c.kernels(), w};
  }
  std::size_t packed_bytes() const noexcept override {
    return kernels_.packed_bytes() + sums_.packed_bytes() + zeros_.size_bytes();
  }
  const char* form() const noexcept override { return "two convolutions of bytes"; }

  std::size_t plan(const ConvolutionShape& s, int threads) override {
    one_ = s;
    batch_ = s.batch;
    one_.batch = 1;
    const std::int64_t row_bytes = std::max<std::int64_t>(1, one_.out_w * one_.out_c * 8);
    constexpr std::int64_t most_bytes = 256 * 1024;  // of sums: they should stay in the L2 cache
    const std::int64_t fair = (batch_ * one_.out_h + threads - 1) / threads;
    band_ = std::max<std::int64_t>(1, std::min({most_bytes / row_bytes, one_.out_h, fair}));
    bands_ = (one_.out_h + band_ - 1) / band_;
    high_padding_ = Tensor<std::uint8_t>({kernels_.padding_bytes(one_)});
    low_padding_ = Tensor<std::uint8_t>(high_padding_.shape());
    std::fill(high_padding_.begin(), high_padding_.end(), std::uint8_t{128});
    planes_ = Int16Planes(batch_ * one_.in_h * one_.in_w * one_.in_c);
    room_ = sums_.room(band_ * one_.out_w);
    worker_bytes_ = 8 * room_ + round_up(static_cast<std::int64_t>(kernels_.plan_rows(one_, band_)), 64);
    return static_cast<std::size_t>(planes_.bytes() + worker_bytes_ * threads);
  }

  void run(const RunContext& c) noexcept override {
    planes_.split(*bytes_, c.input(0), c.scratch, *c.pool);
    std::byte* workers = c.scratch + planes_.bytes();
    c.pool->parallel(batch_ * bands_, [&](std::int64_t task, int worker) {
      run_rows(c, task / bands_, task % bands_ * band_, workers + worker * worker_bytes_);
    });
  }

  bool can_pool() const noexcept override { return false; }
  bool runs_bands(bool) const noexcept override { return false; }
  std::size_t plan_bands(const ConvolutionShape&, std::int64_t) override { return 0; }
  void run_band(const Band&) noexcept override {}

 private:
  void run_rows(const RunContext& c, std::int64_t image, std::int64_t first, std::byte* scratch) const noexcept {
    const std::int64_t last = std::min(first + band_, one_.out_h), pixels = one_.out_w, channels = one_.out_c;
    auto* high = reinterpret_cast<std::int32_t*>(scratch);
    auto* low = high + room_;
    const std::byte* in = c.scratch + image * one_.in_h * one_.in_w * one_.in_c;
    const auto products = [&](const std::byte* plane, const Tensor<std::uint8_t>& padding, std::int32_t* sums) {
      Epilogue e;
      e.out_stride = channels * 4;
      e.out = reinterpret_cast<std::byte*>(sums) - first * pixels * e.out_stride;
      kernels_.run_rows(plane, zeros_.bytes(), padding.bytes(), e, 4, scratch + 8 * room_, first, last, pixels);
    };
    products(in, high_padding_, high);
    products(in + planes_.size(), low_padding_, low);
    const std::int64_t at = (image * one_.out_h + first) * pixels * channels;
    const std::byte* residual = c.input(ConvolutionInputs::residual);
    sums_.store(high, low, (last - first) * pixels, c.output() + at * sums_.out_element(),
                residual ? residual + at * 2 : nullptr);
  }

  const ByteKernels* bytes_;
  AnyConvolution<std::int8_t> kernels_;
  Int16Sums sums_;
  Int16Planes planes_;
  Tensor<std::int32_t> zeros_;
  Tensor<std::uint8_t> high_padding_, low_padding_;
  ConvolutionShape one_;
  std::int64_t batch_ = 1, band_ = 1, bands_ = 1, room_ = 0, worker_bytes_ = 0;
};

}  // namespace detail
OCTET_END
