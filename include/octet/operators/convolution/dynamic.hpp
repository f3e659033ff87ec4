#pragma once
#include "../dynamic_weights.hpp"
#include "common.hpp"

OCTET_BEGIN
namespace detail {

/// Dynamic range: float images are quantized when they arrive (uint8, asymmetric, each image by its own range),
/// multiplied with int8 weights, and the sums scaled back to float.
class DynamicConvolution : public Step {
 public:
  DynamicConvolution(const PrepareContext& c, const Window& window, std::int64_t groups, const ActivationRange& range)
      : window_(window), groups_(groups), simd_(&c.kernels()), weights_(c, 1) {
    kernels_ = {c.kernels(), weights_.values.data(), weights_.out, window.taps(), weights_.values.shape().back(), groups};
    epilogue_.store = Store::scaled_f32;
    epilogue_.low_f32 = static_cast<float>(range.low);
    epilogue_.high_f32 = static_cast<float>(range.high);
  }
  std::size_t packed_bytes() const noexcept override { return kernels_.packed_bytes() + weights_.packed_bytes(); }

  std::size_t plan(const PlanContext& c) override {
    return plan(convolution_shape(window_, groups_, c.inputs[0].shape, c.outputs[0].shape), c.threads);
  }
  std::size_t plan(const ConvolutionShape& s, int threads) {
    shape_ = s;
    batch_ = shape_.batch;
    shape_.batch = 1;  // images have ranges of their own
    epilogue_.out_stride = epilogue_.residual_stride = shape_.out_c * 4;
    padding_at_ = round_up(shape_.in_h * shape_.in_w * shape_.in_c, 64);
    init_at_ = padding_at_ + round_up(kernels_.padding_bytes(shape_), 64);
    scratch_at_ = init_at_ + static_cast<std::int64_t>(weights_.sums.size_bytes());
    return static_cast<std::size_t>(scratch_at_) + kernels_.plan(shape_, threads);
  }

  void run(const RunContext& c) noexcept override {
    const std::int64_t in = shape_.in_h * shape_.in_w * shape_.in_c;
    const std::int64_t out_bytes = shape_.out_h * shape_.out_w * shape_.out_c * 4;
    for (std::int64_t i = 0; i < batch_; ++i) {
      const DynamicScale s = quantize_dynamic(*simd_, reinterpret_cast<const float*>(c.input(0)) + i * in, in,
                                              reinterpret_cast<std::uint8_t*>(c.scratch), *c.pool);
      std::memset(c.scratch + padding_at_, s.zero_point, static_cast<std::size_t>(init_at_ - padding_at_));
      Epilogue e = epilogue_;
      weights_.start(s, reinterpret_cast<std::int32_t*>(c.scratch + init_at_), e);
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
  AnyConvolution<std::int8_t> kernels_;
  ConvolutionShape shape_;
  Epilogue epilogue_;
  std::int64_t padding_at_ = 0, init_at_ = 0, scratch_at_ = 0;  // in the scratch, behind the quantized image
};

}  // namespace detail
OCTET_END
