#pragma once
#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

/// What the kernels are told. Plain data: it crosses from code compiled for the baseline into code compiled for one
/// instruction set. Strides are in bytes, counts in elements; all pointers may be unaligned unless it says otherwise.
OCTET_BEGIN
namespace detail {

/// How accumulators become output elements.
enum class Store : std::uint8_t {
  accumulator,  // int32 or float as it is
  f32,          // clamp(float), + residual before the clamp
  scaled_f32,   // clamp(fma(float(acc) * multiplier, scale[c], shift[c])), + residual before the clamp: dynamic range
  u8,           // clamp(round_half_even(float(acc) * scale[c]) + zero_point)
  u8_residual,  // clamp(round_half_even(float(acc) * scale[c] + (residual - residual_zero) * residual_scale) +
                // zero_point)
  custom        // what the function below does
};

/// The way from a tile of accumulators to memory. Arrays are indexed by column (output channel) and padded with
/// zeros, see pad_columns.
struct Epilogue {
  Store store = Store::accumulator;
  std::byte* out = nullptr;
  std::ptrdiff_t out_stride = 0;  // from one row (pixel) to the next
  const float* scale = nullptr;
  const float* shift = nullptr;
  float multiplier = 1;
  // With scaled_f32, instead of the multiplier: a scale and a shift (zero point, negated) for each row, and the sums of
  // the weights of each column. fma(fma(shift, sum, float(acc)) * row_scale, scale[c], shift[c])
  const float *row_scale = nullptr, *row_shift = nullptr, *sums = nullptr;
  float low_f32 = 0, high_f32 = 0;
  std::int32_t zero_point = 0, low = 0, high = 255;
  const std::byte* residual = nullptr;  // of the output's type
  std::ptrdiff_t residual_stride = 0;
  float residual_scale = 0;
  std::int32_t residual_zero = 0;
  // With custom: called with the tile's accumulators and the place of its first element in the whole output.
  void (*custom)(const void* context, const std::byte* acc, std::ptrdiff_t acc_stride, std::int64_t row, int rows,
                 std::int64_t column, int columns) = nullptr;
  const void* context = nullptr;
  std::int64_t first_row = 0, first_column = 0;  // of this call in the whole output
};

constexpr int column_padding = 64;

/// out[rows x columns] = a[rows x k] * b[k x columns] + init. A row of `a` is read in steps of 4 bytes: 4 uint8
/// or one float; `b` is packed in panels, see pack.hpp.
struct Gemm {
  const std::byte* a = nullptr;
  std::ptrdiff_t a_stride = 0;
  std::int64_t rows = 0, steps = 0;
  const std::byte* b = nullptr;
  std::int64_t columns = 0;         // of this call, from column 0 of b, init and the epilogue's arrays and out
  const std::byte* init = nullptr;  // one accumulator a column (bias); padded
  Epilogue epilogue;
};

/// Copies the windows of the output pixels [first, first + count) into rows of a matrix, in the order
/// (ky, kx, channel): the left operand of a convolution. What lies outside the image comes from `padding`.
struct Gather {
  const std::byte* in = nullptr;  // [batch][height][width][pixel_bytes], at this group's first channel
  std::int64_t batch = 1, height = 1, width = 1;
  std::int64_t pixel_bytes = 0;  // from one pixel to the next
  std::int64_t run_bytes = 0;    // of one pixel that take part (all channels, or a group's)
  std::int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::int64_t pad_top = 0, pad_left = 0;
  std::int64_t out_h = 1, out_w = 1;
  const std::byte* padding = nullptr;  // kernel_w * run_bytes of zero points
  std::int64_t first = 0, count = 0;
  std::int64_t repeat = 1;  // times the window stands in a row
  std::byte* rows = nullptr;
  std::ptrdiff_t row_stride = 0;  // >= repeat * kernel_h * kernel_w * run_bytes, rounded up to 64
};

/// Depthwise convolution, rows [row_begin, row_end) of one image and channels [channel_begin, channel_end).
/// Weights are packed for the kernel (pack.hpp). Column = channel in the epilogue; its `out` is the pixel (0, 0).
struct Depthwise {
  const std::byte* in = nullptr;  // [height][width][channels]
  std::int64_t height = 0, width = 0, channels = 0;
  std::int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::int64_t pad_top = 0, pad_left = 0;
  std::int64_t out_w = 1, row_begin = 0, row_end = 0;
  std::int64_t channel_begin = 0, channel_end = 0;  // begin a multiple of depthwise_block
  const std::byte* weights = nullptr;
  const std::byte* init = nullptr;     // one accumulator a channel, padded
  const std::byte* padding = nullptr;  // `width` pixels of zero points
  std::int64_t repeat = 1;             // times the taps are used, each time with weights of their own
  const std::byte** taps = nullptr;    // room for repeat * kernel_h * kernel_w pointers, rounded up to 4
  Epilogue epilogue;
};

constexpr int depthwise_block = 32;  // channels a packed block of depthwise weights holds

/// Maximum or sum over windows, one output pixel: `count` pointers to the pixels of the window.
struct PoolWindow {
  const std::byte* const* pixels = nullptr;
  std::int64_t count = 0, channels = 0;
};

/// q = clamp(round_half_even(x / scale) + zero_point, low, high), stored xor `flip` (0x80 gives int8).
struct QuantizeF32 {
  const float* in = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  float scale = 1;
  std::int32_t zero_point = 0, low = 0, high = 255;  // of the uint8 before the flip
  std::uint8_t flip = 0;
};

/// out = clamp(round_half_even(fma(b - zero_b, scale_b, (a - zero_a) * scale_a)) + zero_point)
struct AddU8 {
  const std::uint8_t *a = nullptr, *b = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  float scale_a = 1, scale_b = 1;
  std::int32_t zero_a = 0, zero_b = 0, zero_point = 0, low = 0, high = 255;
};

}  // namespace detail
OCTET_END
