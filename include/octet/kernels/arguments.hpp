#pragma once
#include <cstddef>
#include <cstdint>

#include "convolution_shape.hpp"
#include "elements.hpp"
#include "winograd_tiles.hpp"

/// What the kernels are told. Plain data: it crosses from code compiled for the baseline into code compiled for one
/// instruction set. Strides are in bytes, counts in elements; all pointers may be unaligned unless it says otherwise.
OCTET_BEGIN
namespace detail {

/// How accumulators become output elements.
enum class Store : std::uint8_t {
  accumulator,  // int32 or float as it is
  f32,          // clamp(float), + residual before the clamp
  scaled_f32,  // clamp(fma(fma(row_shift, sums[c], float(acc)) * row_scale, scale[c], shift[c])), + residual before the
               // clamp: activations that were quantized with a scale and a zero point (-row_shift) of each row
  u8,          // clamp(round_half_even(float(acc) * scale[c]) + zero_point)
  u8_residual,  // clamp(round_half_even(float(acc) * scale[c] + (residual - residual_zero) * residual_scale) +
                // zero_point)
  u8_shifted,   // clamp(round_half_even(fma(float(acc), scale[c], shift[c])) + zero_point)
  custom        // what the function below does
};

constexpr bool stores_bytes(Store s) noexcept {
  return s == Store::u8 || s == Store::u8_residual || s == Store::u8_shifted;
}

/// The way from a tile of accumulators to memory. Arrays are indexed by column (output channel) and padded with
/// zeros, see pad_columns.
struct Epilogue {
  Store store = Store::accumulator;
  std::byte* out = nullptr;
  std::ptrdiff_t out_stride = 0;  // from one row (pixel) to the next
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* sums = nullptr;  // of each column's weights; any finite numbers where row_shift is 0
  const float *row_scale = &one, *row_shift = &zero;
  std::ptrdiff_t row_step = 0;  // 1: each row has its own
  static constexpr float one = 1, zero = 0;
  float low_f32 = 0, high_f32 = 0;
  std::int32_t zero_point = 0, low = 0, high = 255;
  Limit limit() const noexcept { return zero_point == 0 && low == 0 && high == 255 ? Limit::none : Limit::clamp; }
  const std::byte* residual = nullptr;  // of the output's type
  std::ptrdiff_t residual_stride = 0;
  float residual_scale = 0;
  std::int32_t residual_zero = 0;
  bool pooled = false;  // the greatest of each 2 x 2 pixels is stored alone; Winograd only, of even sizes, no residual
  // With scaled_f32: vectors of the lowest and the highest numbers stored yet, and of zeros, or NaNs where not all of
  // them were finite. Null: nobody asks.
  float* range = nullptr;
  // With custom: called with the tile's accumulators and the place of its first element in the whole output.
  void (*custom)(const void* context, const std::byte* acc, std::ptrdiff_t acc_stride, std::int64_t row, int rows,
                 std::int64_t column, int columns) = nullptr;
  const void* context = nullptr;
  std::int64_t first_row = 0, first_column = 0;  // of this call in the whole output
};

constexpr int column_padding = 64;

/// Output channels of the panel of weights that begins where `left` channels are left: `vectors` whole vectors, or the
/// power of two of them that holds the rest.
constexpr std::int64_t panel_width(std::int64_t left, std::int64_t lanes, std::int64_t vectors) noexcept {
  std::int64_t width = lanes;
  while (width < left && width < lanes * vectors) width *= 2;
  return width;
}

/// Where column c of a panel of so many vectors stands in those vectors when the outputs are bytes: packing four
/// vectors of sums (see `pack` of the instruction sets) then gives bytes in the order of the columns.
constexpr std::int64_t interleaved(std::int64_t c, std::int64_t lanes, std::int64_t vectors) noexcept {
  return c / 4 % vectors * lanes + c / (4 * vectors) * 4 + c % 4;
}

/// out[rows x columns] = a[rows x k] * b[k x columns] + init. A row of `a` is read in steps of 4 bytes: 4 uint8
/// or one float; `b` is packed in panels, see pack.hpp; interleaved where the epilogue stores bytes.
struct Gemm {
  const std::byte* a = nullptr;
  std::ptrdiff_t a_stride = 0;
  std::int64_t rows = 0, steps = 0;
  const std::byte* b = nullptr;
  std::int64_t columns = 0;         // of this call, from column 0 of b, init and the epilogue's arrays and out
  const std::byte* init = nullptr;  // one accumulator a column (bias); padded
  Epilogue epilogue;
};

/// out = clamp(round_half_even(fma(b - zero_b, scale_b, (a - zero_a) * scale_a)) + zero_point)
struct AddU8 {
  const std::uint8_t *a = nullptr, *b = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  float scale_a = 1, scale_b = 1;
  std::int32_t zero_a = 0, zero_b = 0, zero_point = 0, low = 0, high = 255;
};

/// Copies the windows of the output pixels [first, first + count) into rows of a matrix, in the order
/// (ky, kx, channel): the left operand of a convolution. What lies outside the image comes from `padding`.
struct Gather {
  ConvolutionShape shape;
  const std::byte* in = nullptr;       // at this group's first channel
  std::int64_t pixel_bytes = 0;        // from one pixel to the next
  std::int64_t run_bytes = 0;          // of one pixel that take part (all channels, or a group's)
  const std::byte* padding = nullptr;  // kernel_w * run_bytes of zero points
  std::int64_t first = 0, count = 0;
  std::int64_t repeat = 1;  // times the window stands in a row
  std::byte* rows = nullptr;
  std::ptrdiff_t row_stride = 0;  // >= repeat * kernel_h * kernel_w * run_bytes, rounded up to 64
};

/// Depthwise convolution, rows [row_begin, row_end) of one image and channels [channel_begin, channel_end).
/// Weights are packed for the kernel (pack.hpp). Column = channel in the epilogue; its `out` is the pixel (0, 0).
struct Depthwise {
  ConvolutionShape shape;
  const std::byte* in = nullptr;  // of that image
  std::int64_t row_begin = 0, row_end = 0;
  std::int64_t channel_begin = 0, channel_end = 0;  // multiples of a whole block of channels, or the end
  const std::byte* weights = nullptr;
  const std::byte* init = nullptr;     // one accumulator a channel, padded
  const std::byte* padding = nullptr;  // in_w pixels of zero points
  bool by_rows = false;                // weights of bytes are packed for kernels that walk along rows
  std::int64_t repeat = 1;             // times the taps are used, each time with weights of their own
  const std::byte** taps = nullptr;    // room for repeat * kernel_h * kernel_w pointers, rounded up to 4
  Epilogue epilogue;
};

constexpr int depthwise_block = 32;  // channels a packed block of float depthwise weights holds

/// A 3x3 convolution of stride 1 by the Winograd algorithm F(4x4, 3x3): some tiles of one image, or their products with
/// some output channels. See bodies/winograd.inl.
struct Winograd {
  const std::byte* in = nullptr;  // [images][height][width][channels]
  std::int64_t height = 0, width = 0, channels = 0, pad_top = 0, pad_left = 0;
  WinogradTiles tiles;
  const std::byte* padding = nullptr;  // one pixel of zero points
  std::int64_t first = 0, count = 0;   // tiles
  std::byte* inputs = nullptr;         // transformed, of tile `first`: [36 points][tiles][channels]
  std::ptrdiff_t point_stride = 0, tile_stride = 0;
  // Transformed, of column `column`: panels of [36 points][steps][2 vectors of columns][4 bytes], and the bytes from
  // one point and panel to the next.
  const std::byte* weights = nullptr;
  std::ptrdiff_t weight_point_bytes = 0, panel_bytes = 0;
  std::int64_t column = 0, columns = 0;  // output channels [column, column + columns)
  std::byte* products = nullptr;         // room for [tiles][36 points][2 vectors of columns]
  const std::byte* init = nullptr;       // one accumulator an output channel, from channel 0; padded
  Epilogue epilogue;  // of channel 0 and the first image's first pixel; not `accumulator` or `custom`
};

/// Weights for Winograd, one panel: from [3x3 taps] as they are to 36 points.
struct WinogradWeights {
  const std::byte* taps = nullptr;  // [steps][9 taps][columns][elements of a step], in these strides:
  std::ptrdiff_t step_stride = 0, tap_stride = 0;
  std::int64_t steps = 0;
  int vectors = 0;              // of columns: 1 or 2
  std::byte* points = nullptr;  // as Winograd::weights
  std::ptrdiff_t point_bytes = 0;
};

/// Maximum or sum over windows, one output pixel: `count` pointers to the pixels of the window.
struct PoolWindow {
  const std::byte* const* pixels = nullptr;
  std::int64_t count = 0, channels = 0;
};

}  // namespace detail
OCTET_END
