#pragma once
#include "../../kernels/pack.hpp"
#include "../int16_sums.hpp"
#include "../integer_mean.hpp"
#include "average_pool.hpp"
#include "gradient.hpp"

OCTET_BEGIN
namespace detail {

class AveragePoolStep : public Step {
 public:
  AveragePoolStep(const PrepareContext& c, const Window& window, bool include_padding, bool int8_ties)
      : window_(window), simd_(&c.kernels()), include_padding_(include_padding) {
    if (int8_format.computes(c.input(0).dtype))
      mean_ = IntegerMean(c, int8_ties ? IntegerMean::Kind::int8_pool : IntegerMean::Kind::pool);
    else if (int16_format.computes(c.input(0).dtype))
      ratio_ = int16_scale(c, c.input(0)) / int16_scale(c, c.output());
    else
      c.require(c.input(0).dtype == DType::f32, "expected float32, found ", name(c.input(0).dtype));
  }

  std::size_t plan(const PlanContext& c) override {
    windows_ = PoolWindows(window_, c);
    if (mean_) mean_->expect(std::max<std::int64_t>(1, windows_.taps()));
    lists_ = round_up(static_cast<std::int64_t>(windows_.scratch_bytes(c.threads)), 64);
    sums_ = round_up(windows_.channels() * 4, 64);
    return static_cast<std::size_t>(lists_) + static_cast<std::size_t>(sums_ * c.threads);
  }

  void run(const RunContext& c) noexcept override {
    const std::int64_t channels = windows_.channels();
    windows_.each(
        c.input(0), c.scratch, *c.pool, [&](const PoolWindow& w, std::int64_t padded, std::int64_t pixel, int worker) {
          const std::int64_t count =
              std::max<std::int64_t>(1, include_padding_ ? padded : w.count);  // the mean of no elements is 0
          if (ratio_ != 0) {
            store_int16(w, count, reinterpret_cast<std::int16_t*>(c.output()) + pixel * channels);
          } else if (!mean_) {
            simd_->sum_f32(w, 1.0f / static_cast<float>(count),
                           reinterpret_cast<float*>(c.output()) + pixel * channels);
          } else if (!mean_->store(w, count, reinterpret_cast<std::uint8_t*>(c.output()) + pixel * channels)) {
            auto* sums = reinterpret_cast<std::int32_t*>(c.scratch + lists_ + worker * sums_);
            simd_->sum_u8(w, sums);
            mean_->store(sums, channels, w.count, count,
                         reinterpret_cast<std::uint8_t*>(c.output()) + pixel * channels);
          }
        });
  }

 private:
  /// Means of codes, rounded half away from zero as in TFLite; with another scale of the output half to even.
  void store_int16(const PoolWindow& w, std::int64_t count, std::int16_t* out) const noexcept {
    for (std::int64_t k = 0; k < w.channels; ++k) {
      std::int64_t sum = 0;
      for (std::int64_t i = 0; i < w.count; ++i) sum += load_as<std::int16_t>(w.pixels[i], k);
      const double mean = static_cast<double>(sum) / static_cast<double>(count);
      const auto half = sum < 0 ? -(count / 2) : count / 2;
      const double q = ratio_ == 1 ? static_cast<double>((sum + half) / count) : std::nearbyint(mean * ratio_);
      out[k] = saturate_to<std::int16_t>(q);
    }
  }

  Window window_;
  const Kernels* simd_;
  bool include_padding_;
  std::optional<IntegerMean> mean_;  // of bytes
  double ratio_ = 0;                 // of the scales of 16-bit input and output; 0: other types
  PoolWindows windows_;
  std::int64_t lists_ = 0, sums_ = 0;
};

}  // namespace detail

OCTET_API std::vector<Shape> AveragePool::shapes(const ShapeContext& c) const {
  const Shape& x = c.shape(0);
  return {detail::window_output(detail::resolve(window, x, c), x, x.back())};
}

OCTET_API std::unique_ptr<Step> AveragePool::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::AveragePoolStep>(c, window, include_padding, int8_ties);
}

OCTET_API std::unique_ptr<GradientStep> AveragePool::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::AveragePoolGradient>(c, prepare(c), window, include_padding);
}

OCTET_API std::string AveragePool::summary(const ShapeContext&) const { return "AvgPool " + window.summary(); }

/// The added zeros count as elements. So the pool must not have padding that may not count.
OCTET_API OperatorPtr AveragePool::padded(const std::vector<std::int64_t>& before,
                                          const std::vector<std::int64_t>& after, double value) const {
  auto op = std::make_shared<AveragePool>(*this);
  if (value != 0 || window.pads() || window.ceil_mode || !op->window.widen(before, after)) return nullptr;
  op->include_padding = true;
  return op;
}

OCTET_API OperatorPtr AveragePool::for_shifted_codes() const {
  auto op = std::make_shared<AveragePool>(*this);
  op->int8_ties = true;
  return op;
}

OCTET_API IntegerForm AveragePool::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  f.int16 = true;
  f.rescales = true;
  return f;
}

OCTET_END
