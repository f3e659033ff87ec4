#pragma once
#include "../../kernels/quantize_dynamic.hpp"
#include "../dynamic_weights.hpp"
#include "step.hpp"

OCTET_BEGIN
namespace detail {

/// Dynamic range: float images are quantized when they arrive (uint8, asymmetric), multiplied with int8 weights, and
/// the sums scaled back to float. Each image is quantized by its own range; for 1x1 kernels over many channels each
/// pixel, which is more exact and needs no pass of its own.
class DynamicConvolution : public ConvolutionStep {
 public:
  DynamicConvolution(const PrepareContext& c, const Window& window, std::int64_t groups, const ActivationRange& range)
      : ConvolutionStep(window, groups),
        simd_(&c.kernels()),
        weights_(c, 1),
        epilogue_(weights_.epilogue(range)),
        zeros_(pad_columns<std::int32_t>(nullptr, weights_.out)),
        by_pixel_(groups == 1 && window.taps() == 1 && weights_.k >= 32) {
    const std::int64_t channels = weights_.values.shape().back();
    ConvolutionWeights<std::int8_t> w;
    w.values = weights_.values.data(), w.out_c = weights_.out, w.group_in = channels, w.groups = groups;
    w.window = kernel_window(window), w.memory = c.memory();
    kernels_ = {c.kernels(), w};
  }
  std::size_t packed_bytes() const noexcept override {
    return kernels_.packed_bytes() + weights_.packed_bytes() + zeros_.size_bytes();
  }

  const char* form() const noexcept override { return kernels_.form(); }
  std::size_t plan(const ConvolutionShape& s, int threads) override {
    start_plan(s);
    if (by_pixel()) return kernels_.plan(shape_, threads, true);
    shape_.batch = 1;
    return image_bytes() + kernels_.plan(shape_, threads);
  }
  void run(const RunContext& c) noexcept override {
    if (by_pixel()) {
      const Epilogue e = epilogue(c.output(), c.input(3), &Epilogue::one);
      return kernels_.run(c.input(0), zeros_.bytes(), nullptr, e, 4, c.scratch, *c.pool);
    }
    const std::int64_t in = shape_.in_h * shape_.in_w * shape_.in_c * 4,
                       out = shape_.out_h * shape_.out_w * shape_.out_c * 4;
    for (std::int64_t i = 0; i < batch_; ++i) {
      start_image(c.input(0) + i * in, c.scratch, *c.pool);
      const Epilogue e = epilogue(c.output() + i * out, c.input(3) ? c.input(3) + i * out : nullptr, scale(c.scratch));
      kernels_.run(c.scratch, c.scratch + init_at_, c.scratch + padding_at_, e, 4, c.scratch + image_bytes(), *c.pool);
    }
  }

  bool runs_bands(bool whole_input) const noexcept override { return whole_input || by_pixel_; }
  std::size_t plan_bands(const ConvolutionShape& s, std::int64_t rows) override {
    start_plan(s);
    return kernels_.plan_rows(s, rows, by_pixel());
  }
  std::size_t shared_bytes() const noexcept override { return by_pixel() ? 0 : image_bytes(); }
  /// Quantizes the image.
  void start_image(const std::byte* in, std::byte* shared, ThreadPool& pool) noexcept override {
    if (by_pixel()) return;
    const DynamicScale s =
        quantize_dynamic(*simd_, reinterpret_cast<const float*>(in), shape_.in_h * shape_.in_w * shape_.in_c,
                         reinterpret_cast<std::uint8_t*>(shared), pool);
    std::memset(shared + padding_at_, s.zero_point, static_cast<std::size_t>(init_at_ - padding_at_));
    weights_.start(s, reinterpret_cast<std::int32_t*>(shared + init_at_));
    std::memcpy(shared + scale_at_, &s.scale, sizeof(float));
  }
  void run_band(const Band& b) noexcept override {
    if (by_pixel()) {
      const Epilogue e = epilogue(b.out, b.residual, &Epilogue::one);
      return kernels_.run_rows(b.in, zeros_.bytes(), nullptr, e, 4, b.scratch, b.first, b.last, shape_.out_w);
    }
    kernels_.run_rows(b.shared, b.shared + init_at_, b.shared + padding_at_,
                      epilogue(b.out, b.residual, scale(b.shared)), 4, b.scratch, b.first, b.last, shape_.out_w);
  }

 private:
  void start_plan(const ConvolutionShape& s) {
    shape_ = s;
    batch_ = s.batch;
    epilogue_.out_stride = epilogue_.residual_stride = s.out_c * 4;
    padded_ = s.pad_top != 0 || s.pad_left != 0 || (s.out_h - 1) * s.stride_h >= s.in_h ||
              (s.out_w - 1) * s.stride_w >= s.in_w;
    padding_at_ = round_up(s.in_h * s.in_w * s.in_c, 64);
    init_at_ = padding_at_ + round_up(kernels_.padding_bytes(s), 64);
    scale_at_ = init_at_ + static_cast<std::int64_t>(weights_.sums.size_bytes());
  }
  bool by_pixel() const noexcept { return by_pixel_ && !padded_; }
  std::size_t image_bytes() const noexcept { return static_cast<std::size_t>(scale_at_) + 64; }
  const float* scale(const std::byte* shared) const noexcept {
    return reinterpret_cast<const float*>(shared + scale_at_);
  }
  Epilogue epilogue(std::byte* out, const std::byte* residual, const float* scale) const noexcept {
    Epilogue e = epilogue_;
    e.out = out;
    e.residual = residual;
    e.row_scale = scale;
    return e;
  }

  std::int64_t batch_ = 1;
  const Kernels* simd_;
  DynamicWeights weights_;
  Epilogue epilogue_;
  Tensor<std::int32_t> zeros_;
  bool by_pixel_, padded_ = false;
  AnyConvolution<std::int8_t> kernels_;
  ConvolutionShape shape_;
  std::int64_t padding_at_ = 0, init_at_ = 0, scale_at_ = 0;  // behind the quantized image
};

}  // namespace detail
OCTET_END
