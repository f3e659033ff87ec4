#pragma once
#include "arguments.hpp"

/// Arguments of the kernels for training. (Inference uses some of them, too.) Strides are in elements. Sums over rows
/// are added to what the memory contains, so that they can be computed part by part. Each sum is one chain of
/// additions, independent of the size of vectors: the bits are the same on every instruction set.
OCTET_BEGIN
namespace detail {

/// c[rows x columns] += transpose(a) * b, with a [depth][rows] and b [depth][columns] in memory order. For the gradient
/// with respect to weights, depth is the pixels, rows the output channels, and columns the elements of a window.
struct OuterProduct {
  const float* a = nullptr;
  std::int64_t a_stride = 0, rows = 0;
  const float* b = nullptr;
  std::int64_t b_stride = 0, columns = 0, depth = 0;
  float* c = nullptr;
  std::int64_t c_stride = 0;
};

/// Rounds rows of floats to bfloat16, in pairs of rows: out[r / 2][column] holds the elements of rows r and r + 1 (zero
/// after the last row). In this form outer_product_bf16 takes a and b; its depth counts pairs.
struct RowPairs {
  const float* x = nullptr;
  std::int64_t stride = 0, rows = 0, columns = 0;
  std::byte* out = nullptr;     // 4 bytes per pair; columns are padded with zeros to a multiple of 16
  std::int64_t out_stride = 0;  // in pairs
};

/// The outputs [first, end) of `out` along one dimension for which a tap is inside the `size` pixels of the input.
/// `offset` is the distance of the tap from the first pixel, for output 0.
struct TapRange {
  std::int64_t first, end;
  TapRange(std::int64_t offset, std::int64_t size, std::int64_t stride, std::int64_t out)
      : first(offset >= 0 ? 0 : (-offset + stride - 1) / stride),
        end(offset >= size ? 0 : (size - 1 - offset) / stride + 1) {
    if (end > out) end = out;
    if (end < first) end = first;
  }
};

/// sums[tap][channel] += gradient[pixel][channel] * in[pixel under the tap][channel] over all pixels of some images and
/// the channels [channel_begin, channel_end): the gradient with respect to depthwise weights.
struct DepthwiseWeights {
  ConvolutionShape shape;           // `batch`: of these images
  const float* in = nullptr;        // [batch][in_h][in_w][in_c]
  const float* gradient = nullptr;  // [batch][out_h][out_w][in_c]
  std::int64_t channel_begin = 0, channel_end = 0;
  float* sums = nullptr;
};

/// A contiguous matrix [rows][channels].
struct ChannelRows {
  const float* x = nullptr;
  std::int64_t rows = 0, channels = 0;
};

/// y = clamp(x * scale + shift) for each channel, and what its gradient depends on.
struct Normalized {
  ChannelRows in;
  const float *scale = nullptr, *shift = nullptr, *mean = nullptr;  // one per channel
  float low = 0, high = 0;
  bool clamps = false;              // false: no limits
  const float* gradient = nullptr;  // of y; [rows][channels]
};

/// y = clamp(round_half_even(x / scale), low, high) * scale: fake quantization. `low` and `high` are the smallest and
/// largest code less the zero point: integers below 512 in magnitude.
struct FakeQuantized {
  const float* x = nullptr;
  float* y = nullptr;  // may be x
  std::int64_t count = 0;
  float scale = 1, low = -128, high = 127;
  std::uint8_t* inside = nullptr;  // bit i % 8 of byte i / 8: whether x[i] is in [low, high] * scale; null: not wanted
};

/// The gradient of fake quantization with respect to its input and its scale (Esser et al. 2020, "Learned step size
/// quantization").
struct FakeQuantizedGradient {
  const float *x = nullptr, *dy = nullptr;
  float* dx = nullptr;  // dy where x is in [low, high] * scale, else 0; may be dy
  std::int64_t count = 0;
  float scale = 1, low = -128, high = 127;
  static constexpr int sums = 16;
};

/// s = round_half_even((x - bias) * inverse) + code: the int32 sums of an integer layer. y = s * unit or, as such a
/// layer requantizes them, round_half_even(s * unit) * step.
struct RoundedSums {
  ChannelRows in;
  const float *bias = nullptr, *inverse = nullptr, *unit = nullptr;  // one per channel, padded (see pad_columns)
  const std::int32_t* code = nullptr;                                // of the bias; likewise
  float step = 0;                                                    // 0: the sums are not requantized
  float* y = nullptr;  // may be x; is x where s exceeds the range of int32
};

/// The training kernels of one instruction set.
struct GradientKernels {
  void (*outer_product)(const OuterProduct&) noexcept = nullptr;
  void (*outer_product_bf16)(const OuterProduct&) noexcept = nullptr;  // null if the CPU cannot multiply bfloat16
  void (*pack_pairs)(const RowPairs&) noexcept = nullptr;
  void (*depthwise_weights)(const DepthwiseWeights&) noexcept = nullptr;
  /// sums[c] += x[.][c]
  void (*channel_sums)(const ChannelRows&, float* sums) noexcept = nullptr;
  /// squares[c] += (x[.][c] - mean[c])^2
  void (*channel_squares)(const ChannelRows&, const float* mean, float* squares) noexcept = nullptr;
  /// Writes y of Normalized.
  void (*normalize)(const Normalized&, float* y) noexcept = nullptr;
  /// sums[c] += g, products[c] += g * (x - mean[c]), where g is the gradient, or 0 where y is at a limit
  void (*normalized_sums)(const Normalized&, float* sums, float* products) noexcept = nullptr;
  /// dx = scale[c] * (g - a[c] - b[c] * (x - mean[c])); dx may be the gradient's memory
  void (*normalized_gradient)(const Normalized&, const float* a, const float* b, float* dx) noexcept = nullptr;
  /// dx = low < y < high ? dy : 0
  void (*clamp_gradient)(const float* y, const float* dy, float* dx, std::int64_t n, float low,
                         float high) noexcept = nullptr;
  /// to += from * factor
  void (*add_scaled)(const float* from, float factor, float* to, std::int64_t n) noexcept = nullptr;
  /// Writes y of FakeQuantized, and the smallest and largest x, as minmax_f32 does.
  void (*fake_quantize)(const FakeQuantized&, float* low_high) noexcept = nullptr;
  /// dx = inside ? dy : 0, with the bits that fake_quantize wrote
  void (*pass_inside)(const std::uint8_t* inside, const float* dy, float* dx, std::int64_t n) noexcept = nullptr;
  /// Writes dx, and sums[i % 16] += dy[i] * (clamp(round(v), low, high) - (v inside ? v : 0)), with v = x[i] / scale.
  void (*fake_quantize_gradient)(const FakeQuantizedGradient&, float* sums) noexcept = nullptr;
  void (*round_sums)(const RoundedSums&) noexcept = nullptr;
  /// For each channel: adds dy to the gradient of the first pixel of the window that equals the maximum y. The gradient
  /// of pixel i is at pixels[i] + offset bytes.
  void (*max_gradient)(const PoolWindow&, const float* y, const float* dy, std::ptrdiff_t offset) noexcept = nullptr;
};

}  // namespace detail
OCTET_END
