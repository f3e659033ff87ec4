#pragma once
#include <optional>

#include "axis_view.hpp"
#include "elementary.hpp"
#include "int16_sums.hpp"
#include "tflite_int16_functions.hpp"

OCTET_BEGIN
namespace detail {

/// Softmax of 16-bit activations: of real numbers, rounded half to even, or as TFLite's kernel computes it.
class Int16Softmax : public Step {
 public:
  Int16Softmax(const PrepareContext& c, std::int64_t axis, double beta) : axis_(axis) {
    const double x = int16_scale(c, c.input(0)), y = int16_scale(c, c.output());
    factor_ = static_cast<float>(x * beta);
    out_scale_ = y;
    if (c.own_rounding() != Rounding::fp32 && static_cast<float>(y) == 0x1p-15f)
      fixed_.emplace(static_cast<float>(x), beta);
  }
  std::size_t packed_bytes() const noexcept override { return sizeof *this; }
  std::size_t plan(const PlanContext& c) override {
    view_ = {c.inputs[0].shape, normalize_axis(axis_, c.inputs[0].shape.rank())};
    floats_ = (view_.n + 15) / 16 * 16;
    return fixed_ ? 0 : static_cast<std::size_t>(floats_ * c.threads) * sizeof(float);
  }
  void run(const RunContext& c) noexcept override {
    c.pool->parallel(view_.outer, [&](std::int64_t o, int thread) {
      for (std::int64_t i = 0; i < view_.inner; ++i) {
        const std::int64_t at = o * view_.n * view_.inner + i;
        const auto* in = reinterpret_cast<const std::int16_t*>(c.input(0)) + at;
        auto* out = reinterpret_cast<std::int16_t*>(c.output()) + at;
        if (fixed_)
          (*fixed_)(in, out, view_.n, view_.inner);
        else
          one(in, out, reinterpret_cast<float*>(c.scratch) + thread * floats_);
      }
    });
  }

 private:
  void one(const std::int16_t* in, std::int16_t* out, float* e) const noexcept {
    std::int32_t largest = -32768;
    for (std::int64_t k = 0; k < view_.n; ++k) largest = std::max<std::int32_t>(largest, in[k * view_.inner]);
    for (std::int64_t k = 0; k < floats_; ++k)
      e[k] = k < view_.n ? static_cast<float>(in[k * view_.inner] - largest) * factor_ : 0;
    constexpr std::int64_t lanes = FloatBatch::size;
    static_assert(16 % lanes == 0);
    for (std::int64_t k = 0; k < floats_; k += lanes) exp_of(FloatBatch::load_unaligned(e + k)).store_unaligned(e + k);
    double sum = 0;
    for (std::int64_t k = 0; k < view_.n; ++k) sum += static_cast<double>(e[k]);
    const double scale = 1 / (sum * out_scale_);
    for (std::int64_t k = 0; k < view_.n; ++k) {
      // The order of arguments turns NaN (from a beta that is not finite) into 0.
      const double y = std::min(std::max(0.0, std::nearbyint(static_cast<double>(e[k]) * scale)), 32767.0);
      out[k * view_.inner] = static_cast<std::int16_t>(y);
    }
  }
  std::int64_t axis_;
  float factor_ = 1;
  double out_scale_ = 1;
  std::optional<FixedSoftmax> fixed_;
  AxisView view_;
  std::int64_t floats_ = 0;  // of a row, rounded up
};

}  // namespace detail
OCTET_END
