#pragma once
#include "../../core/element.hpp"
#include "../../core/integer_format.hpp"
#include "../../graph/lost_numbers.hpp"
#include "gradient.hpp"
#include "max_pool.hpp"
#include "row_maxima.hpp"

OCTET_BEGIN
namespace detail {

class MaxPoolStep : public Step {
 public:
  MaxPoolStep(const PrepareContext& c, const Window& window, bool columns_first)
      : window_(window), simd_(&c.kernels()), columns_first_(columns_first) {}

  std::size_t plan(const PlanContext& c) override {
    windows_ = PoolWindows(window_, c);
    spatial_ = c.inputs[0].shape;
    dtype_ = c.inputs[0].dtype;
    by_rows_ =
        c.outputs.size() == 1 && (dtype_ == DType::f32 || int8_format.computes(dtype_)) && RowMaxima::suits(windows_);
    if (!by_rows_) return windows_.scratch_bytes(c.threads);
    rows_ = RowMaxima(windows_, dtype_ == DType::f32, c.threads);
    return rows_.scratch_bytes(c.threads);
  }

  void run(const RunContext& c) noexcept override {
    if (by_rows_) return rows_.run(c, [&](const PoolWindow& w, std::byte* out) { largest(w, out); });
    const std::int64_t channels = windows_.channels();
    const bool with_indices = c.outputs.size() > 1 && c.output(1);
    windows_.each(c.input(0), c.scratch, *c.pool, [&](const PoolWindow& w, std::int64_t, std::int64_t pixel, int) {
      if (w.count == 0)
        nothing(c, pixel);
      else if (!with_indices && int16_format.computes(dtype_))
        largest_int16(w, reinterpret_cast<std::int16_t*>(c.output()) + pixel * channels);
      else if (with_indices || !(dtype_ == DType::f32 || int8_format.computes(dtype_)))
        one_by_one(c, w, pixel);
      else
        largest(w, c.output() + pixel * windows_.pixel_bytes());
    });
  }

 private:
  /// Stores the maximum of no elements: the lowest number.
  void nothing(const RunContext& c, std::int64_t pixel) const noexcept {
    for (std::int64_t at = pixel * windows_.channels(); at < (pixel + 1) * windows_.channels(); ++at) {
      store_element(dtype_, c.output(), at, is_floating(dtype_) ? -std::numeric_limits<float>::max() : 0);
      if (c.outputs.size() > 1 && c.output(1)) store_as(c.output(1), at, std::int64_t{0});
    }
  }

  /// Of floats or bytes.
  void largest(const PoolWindow& w, std::byte* out) const noexcept {
    if (dtype_ == DType::f32)
      simd_->max_f32(w, reinterpret_cast<float*>(out));
    else
      simd_->max_u8(w, reinterpret_cast<std::uint8_t*>(out));
  }

  /// Compilers make vectors of the inner loop.
  static void largest_int16(const PoolWindow& w, std::int16_t* out) noexcept {
    std::copy_n(reinterpret_cast<const std::int16_t*>(w.pixels[0]), w.channels, out);
    for (std::int64_t i = 1; i < w.count; ++i) {
      const auto* x = reinterpret_cast<const std::int16_t*>(w.pixels[i]);
      for (std::int64_t k = 0; k < w.channels; ++k) out[k] = std::max(out[k], x[k]);
    }
  }

  /// For any type, optionally with positions of the maxima. NaN propagates, but has no position.
  void one_by_one(const RunContext& c, const PoolWindow& w, std::int64_t pixel) const noexcept {
    const bool with_indices = c.outputs.size() > 1 && c.output(1);
    for (std::int64_t ch = 0; ch < w.channels; ++ch) {
      std::int64_t best = 0;
      double largest = load_element(dtype_, w.pixels[0], ch);
      for (std::int64_t i = 1; i < w.count; ++i) {
        const double x = load_element(dtype_, w.pixels[i], ch);
        if (x > largest || std::isnan(x)) {
          best = i;
          largest = x;
        }
      }
      const std::int64_t at = pixel * w.channels + ch;
      store_element(dtype_, c.output(), at, largest);
      if (!with_indices) continue;
      store_as(c.output(1), at, position(c.input(0), w.pixels[best], ch));
      if (std::isnan(largest)) report_lost_number(c);
    }
  }

  /// The index into the flattened [N, C, spatial ...] tensor, as in ONNX.
  std::int64_t position(const std::byte* in, const std::byte* pixel, std::int64_t channel) const noexcept {
    std::int64_t p = windows_.pixel_index(in, pixel);
    if (columns_first_) {  // column-major in [.., H, W]
      const std::int64_t w = spatial_[spatial_.rank() - 2], h = windows_.image_pixels() / w;
      p = p % w * h + p / w;
    }
    return (windows_.image_of(in, pixel) * windows_.channels() + channel) * windows_.image_pixels() + p;
  }

  Window window_;
  const Kernels* simd_;
  bool columns_first_;
  PoolWindows windows_;
  RowMaxima rows_;
  bool by_rows_ = false;
  Shape spatial_;
  DType dtype_ = DType::none;
};

}  // namespace detail

OCTET_API std::vector<Shape> MaxPool::shapes(const ShapeContext& c) const {
  const Shape& x = c.shape(0);
  const Shape out = detail::window_output(detail::resolve(window, x, c), x, x.back());
  return indices ? std::vector<Shape>{out, out} : std::vector<Shape>{out};
}

OCTET_API DType MaxPool::dtype(const ShapeContext& c, int output) const { return output ? DType::i64 : c.dtype(0); }

OCTET_API std::unique_ptr<Step> MaxPool::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::MaxPoolStep>(c, window, columns_first);
}

OCTET_API std::unique_ptr<GradientStep> MaxPool::prepare_gradient(const PrepareContext& c) const {
  c.require(!indices, "has no gradient if it returns indices");
  return detail::make_step<detail::MaxPoolGradient>(c, prepare(c), window);
}

OCTET_API std::string MaxPool::summary(const ShapeContext&) const { return "MaxPool " + window.summary(); }

/// Padding with the lowest float or -infinity is that of the pool itself.
OCTET_API OperatorPtr MaxPool::padded(const std::vector<std::int64_t>& before, const std::vector<std::int64_t>& after,
                                      double value) const {
  auto op = std::make_shared<MaxPool>(*this);
  const bool lowest = value <= static_cast<double>(std::numeric_limits<float>::lowest());
  if (!lowest || indices || window.ceil_mode || !op->window.widen(before, after)) return nullptr;
  for (std::size_t i = 0; i < op->window.kernel.size(); ++i)  // no window may be padding alone
    if (std::max(op->window.pads_before[i], op->window.pads_after[i]) >= op->window.kernel[i]) return nullptr;
  return op;
}

OCTET_API IntegerForm MaxPool::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  f.int16 = true;
  return f;
}

OCTET_END
