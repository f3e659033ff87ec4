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
    joins_ = joins();
    const std::int64_t channels = joins_ ? windows_.joined_channels() : windows_.channels();
    const bool strided = joins_ && windows_.width().stride > 1;
    lists_ = round_up(static_cast<std::int64_t>(windows_.scratch_bytes(c.threads)), 64);
    sums_ = mean_ ? round_up(channels * 4, 64) : 0;
    results_ = strided ? round_up(channels * windows_.pixel_bytes() / windows_.channels(), 64) : 0;
    return static_cast<std::size_t>(lists_ + (sums_ + results_) * c.threads);
  }

  void run(const RunContext& c) noexcept override {
    const std::int64_t pixel_bytes = windows_.pixel_bytes();
    if (!joins_)
      return windows_.each(c.input(0), c.scratch, *c.pool,
                           [&](const PoolWindow& w, std::int64_t padded, std::int64_t pixel, int worker) {
                             store(w, padded, memory(c, worker), c.output() + pixel * pixel_bytes);
                           });
    windows_.each_joined(
        c.input(0), c.scratch, *c.pool,
        [&](const PoolWindow& w, std::int64_t padded, std::int64_t pixel, std::int64_t count, int worker) {
          std::byte *out = c.output() + pixel * pixel_bytes, *sums = memory(c, worker), *results = sums + sums_;
          if (w.channels == count * windows_.channels()) return store(w, padded, sums, out);
          store(w, padded, sums, results);
          windows_.keep_windows(out, results, count);
        });
  }

 private:
  /// Whether the windows of a row are computed as one, which fills vectors where a pixel has few channels. With a
  /// stride, there are more results than the output has.
  bool joins() const noexcept {
    const std::int64_t stride = windows_.width().stride;
    return windows_.channels() > 0 && (stride == 1 || (stride * windows_.pixel_bytes() <= 64 &&
                                                       (mean_ ? mean_->by_kernel(windows_.taps()) : ratio_ == 0)));
  }
  std::byte* memory(const RunContext& c, int worker) const noexcept {
    return c.scratch + lists_ + worker * (sums_ + results_);
  }

  /// The means of a window. `sums`: of bytes, memory for an int32 for each channel.
  void store(const PoolWindow& w, std::int64_t padded, std::byte* sums, std::byte* to) const noexcept {
    const std::int64_t count =
        std::max<std::int64_t>(1, include_padding_ ? padded : w.count);  // the mean of no elements is 0
    auto* out = reinterpret_cast<std::uint8_t*>(to);
    if (ratio_ != 0) {
      store_int16(w, count, reinterpret_cast<std::int16_t*>(to));
    } else if (!mean_) {
      simd_->sum_f32(w, 1.0f / static_cast<float>(count), reinterpret_cast<float*>(to));
    } else if (!mean_->store(w, count, out)) {
      auto* numbers = reinterpret_cast<std::int32_t*>(sums);
      simd_->sum_u8(w, numbers);
      mean_->store(numbers, w.channels, w.count, count, out);
    }
  }

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
  bool joins_ = false;
  std::int64_t lists_ = 0;               // bytes of all workers' lists
  std::int64_t sums_ = 0, results_ = 0;  // bytes of a worker
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
