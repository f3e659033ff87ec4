#pragma once
#include "../graph/operator.hpp"
#include "../kernels/requantize.hpp"

OCTET_BEGIN
namespace detail {

/// Means of uint8 values from their sums, in the output's scale: average pooling and mean.
class IntegerMean {
 public:
  IntegerMean(const PrepareContext& c, bool int8_ties)
      : in_(parameters(c, c.input(0))), out_(parameters(c, c.output())), tflite_(c.rounding() != Rounding::fp32 && in_ == out_),
        offset_(int8_ties ? 128 : 0) {}

  /// sums of `inside` values each, to be divided by `count` (more than inside where zeros of a padding count).
  /// Where there is nothing to count, the mean is 0.
  void store(const std::int32_t* sums, std::int64_t channels, std::int64_t inside, std::int64_t count,
             std::uint8_t* out) const noexcept {
    count = std::max<std::int64_t>(count, 1);
    const auto zero_sum = static_cast<std::int32_t>(inside * in_.zero_point[0]);
    const float factor = static_cast<float>(static_cast<double>(in_.scale[0]) /
                                            (static_cast<double>(out_.scale[0]) * static_cast<double>(count)));
    for (std::int64_t c = 0; c < channels; ++c) {
      std::int32_t q;
      if (tflite_) {  // the mean of the integers, half away from zero
        const auto n = static_cast<std::int32_t>(count), sum = sums[c] - static_cast<std::int32_t>(inside) * offset_;
        q = (sum > 0 ? sum + n / 2 : sum - n / 2) / n + offset_;
      } else {
        q = round_clamped(static_cast<float>(sums[c] - zero_sum) * factor, -512, 512) + out_.zero_point[0];
      }
      out[c] = static_cast<std::uint8_t>(std::clamp(q, 0, 255));
    }
  }

 private:
  static QuantParams parameters(const PrepareContext& c, const Value& v) {
    c.require(v.dtype == DType::u8 && v.is_quantized() && !v.quant.per_channel(), "'", v.name,
              "' has to be uint8 with one scale and zero point");
    validate(v.quant, v.shape, v.dtype);
    return v.quant;
  }
  QuantParams in_, out_;
  bool tflite_;
  std::int32_t offset_;
};

}  // namespace detail
OCTET_END
