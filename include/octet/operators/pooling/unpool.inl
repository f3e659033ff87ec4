#pragma once
#include "../../core/element.hpp"
#include "../implement.hpp"
#include "unpool.hpp"

OCTET_BEGIN
namespace detail {

/// The spatial size of which a pool with the window has n results.
inline std::int64_t unpooled(const Window& w, std::size_t d, std::int64_t n) noexcept {
  if (n == Shape::unknown) return n;
  return (n - 1) * w.strides[d] + w.kernel[d] - w.pads_before[d] - w.pads_after[d];
}

class UnpoolStep : public Step {
 public:
  explicit UnpoolStep(const Unpool& op) : op_(op) {}

  std::size_t plan(const PlanContext& c) override {
    in_ = c.inputs[0].shape;
    out_ = c.outputs[0].shape;
    pooled_ = Shape();
    for (int d = 1; d + 1 < in_.rank(); ++d)
      pooled_.push_back(unpooled(op_.window, static_cast<std::size_t>(d - 1), in_[d]));
    return 0;
  }
  /// Windows may overlap, so that the images are the tasks.
  void run(const RunContext& c) noexcept override {
    const std::int64_t size = in_.product(1, in_.rank()), grown = out_.product(1, out_.rank()), channels = in_.back();
    c.pool->parallel(in_[0], [&](std::int64_t image, int) {
      const auto* in = reinterpret_cast<const float*>(c.input(0)) + image * size;
      auto* out = reinterpret_cast<float*>(c.output()) + image * grown;
      std::fill_n(out, grown, 0.0f);
      for (std::int64_t i = 0; i < size; ++i) {
        const std::int64_t pixel = target(load_as<std::int64_t>(c.input(Unpool::places), image * size + i));
        if (pixel >= 0) out[pixel * channels + i % channels] = in[i];
      }
    });
  }

 private:
  /// The pixel of the output for a place, or -1 if it is outside.
  std::int64_t target(std::int64_t place) const noexcept {
    if (place < 0) return -1;
    std::int64_t pixel = 0, factor = 1;
    for (int d = pooled_.rank() - 1; d >= 0; --d) {
      const std::int64_t at = place % pooled_[d];
      place /= pooled_[d];
      if (at >= out_[d + 1]) return -1;
      pixel += at * factor;
      factor *= out_[d + 1];
    }
    return pixel;
  }

  Unpool op_;
  Shape in_, out_, pooled_;
};

}  // namespace detail

OCTET_API std::vector<Shape> Unpool::shapes(const ShapeContext& c) const {
  const Shape &in = c.shape(elements), &at = c.shape(places);
  const std::size_t n = window.kernel.size();
  c.require(n >= 1 && n <= 3 && window.strides.size() == n && window.pads_before.size() == n &&
                window.pads_after.size() == n && window.padding == Window::Padding::given,
            "expected a window of 1 to 3 dimensions with given padding");
  c.require(in.rank() == static_cast<int>(n) + 2, "expected a tensor [N, ..., C] with ", n,
            " spatial dimensions, found ", in);
  bool fits = at.rank() == in.rank();
  for (int d = 0; fits && d < in.rank(); ++d)
    fits = in[d] == at[d] || in[d] == Shape::unknown || at[d] == Shape::unknown;
  c.require(fits && c.dtype(places) == DType::i64, "expected places of type int64 and shape ", in, ", found ",
            name(c.dtype(places)), " ", at);
  c.require(sizes.empty() || sizes.size() == n, "expected ", n, " sizes, found ", sizes.size());
  Shape out = in;
  for (std::size_t d = 0; d < n; ++d) {
    constexpr std::int64_t most = 1 << 20;
    for (const std::int64_t x : {window.kernel[d], window.strides[d]})
      c.require(x > 0 && x < most, "a size or stride of the window is ", x, ", expected 1 to 2^20");
    for (const std::int64_t x : {window.pads_before[d], window.pads_after[d]})
      c.require(x >= 0 && x < most, "padding is ", x, ", expected 0 to 2^20");
    std::int64_t& size = out[static_cast<int>(d) + 1];
    const std::int64_t whole = detail::unpooled(window, d, size);
    c.require(whole == Shape::unknown || whole > 0, "the pooled image has the size ", whole, ", expected at least 1");
    size = sizes.empty() ? whole : sizes[d];
    c.require(size >= Shape::unknown, "a size is ", size, ", expected at least 0");
  }
  return {out};
}

OCTET_API std::unique_ptr<Step> Unpool::prepare(const PrepareContext& c) const {
  c.require(c.input(0).dtype == DType::f32, "expected float32, found ", name(c.input(0).dtype));
  return detail::make_step<detail::UnpoolStep>(*this);
}

OCTET_API std::string Unpool::summary(const ShapeContext&) const { return "Unpool " + window.summary(); }

OCTET_END
