#pragma once
#include "../../../core/config.hpp"

OCTET_BEGIN
namespace detail::cpp {

constexpr const char* convolution_shape_source = R"cpp(
  /// Sizes and weights of a convolution, or of a fully connected layer, of one image.
  template <class Weight>
  struct Convolution {
    std::int32_t in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w,
        pad_top, pad_left, groups;
    std::int32_t zero;         // of the input; the padding
    const Weight* weights;     // [out_c][kernel_h][kernel_w][in_c / groups]
    const std::int32_t* bias;  // [out_c], minus zero * the sum of the channel's weights (not by channel)
  };
)cpp";

constexpr const char* convolution_source = R"cpp(
  /// sum + the products of n codes and weights, modulo 2^32: only the final sum has to fit.
  template <class Weight>
  std::uint32_t add_products(std::uint32_t sum, const code* x, const Weight* w, std::int32_t n) noexcept {
#  if defined(__GNUC__) && !defined(__clang__)
#    pragma GCC unroll 4
#  endif
    for (std::int32_t i = 0; i < n; ++i) sum += static_cast<std::uint32_t>(std::int32_t{x[i]} * std::int32_t{w[i]});
    return sum;
  }
  /// The same for the padding.
  template <class Weight>
  std::uint32_t add_padding(std::uint32_t sum, std::int32_t zero, const Weight* w, std::int32_t n) noexcept {
    for (std::int32_t i = 0; i < n; ++i) sum += static_cast<std::uint32_t>(zero * std::int32_t{w[i]});
    return sum;
  }

  /// Calls store(index, channel, sum) for each output.
  template <class Weight, class Store>
  void convolution(const Convolution<Weight>& p, const code* in, Store store) noexcept {
    const std::int32_t group_in = p.in_c / p.groups, group_out = p.out_c / p.groups, row = p.kernel_w * group_in;
    std::int32_t index = 0;
    for (std::int32_t y = 0; y < p.out_h; ++y)
      for (std::int32_t x = 0; x < p.out_w; ++x) {
        const std::int32_t top = y * p.stride_h - p.pad_top, left = x * p.stride_w - p.pad_left;
        // Whether each row of the window is one run of codes.
        const bool runs = p.groups == 1 && p.dilation_w == 1 && left >= 0 && left + p.kernel_w <= p.in_w;
        const Weight* w = p.weights;
        for (std::int32_t c = 0; c < p.out_c; ++c) {
          const code* group = in + c / group_out * group_in;
          auto sum = static_cast<std::uint32_t>(p.bias[c]);
          for (std::int32_t ky = 0; ky < p.kernel_h; ++ky, w += row) {
            const std::int32_t iy = top + ky * p.dilation_h;
            if (iy < 0 || iy >= p.in_h) {
              sum = add_padding(sum, p.zero, w, row);
            } else if (runs) {
              sum = add_products(sum, in + (iy * p.in_w + left) * p.in_c, w, row);
            } else {
              for (std::int32_t kx = 0; kx < p.kernel_w; ++kx) {
                const std::int32_t ix = left + kx * p.dilation_w;
                sum = ix < 0 || ix >= p.in_w
                          ? add_padding(sum, p.zero, w + kx * group_in, group_in)
                          : add_products(sum, group + (iy * p.in_w + ix) * p.in_c, w + kx * group_in, group_in);
              }
            }
          }
          store(index++, c, static_cast<std::int32_t>(sum));
        }
      }
  }
)cpp";

constexpr const char* depthwise_source = R"cpp(
  /// The taps [first, end) of a window that are inside the image.
  struct Taps {
    std::int32_t first, end;
    Taps(std::int32_t start, std::int32_t kernel, std::int32_t dilation, std::int32_t size) noexcept
        : first(start < 0 ? (-start + dilation - 1) / dilation : 0),
          end(start >= size ? 0 : (size - 1 - start) / dilation + 1) {
      if (end > kernel) end = kernel;
    }
  };

  /// The same for one input channel per group. Here `bias` is that of the layer, as the padding is skipped.
  template <class Weight, class Store>
  void depthwise_convolution(const Convolution<Weight>& p, const code* in, Store store) noexcept {
    const std::int32_t multiplier = p.out_c / p.in_c, column = p.dilation_w * p.in_c;
    std::int32_t index = 0;
    for (std::int32_t y = 0; y < p.out_h; ++y)
      for (std::int32_t x = 0; x < p.out_w; ++x) {
        const std::int32_t top = y * p.stride_h - p.pad_top, left = x * p.stride_w - p.pad_left;
        const Taps rows(top, p.kernel_h, p.dilation_h, p.in_h), columns(left, p.kernel_w, p.dilation_w, p.in_w);
        for (std::int32_t c = 0; c < p.out_c; ++c) {
          auto sum = static_cast<std::uint32_t>(p.bias[c]);
          for (std::int32_t ky = rows.first; ky < rows.end; ++ky) {
            const Weight* w = p.weights + (c * p.kernel_h + ky) * p.kernel_w;
            const std::int32_t start = ((top + ky * p.dilation_h) * p.in_w + left) * p.in_c + c / multiplier;
            for (std::int32_t kx = columns.first; kx < columns.end; ++kx)
              sum += static_cast<std::uint32_t>((in[start + kx * column] - p.zero) * std::int32_t{w[kx]});
          }
          store(index++, c, static_cast<std::int32_t>(sum));
        }
      }
  }
)cpp";

constexpr const char* scaled_source = R"cpp(
  /// Stores sums as codes.
  struct Scaled {
    code* out;
    const float* scale;  // one per channel
    Codes codes;
    void operator()(std::int32_t i, std::int32_t channel, std::int32_t sum) const noexcept {
      out[i] = codes(rounded(static_cast<float>(sum) * scale[channel]));
    }
  };
)cpp";

constexpr const char* scaled_residual_source = R"cpp(
  /// Stores sums plus another tensor as codes.
  struct ScaledWithResidual {
    code* out;
    const float* scale;  // one per channel
    Codes codes;
    const code* residual;
    float residual_scale;
    std::int32_t residual_zero;
    void operator()(std::int32_t i, std::int32_t channel, std::int32_t sum) const noexcept {
      const float scaled = static_cast<float>(sum) * scale[channel];
      out[i] = codes(rounded(fused(static_cast<float>(residual[i] - residual_zero), residual_scale, scaled)));
    }
  };
)cpp";

constexpr const char* scaled_bias_source = R"cpp(
  /// Stores sums plus a float bias, which is divided by the output's scale, as codes.
  struct ScaledWithBias {
    code* out;
    const float* scale;  // one per channel
    const float* bias;   // one per channel
    Codes codes;
    void operator()(std::int32_t i, std::int32_t channel, std::int32_t sum) const noexcept {
      out[i] = codes(rounded(fused(static_cast<float>(sum), scale[channel], bias[channel])));
    }
  };
)cpp";

constexpr const char* scaled_float_source = R"cpp(
  /// Stores sums as floats.
  struct ScaledToFloat {
    float* out;
    const float* scale;  // one per channel
    const float* bias;   // one per channel
    float low, high;
    void operator()(std::int32_t i, std::int32_t channel, std::int32_t sum) const noexcept {
      const float x = fused(static_cast<float>(sum), scale[channel], bias[channel]);
      out[i] = x < low ? low : x > high ? high : x;
    }
  };
)cpp";

constexpr const char* fixed_scaled_source = R"cpp(
  /// Stores sums as codes, with TFLite's rounding.
  template <class Factor>
  struct FixedScaled {
    code* out;
    const Factor* scale;  // one per channel
    Codes codes;
    void operator()(std::int32_t i, std::int32_t channel, std::int32_t sum) const noexcept {
      out[i] = codes(limited(multiplied(sum, scale[channel])));
    }
  };
)cpp";

constexpr const char* fixed_residual_source = R"cpp(
  /// Stores sums plus another tensor as codes, with TFLite's rounding of both.
  template <class Factor>
  struct FixedScaledWithResidual {
    code* out;
    const Factor* scale;  // one per channel
    Codes codes;
    const code* residual;
    Factor residual_scale;
    std::int32_t residual_zero;
    void operator()(std::int32_t i, std::int32_t channel, std::int32_t sum) const noexcept {
      const std::int64_t added = multiplied(residual[i] - residual_zero, residual_scale);
      out[i] = codes(limited(added + multiplied(sum, scale[channel])));
    }
  };
)cpp";

}  // namespace detail::cpp
OCTET_END
