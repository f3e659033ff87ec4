#pragma once
#include "../../core/element.hpp"
#include "../../core/rounded.hpp"
#include "../implement.hpp"
#include "grid_sample.hpp"

OCTET_BEGIN
namespace detail {

/// The pixels along one dimension of an image of which a place is made: numbers (-1: a zero) and factors.
struct GridTaps {
  std::array<std::int64_t, 4> pixels{};
  std::array<float, 4> factors{};
  int count = 0;
};

/// One dimension of the images.
class GridAxis {
 public:
  GridAxis() = default;
  GridAxis(const GridSample& op, std::int64_t size) : op_(op), size_(size) {
    const auto n = static_cast<double>(size);
    low_ = op.align_corners ? 0 : -0.5;
    high_ = op.align_corners ? n - 1 : n - 0.5;
  }

  /// The pixels for a coordinate of the grid.
  GridTaps taps(float at) const noexcept {
    GridTaps t;
    double x = place(at);
    if (op_.padding == GridPadding::reflection) x = reflected(x);
    if (op_.mode == ResizeMode::nearest) {
      add(t, x, 1);
      return t;
    }
    const double first = std::floor(x);
    const auto f = static_cast<float>(x - first);
    if (op_.mode == ResizeMode::linear) {
      add(t, first, 1 - f);
      add(t, first + 1, f);
      return t;
    }
    add(t, first - 1, outer(1 + f));
    add(t, first, inner(f));
    add(t, first + 1, inner(1 - f));
    add(t, first + 2, outer(2 - f));
    return t;
  }

 private:
  /// The pixel, as a real number, for a coordinate of the grid.
  double place(float at) const noexcept {
    const auto size = static_cast<double>(size_);
    const double p = static_cast<double>(at) + 1;
    double x = op_.align_corners ? p / 2 * (size - 1) : (rounded(p * size) - 1) / 2;
    if (op_.mode == ResizeMode::nearest) x = std::nearbyint(x);
    return std::abs(x) < 1e15 ? x : x != x ? -1e15 : std::copysign(1e15, x);
  }

  /// The cubic kernel at a distance below 1, and of 1 to 2.
  static float inner(float x) noexcept { return rounded(rounded(rounded(1.25f * x) - 2.25f) * x * x) + 1; }
  static float outer(float x) noexcept { return rounded((rounded((rounded(-0.75f * x) + 3.75f) * x) - 6) * x) + 3; }

  double reflected(double x) const noexcept {
    const double range = high_ - low_;
    if (range <= 0) return 0;
    if (x >= low_ && x <= high_) return x;
    const double over = x < low_ ? low_ - x : x - high_, rest = std::fmod(over, range);
    const bool turned = std::fmod(std::nearbyint((over - rest) / range), 2) != 0;
    return (x < low_) == turned ? high_ - rest : low_ + rest;
  }

  /// The pixel that is at that place, which is an integer apart from reflected borders.
  void add(GridTaps& t, double pixel, float factor) const noexcept {
    const auto size = static_cast<double>(size_);
    const bool outside = !(pixel >= 0 && pixel <= size - 1);
    std::int64_t i = -1;
    if (!outside || op_.padding == GridPadding::border)
      i = static_cast<std::int64_t>(std::min(std::max(pixel, 0.0), size - 1));
    else if (op_.padding == GridPadding::reflection)
      i = std::clamp<std::int64_t>(static_cast<std::int64_t>(reflected(pixel)), 0, size_ - 1);
    const auto k = static_cast<std::size_t>(t.count++);
    t.pixels[k] = i;
    t.factors[k] = factor;
  }

  GridSample op_;
  std::int64_t size_ = 1;
  double low_ = 0, high_ = 0;
};

class GridSampleStep : public Step {
 public:
  explicit GridSampleStep(const GridSample& op) : op_(op) {}

  std::size_t plan(const PlanContext& c) override {
    in_ = c.inputs[GridSample::images].shape;
    places_ = c.inputs[GridSample::grid].shape.product(1, 3);
    rows_ = GridAxis(op_, in_[1]);
    columns_ = GridAxis(op_, in_[2]);
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    const std::int64_t channels = in_[3], image = in_.product(1, 4);
    parallel_parts(*c.pool, in_[0] * places_, 256, [&](std::int64_t first, std::int64_t n) {
      for (std::int64_t p = first; p < first + n; ++p) {
        const auto* in = reinterpret_cast<const float*>(c.input(GridSample::images)) + p / places_ * image;
        float* out = reinterpret_cast<float*>(c.output()) + p * channels;
        const GridTaps x = columns_.taps(load_as<float>(c.input(GridSample::grid), 2 * p)),
                       y = rows_.taps(load_as<float>(c.input(GridSample::grid), 2 * p + 1));
        std::fill_n(out, channels, 0.0f);
        each_pixel(y, x, [&](std::int64_t pixel, float factor) {
          add_products(factor, in + pixel * channels, out, channels);
        });
      }
    });
  }

 private:
  template <class Use>
  void each_pixel(const GridTaps& y, const GridTaps& x, Use use) const noexcept {
    for (std::size_t i = 0; i < static_cast<std::size_t>(y.count); ++i)
      for (std::size_t k = 0; k < static_cast<std::size_t>(x.count); ++k) {
        const float factor = y.factors[i] * x.factors[k];
        if (y.pixels[i] >= 0 && x.pixels[k] >= 0 && factor != 0) use(y.pixels[i] * in_[2] + x.pixels[k], factor);
      }
  }

  GridSample op_;
  Shape in_;
  std::int64_t places_ = 1;
  GridAxis rows_, columns_;
};

}  // namespace detail

OCTET_API std::vector<Shape> GridSample::shapes(const ShapeContext& c) const {
  const Shape &in = c.shape(images), &at = c.shape(grid);
  c.require(in.rank() == 4, "expected images [N, H, W, C], found ", in);
  c.require(at.rank() == 4 && at[3] == 2, "expected a grid [N, rows, columns, 2], found ", at);
  const bool fits = in[0] == Shape::unknown || at[0] == Shape::unknown || in[0] == at[0];
  c.require(fits, "expected a grid for each of ", in[0], " images, found ", at);
  const bool nothing = at[0] == 0 || at[1] == 0 || at[2] == 0;
  c.require((in[1] != 0 && in[2] != 0) || nothing, "expected images with at least one pixel, found ", in);
  return {Shape{in[0] == Shape::unknown ? at[0] : in[0], at[1], at[2], in[3]}};
}

OCTET_API std::unique_ptr<Step> GridSample::prepare(const PrepareContext& c) const {
  for (int i = 0; i < 2; ++i)
    c.require(c.input(i).dtype == DType::f32, "expected float32, found ", name(c.input(i).dtype));
  return detail::make_step<detail::GridSampleStep>(*this);
}

OCTET_END
