#pragma once
#include "../../../core/config.hpp"

OCTET_BEGIN
namespace detail::cpp {

constexpr const char* pool_source = R"cpp(
  /// The windows of a pooling layer of one image.
  struct Pool {
    std::int32_t in_h, in_w, channels, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w,
        pad_top, pad_left;
    /// Calls tap(code) for each code of the window of an output. Returns their number.
    template <class Tap>
    std::int32_t each(const code* in, std::int32_t y, std::int32_t x, std::int32_t c, Tap tap) const noexcept {
      std::int32_t count = 0;
      for (std::int32_t ky = 0; ky < kernel_h; ++ky) {
        const std::int32_t iy = y * stride_h - pad_top + ky * dilation_h;
        if (iy < 0 || iy >= in_h) continue;
        for (std::int32_t kx = 0; kx < kernel_w; ++kx) {
          const std::int32_t ix = x * stride_w - pad_left + kx * dilation_w;
          if (ix < 0 || ix >= in_w) continue;
          tap(in[(iy * in_w + ix) * channels + c]);
          ++count;
        }
      }
      return count;
    }
  };
)cpp";

constexpr const char* max_pool_source = R"cpp(
  inline void max_pool(const Pool& p, const code* in, code* out) noexcept {
    for (std::int32_t y = 0; y < p.out_h; ++y)
      for (std::int32_t x = 0; x < p.out_w; ++x)
        for (std::int32_t c = 0; c < p.channels; ++c) {
          code largest = static_cast<code>(-1) < 0 ? static_cast<code>(-128) : code{0};
          p.each(in, y, x, c, [&](code q) { largest = q > largest ? q : largest; });
          *out++ = largest;
        }
  }
)cpp";

constexpr const char* average_pool_source = R"cpp(
  /// `factors`: what the sum of a window's codes is multiplied by, for windows of 1, 2, ... codes if `by_count`, else
  /// for all.
  inline void average_pool(const Pool& p, const float* factors, bool by_count, std::int32_t zero, const code* in,
                           code* out, Codes codes) noexcept {
    for (std::int32_t y = 0; y < p.out_h; ++y)
      for (std::int32_t x = 0; x < p.out_w; ++x)
        for (std::int32_t c = 0; c < p.channels; ++c) {
          std::int32_t sum = 0;
          const std::int32_t count = p.each(in, y, x, c, [&](code q) { sum += q - zero; });
          *out++ = codes(rounded(static_cast<float>(sum) * factors[by_count && count > 0 ? count - 1 : 0]));
        }
  }
)cpp";

constexpr const char* fixed_average_pool_source = R"cpp(
  /// As TFLite: the mean of codes minus `middle`, rounded half away from zero. `divisor`: 0 for the number of codes.
  inline void fixed_average_pool(const Pool& p, std::int32_t divisor, std::int32_t middle, const code* in,
                                 code* out) noexcept {
    for (std::int32_t y = 0; y < p.out_h; ++y)
      for (std::int32_t x = 0; x < p.out_w; ++x)
        for (std::int32_t c = 0; c < p.channels; ++c) {
          std::int32_t sum = 0;
          const std::int32_t inside = p.each(in, y, x, c, [&](code q) { sum += q - middle; });
          const std::int32_t n = divisor > 0 ? divisor : inside > 0 ? inside : 1;
          *out++ = static_cast<code>((sum > 0 ? sum + n / 2 : sum - n / 2) / n + middle);
        }
  }
)cpp";

constexpr const char* fixed_mean_source = R"cpp(
  /// The sums of windows in the output's scale, with TFLite's rounding.
  template <class Factor>
  void fixed_mean(const Pool& p, Factor factor, std::int32_t zero, const code* in, code* out, Codes codes) noexcept {
    for (std::int32_t y = 0; y < p.out_h; ++y)
      for (std::int32_t x = 0; x < p.out_w; ++x)
        for (std::int32_t c = 0; c < p.channels; ++c) {
          std::int32_t sum = 0;
          p.each(in, y, x, c, [&](code q) { sum += q - zero; });
          *out++ = codes(limited(multiplied(sum, factor)));
        }
  }
)cpp";

}  // namespace detail::cpp
OCTET_END
