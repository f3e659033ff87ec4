#pragma once
#include "../../kernels/quantize_dynamic.hpp"
#include "../dynamic_weights.hpp"
#include "common.hpp"

OCTET_BEGIN
namespace detail {

/// Dynamic range: float images are quantized when they arrive (uint8, asymmetric), multiplied with int8 weights, and
/// the sums scaled back to float. Each image is quantized by its own range; for 1x1 kernels over many channels each
/// pixel, which is more exact and needs no pass of its own.
class DynamicConvolution : public Step {
 public:
  DynamicConvolution(const PrepareContext& c, const Window& window, std::int64_t groups, const ActivationRange& range)
      : window_(window), groups_(groups), simd_(&c.kernels()), weights_(c, 1), epilogue_(weights_.epilogue(range)),
        zeros_(pad_columns<std::int32_t>(nullptr, weights_.out)),
        by_pixel_(groups == 1 && window.taps() == 1 && weights_.k >= 64) {
    const std::int64_t channels = weights_.values.shape().back();
    kernels_ = {c.kernels(), weights_.values.data(), weights_.out, window.taps(), channels, groups};
  }
  std::size_t packed_bytes() const noexcept override {
    return kernels_.packed_bytes() + weights_.packed_bytes() + zeros_.size_bytes();
  }

  std::size_t plan(const PlanContext& c) override {
    return plan(convolution_shape(window_, groups_, c.inputs[0].shape, c.outputs[0].shape), c.threads);
  }
  std::size_t plan(const ConvolutionShape& s, int threads) {
    shape_ = s;
    epilogue_.out_stride = epilogue_.residual_stride = s.out_c * 4;
    const bool padded = s.pad_top != 0 || s.pad_left != 0 || (s.out_h - 1) * s.stride_h >= s.in_h ||
                        (s.out_w - 1) * s.stride_w >= s.in_w;
    images_apart_ = !by_pixel_ || padded;
    if (!images_apart_) return kernels_.plan(shape_, threads, true);
    batch_ = shape_.batch;
    shape_.batch = 1;
    padding_at_ = round_up(shape_.in_h * shape_.in_w * shape_.in_c, 64);
    init_at_ = padding_at_ + round_up(kernels_.padding_bytes(shape_), 64);
    scratch_at_ = init_at_ + static_cast<std::int64_t>(weights_.sums.size_bytes());
    return static_cast<std::size_t>(scratch_at_) + kernels_.plan(shape_, threads, false);
  }

  void run(const RunContext& c) noexcept override {
    Epilogue e = epilogue_;
    if (!images_apart_) {
      e.out = c.output();
      e.residual = c.input(3);
      return kernels_.run(c.input(0), zeros_.bytes(), nullptr, e, 4, c.scratch, *c.pool);
    }
    const std::int64_t in = shape_.in_h * shape_.in_w * shape_.in_c;
    const std::int64_t out_bytes = shape_.out_h * shape_.out_w * shape_.out_c * 4;
    for (std::int64_t i = 0; i < batch_; ++i) {
      const DynamicScale s = quantize_dynamic(*simd_, reinterpret_cast<const float*>(c.input(0)) + i * in, in,
                                              reinterpret_cast<std::uint8_t*>(c.scratch), *c.pool);
      std::memset(c.scratch + padding_at_, s.zero_point, static_cast<std::size_t>(init_at_ - padding_at_));
      weights_.start(s, reinterpret_cast<std::int32_t*>(c.scratch + init_at_));
      e.multiplier = s.scale;
      e.out = c.output() + i * out_bytes;
      e.residual = c.input(3) ? c.input(3) + i * out_bytes : nullptr;
      kernels_.run(c.scratch, c.scratch + init_at_, c.scratch + padding_at_, e, 4, c.scratch + scratch_at_, *c.pool);
    }
  }

 private:
  Window window_;
  std::int64_t groups_, batch_ = 1;
  const Kernels* simd_;
  DynamicWeights weights_;
  Epilogue epilogue_;
  Tensor<std::int32_t> zeros_;
  bool by_pixel_, images_apart_ = true;
  AnyConvolution<std::int8_t> kernels_;
  ConvolutionShape shape_;
  std::int64_t padding_at_ = 0, init_at_ = 0, scratch_at_ = 0;  // in the scratch, behind the quantized image
};

}  // namespace detail
OCTET_END
