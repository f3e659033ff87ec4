#pragma once
#include "pool_windows.hpp"

OCTET_BEGIN
namespace detail {

/// Base class for gradients of pooling. Each image is processed by one thread, window by window.
class PoolGradient : public SameForward {
 public:
  PoolGradient(const PrepareContext& c, std::unique_ptr<Step> forward, const Window& window)
      : SameForward(std::move(forward)), simd_(&c.kernels()), window_(window) {}

 protected:
  /// Calls f(window, padded count, output pixel) for the windows of all images, with pixels of `in`.
  template <class F>
  void each_window(const BackwardContext& c, const float* in, F f) const noexcept {
    float* dx = c.input_gradient(0);
    c.pool->parallel(batch_, [&](std::int64_t image, int worker) {
      std::fill(dx + image * in_image_, dx + (image + 1) * in_image_, 0.0f);
      windows_.each_in_order(reinterpret_cast<const std::byte*>(in + image * in_image_), c.scratch + worker * list_,
                             [&](const PoolWindow& w, std::int64_t padded, std::int64_t pixel) {
                               f(w, padded, image * out_pixels_ + pixel);
                             });
    });
  }
  const Kernels& simd() const noexcept { return *simd_; }
  std::int64_t channels() const noexcept { return windows_.channels(); }

 private:
  std::size_t plan_backward(const GradientPlanContext& c) override {
    Shape one = c.inputs[0].shape;
    batch_ = one[0];
    one[0] = 1;
    const std::vector<TensorRef> image{{DType::f32, one, nullptr}};
    windows_ = PoolWindows(window_, {image, c.outputs, 1});
    in_image_ = one.elements();
    out_pixels_ = c.outputs[0].shape.product(1, one.rank() - 1);
    list_ = round_up(static_cast<std::int64_t>(windows_.scratch_bytes(1)), 64);
    return static_cast<std::size_t>(list_ * c.threads);
  }

  const Kernels* simd_;
  Window window_;
  PoolWindows windows_;
  std::int64_t batch_ = 1, in_image_ = 0, out_pixels_ = 0, list_ = 0;
};

/// The largest element gets the gradient; the first one of equal elements.
class MaxPoolGradient : public PoolGradient {
 public:
  using PoolGradient::PoolGradient;
  void backward(const BackwardContext& c) noexcept override {
    const std::ptrdiff_t offset =
        reinterpret_cast<std::byte*>(c.input_gradient(0)) - reinterpret_cast<const std::byte*>(c.input(0));
    each_window(c, c.input(0), [&](const PoolWindow& w, std::int64_t, std::int64_t pixel) {
      const std::int64_t at = pixel * channels();
      if (w.count > 0) simd().gradient.max_gradient(w, c.output() + at, c.output_gradient() + at, offset);
    });
  }
};

class AveragePoolGradient : public PoolGradient {
 public:
  AveragePoolGradient(const PrepareContext& c, std::unique_ptr<Step> forward, const Window& window,
                      bool include_padding)
      : PoolGradient(c, std::move(forward), window), include_padding_(include_padding) {}
  bool reads_input(int) const noexcept override { return false; }
  bool reads_outputs() const noexcept override { return false; }
  void backward(const BackwardContext& c) noexcept override {
    each_window(c, c.input_gradient(0), [&](const PoolWindow& w, std::int64_t padded, std::int64_t pixel) {
      const float* dy = c.output_gradient() + pixel * channels();
      const float share = 1.0f / static_cast<float>(std::max<std::int64_t>(1, include_padding_ ? padded : w.count));
      for (std::int64_t i = 0; i < w.count; ++i)
        simd().gradient.add_scaled(dy, share, reinterpret_cast<float*>(const_cast<std::byte*>(w.pixels[i])),
                                   channels());
    });
  }

 private:
  bool include_padding_;
};

}  // namespace detail
OCTET_END
