#pragma once
#include "../core/rounded.hpp"
#include "../kernels/bytes.hpp"
#include "../kernels/requantize.hpp"
#include "activation_codes.hpp"

OCTET_BEGIN
namespace detail {

/// Computes means of uint8 values, in the output's scale, from their sums. For average pooling and mean.
class IntegerMean {
 public:
  /// How TFLite rounds the mean: a pool divides the sum of the integers and rounds half away from zero (int8_pool: the
  /// values were int8, so away from 128); a reduction multiplies the sum minus zero points, or (pixels, int8_pixels:
  /// over height and width, which are kept as dimensions) the sum of the integers, and rounds the zero point apart.
  /// xnnpack, int8_xnnpack: over height and width with Rounding::xnnpack, which multiplies the sum of the integers, in
  /// float, and adds both zero points before rounding.
  enum class Kind : std::uint8_t { pool, int8_pool, reduction, pixels, int8_pixels, xnnpack, int8_xnnpack };

  IntegerMean(const PrepareContext& c, Kind kind)
      : kernels_(&byte_kernels(c.kernels().isa)),
        in_(params_of(int8_format, c, c.input(0))),
        out_(params_of(int8_format, c, c.output())),
        kind_(kind),
        rounding_(by_xnnpack(kind) ? Rounding::fp32 : c.own_rounding()),
        scale_(static_cast<double>(in_.scale[0]) / static_cast<double>(out_.scale[0])),
        exact_(256 * static_cast<double>(in_.scale[0]) / static_cast<double>(out_.scale[0]) < 2147483000.0) {
    c.multiplier(static_cast<double>(in_.scale[0]) / static_cast<double>(out_.scale[0]));
    // TFLite's pools keep the scale.
    if ((kind == Kind::pool || kind == Kind::int8_pool) && in_ != out_) rounding_ = Rounding::fp32;
  }

  /// The multiplier divided by n, with as many bits as possible; truncates as TFLite does.
  static FixedPointMultiplier divided(FixedPointMultiplier m, std::int64_t n) noexcept {
    int shift = 0;
    while (shift < 32 && n >> (shift + 1) != 0) ++shift;
    shift = std::clamp(shift, 0, 31 + m.shift);
    m.mantissa = static_cast<std::int32_t>((std::int64_t{m.mantissa} << shift) / n);
    m.shift -= shift;
    return m;
  }

  /// The divisor of most means.
  void expect(std::int64_t count) noexcept {
    usual_factor_ = factor_of(count);
    usual_count_ = count;
  }

  /// sums: of `inside` values each; count: the divisor (larger than inside if padding counts). The mean of no values is
  /// 0.
  void store(const std::int32_t* sums, std::int64_t channels, std::int64_t inside, std::int64_t count,
             std::uint8_t* out) const noexcept {
    count = std::max<std::int64_t>(count, 1);
    const auto zero_sum = static_cast<std::int32_t>(inside * in_.zero_point[0]);
    if (by_xnnpack(kind_)) {
      const std::int32_t shift = kind_ == Kind::int8_xnnpack ? 128 : 0;  // floats are of the file's codes
      const auto codes_shift = static_cast<std::int32_t>(inside * shift);
      const float factor = in_.scale[0] / out_.scale[0] / static_cast<float>(count);
      const float bias =
          static_cast<float>(out_.zero_point[0] - shift) - rounded(static_cast<float>(zero_sum - codes_shift) * factor);
      return each(sums, channels, out, [&](std::int32_t sum) {
        const float mean = rounded(static_cast<float>(sum - codes_shift) * factor);
        return round_clamped(mean + bias, -512, 512) + shift;
      });
    }
    if (rounding_ == Rounding::fp32) {
      const float factor = factor_of(count);
      if (exact_) return kernels_->mean({sums, nullptr, 0, out, channels, zero_sum, factor, out_.zero_point[0]});
      return each(sums, channels, out, [&](std::int32_t sum) {
        return round_clamped(static_cast<float>(sum - zero_sum) * factor, -512, 512) + out_.zero_point[0];
      });
    }
    if (kind_ == Kind::reduction) {
      const FixedPointMultiplier m = divided(scale_, count);
      return each(sums, channels, out, [&](std::int32_t sum) {
        const std::int32_t x = sum - zero_sum;
        const std::int32_t q =
            rounding_ == Rounding::tflite_double ? multiply_double_rounding(x, m) : multiply_single_rounding(x, m);
        return static_cast<std::int32_t>(std::clamp<std::int64_t>(std::int64_t{q} + out_.zero_point[0], 0, 255));
      });
    }
    const std::int32_t offset = kind_ == Kind::int8_pool || kind_ == Kind::int8_pixels ? 128 : 0;
    if (kind_ == Kind::pixels || kind_ == Kind::int8_pixels) {
      const float sx = in_.scale[0], sy = out_.scale[0];
      const FixedPointMultiplier m(static_cast<double>(sx / rounded(static_cast<float>(count) * sy)));
      const auto zero = round_clamped_away(static_cast<float>(in_.zero_point[0] - offset) * sx / sy);
      return each(sums, channels, out, [&](std::int32_t s) {
        const std::int64_t q =
            std::int64_t{multiply_double_rounding(s - static_cast<std::int32_t>(inside) * offset, m)};
        return static_cast<std::int32_t>(std::clamp<std::int64_t>(q - zero + out_.zero_point[0], 0, 255));
      });
    }
    const auto n = static_cast<std::int32_t>(count), shift = static_cast<std::int32_t>(inside) * offset;
    each(sums, channels, out, [&](std::int32_t s) {
      const std::int32_t sum = s - shift;
      return (sum > 0 ? sum + n / 2 : sum - n / 2) / n + offset;
    });
  }

  /// Whether a kernel computes the means of a window with so many pixels. Another one is faster where 16 bits do not
  /// hold the sum.
  bool by_kernel(std::int64_t pixels) const noexcept {
    return pixels <= 257 && rounding_ == Rounding::fp32 && !by_xnnpack(kind_) && exact_;
  }
  /// The means of a window, if kernels can compute them: else nothing, and false.
  bool store(const PoolWindow& w, std::int64_t count, std::uint8_t* out) const noexcept {
    count = std::max<std::int64_t>(count, 1);
    if (!by_kernel(w.count)) return false;
    const float factor = factor_of(count);
    const auto zero_sum = static_cast<std::int32_t>(w.count * in_.zero_point[0]);
    kernels_->mean({nullptr, w.pixels, w.count, out, w.channels, zero_sum, factor, out_.zero_point[0]});
    return true;
  }

 private:
  static bool by_xnnpack(Kind k) noexcept { return k == Kind::xnnpack || k == Kind::int8_xnnpack; }
  /// Half away from zero; any limit beyond the range of sums will do.
  static std::int64_t round_clamped_away(float x) noexcept {
    return static_cast<std::int64_t>(std::clamp(std::round(x), -1e9f, 1e9f));
  }
  float factor_of(std::int64_t count) const noexcept {
    if (count == usual_count_) return usual_factor_;
    return finite_factor(static_cast<double>(in_.scale[0]) /
                         (static_cast<double>(out_.scale[0]) * static_cast<double>(count)));
  }
  template <class F>
  static void each(const std::int32_t* sums, std::int64_t channels, std::uint8_t* out, F f) noexcept {
    for (std::int64_t c = 0; c < channels; ++c) out[c] = static_cast<std::uint8_t>(std::clamp(f(sums[c]), 0, 255));
  }
  const ByteKernels* kernels_;
  QuantParams in_, out_;
  Kind kind_;
  Rounding rounding_;
  FixedPointMultiplier scale_;
  bool exact_;  // whether means stay below 2^31, so that the kernels' conversions to integers are exact
  std::int64_t usual_count_ = 0;
  float usual_factor_ = 0;
};

}  // namespace detail
OCTET_END
