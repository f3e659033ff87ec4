#pragma once
#include "../implement.hpp"
#include "arg_max_pool.hpp"

OCTET_BEGIN
namespace detail {

inline void require_plain_2d(const ShapeContext& c, const Window& w) {
  c.require(c.rank(0) == 4, "expected images [N, H, W, C], found ", c.shape(0));
  c.require(w.rank() == 2 && w.strides.size() == 2 && w.dilations == std::vector<std::int64_t>{1, 1},
            "expected windows of two dimensions without dilation");
  for (std::size_t i = 0; i < 2; ++i)
    c.require(w.kernel[i] > 0 && w.kernel[i] < (1 << 16) && w.strides[i] > 0 && w.strides[i] < (1 << 16),
              "sizes and strides of windows have to be in 1 .. 65535, found ", w.kernel[i], " and ", w.strides[i]);
}

class ArgMaxPoolStep : public Step {
 public:
  explicit ArgMaxPoolStep(const ArgMaxPool& op) : op_(op) {}

  std::size_t plan(const PlanContext& c) override {
    in_ = c.inputs[0].shape, out_ = c.outputs[0].shape;
    for (int i = 0; i < 2; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const std::int64_t covered = (out_[i + 1] - 1) * op_.window.strides[k] + op_.window.kernel[k];
      before_[i] =
          op_.window.padding == Window::Padding::valid ? 0 : std::max<std::int64_t>(0, covered - in_[i + 1]) / 2;
    }
    return 0;
  }

  void run(const RunContext& c) noexcept override {
    c.pool->parallel(out_[0] * out_[1], [&](std::int64_t row, int) {
      for (std::int64_t x = 0; x < out_[2]; ++x)
        for (std::int64_t channel = 0; channel < out_[3]; ++channel) one(c, row / out_[1], row % out_[1], x, channel);
    });
  }

 private:
  void one(const RunContext& c, std::int64_t image, std::int64_t y, std::int64_t x,
           std::int64_t channel) const noexcept {
    const auto* in = reinterpret_cast<const float*>(c.input(0));
    const std::int64_t h = op_.window.kernel[0], w = op_.window.kernel[1];
    const std::int64_t top = y * op_.window.strides[0] - before_[0], left = x * op_.window.strides[1] - before_[1];
    float largest = std::numeric_limits<float>::lowest();
    std::int64_t place = 0;
    for (std::int64_t i = std::max<std::int64_t>(0, -top); i < std::min(h, in_[1] - top); ++i)
      for (std::int64_t k = std::max<std::int64_t>(0, -left); k < std::min(w, in_[2] - left); ++k) {
        const float v = in[((image * in_[1] + top + i) * in_[2] + left + k) * in_[3] + channel];
        if (v > largest) largest = v, place = i * w + k;
      }
    const std::int64_t at = ((image * out_[1] + y) * out_[2] + x) * out_[3] + channel;
    reinterpret_cast<float*>(c.output(0))[at] = largest;
    reinterpret_cast<float*>(c.output(1))[at] = static_cast<float>(place) + 0.1f;
  }

  ArgMaxPool op_;
  Shape in_, out_;
  std::int64_t before_[2] = {0, 0};
};

class MaxUnpoolStep : public Step {
 public:
  explicit MaxUnpoolStep(const MaxUnpool& op) : op_(op) {}

  std::size_t plan(const PlanContext& c) override {
    in_ = c.inputs[0].shape, out_ = c.outputs[0].shape;
    for (int i = 0; i < 2; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const std::int64_t covered = (in_[i + 1] - 1) * op_.window.strides[k] + op_.window.kernel[k];
      before_[i] = std::max<std::int64_t>(0, covered - out_[i + 1]) / 2;
    }
    return 0;
  }

  /// Windows may overlap, so that the images are the tasks, not their rows.
  void run(const RunContext& c) noexcept override {
    c.pool->parallel(in_[0], [&](std::int64_t image, int) {
      const std::int64_t size = in_.product(1, 4), grown = out_.product(1, 4);
      const auto* in = reinterpret_cast<const float*>(c.input(0)) + image * size;
      const auto* places = reinterpret_cast<const float*>(c.input(1)) + image * size;
      auto* out = reinterpret_cast<float*>(c.output()) + image * grown;
      std::fill_n(out, grown, 0.0f);
      for (std::int64_t y = 0; y < in_[1]; ++y)
        for (std::int64_t x = 0; x < in_[2]; ++x)
          for (std::int64_t channel = 0; channel < in_[3]; ++channel) {
            const std::int64_t at = (y * in_[2] + x) * in_[3] + channel, to = target(y, x, places[at]);
            if (to >= 0) out[to * in_[3] + channel] = in[at];
          }
    });
  }

 private:
  /// The pixel of the result for a place in the window of pixel (y, x), or -1 if it is outside.
  std::int64_t target(std::int64_t y, std::int64_t x, float place) const noexcept {
    if (!(place > -1 && place < 4294967296.0f)) return -1;  // not NaN either
    const auto index = static_cast<std::int64_t>(place);
    const std::int64_t w = op_.window.kernel[1];
    const std::int64_t row = y * op_.window.strides[0] - before_[0] + index / w;
    const std::int64_t column = x * op_.window.strides[1] - before_[1] + index % w;
    if (row < 0 || row >= out_[1] || column < 0 || column >= out_[2]) return -1;
    return row * out_[2] + column;
  }

  MaxUnpool op_;
  Shape in_, out_;
  std::int64_t before_[2] = {0, 0};
};

}  // namespace detail

OCTET_API std::vector<Shape> ArgMaxPool::shapes(const ShapeContext& c) const {
  const Shape& x = c.shape(0);
  detail::require_plain_2d(c, window);
  c.require(window.padding == Window::Padding::same_upper || window.padding == Window::Padding::valid,
            "expected padding 'same' or 'valid'");
  const Shape out = detail::window_output(detail::resolve(window, x, c), x, x.back());
  return {out, out};
}

OCTET_API std::unique_ptr<Step> ArgMaxPool::prepare(const PrepareContext& c) const {
  c.require(c.input(0).dtype == DType::f32, "no form for ", name(c.input(0).dtype));
  return detail::make_step<detail::ArgMaxPoolStep>(*this);
}

OCTET_API std::string ArgMaxPool::summary(const ShapeContext&) const { return "ArgMaxPool " + window.summary(); }

OCTET_API std::vector<Shape> MaxUnpool::shapes(const ShapeContext& c) const {
  detail::require_plain_2d(c, window);
  c.require(c.inputs() == 2, "expected two inputs, found ", c.inputs());
  Shape out = c.shape(elements);
  const Shape& p = c.shape(places);
  bool fits = p.rank() == 4;
  for (int d = 0; fits && d < 4; ++d) fits = p[d] == out[d] || p[d] == Shape::unknown || out[d] == Shape::unknown;
  c.require(fits, "expected places of shape ", out, ", found ", p);
  for (int i = 0; i < 2; ++i)
    if (out[i + 1] != Shape::unknown) out[i + 1] *= window.kernel[static_cast<std::size_t>(i)];
  return {out};
}

OCTET_API std::unique_ptr<Step> MaxUnpool::prepare(const PrepareContext& c) const {
  for (int i = 0; i < 2; ++i)
    c.require(c.input(i).dtype == DType::f32, "no form for ", name(c.input(i).dtype), " ('", c.input(i).name, "')");
  return detail::make_step<detail::MaxUnpoolStep>(*this);
}

OCTET_API std::string MaxUnpool::summary(const ShapeContext&) const { return "MaxUnpool " + window.summary(); }

OCTET_END
