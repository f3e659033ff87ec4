#pragma once
#include <cstddef>
#include <cstdint>

#include "convolution_shape.hpp"
#include "elements.hpp"
#include "winograd_tiles.hpp"

/// Arguments of the kernels: plain structs, because code compiled for the baseline passes them to code compiled for one
/// instruction set. Strides are in bytes, counts in elements. Pointers may be unaligned unless stated otherwise.
OCTET_BEGIN
namespace detail {

/// How accumulators become output elements.
enum class Store : std::uint8_t {
  accumulator,  // the accumulators themselves, int32 or float
  f32,          // clamp(acc + residual); the residual is optional
  scaled_f32,   // clamp(fma(row_shift, sums[c], float(acc)) * row_scale * scale[c] + shift[c] + residual): for
                // activations quantized with a scale and zero point for each row (row_scale, -row_shift); the residual
                // is optional
  u8,           // clamp(round_half_even(float(acc) * scale[c]) + zero_point)
  u8_residual,  // clamp(round_half_even(float(acc) * scale[c] + (residual - residual_zero) * residual_scale) +
                // zero_point)
  u8_shifted,   // clamp(round_half_even(fma(float(acc), scale[c], shift[c])) + zero_point)
  i16,          // clamp(round_half_even(double(acc) * wide_scale[c] + nudge)), as int16; only of 16-bit activations
  custom        // passed to Epilogue::custom
};

constexpr bool stores_bytes(Store s) noexcept {
  return s == Store::u8 || s == Store::u8_residual || s == Store::u8_shifted;
}

/// How a tile of accumulators is converted and stored. Arrays are indexed by column (output channel) and padded with
/// zeros, see pad_columns.
struct Epilogue {
  Store store = Store::accumulator;
  std::byte* out = nullptr;
  std::ptrdiff_t out_stride = 0;  // from one row (pixel) to the next
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* sums = nullptr;  // sum of each column's weights; any finite numbers if row_shift is 0
  const float *row_scale = &one, *row_shift = &zero;
  std::ptrdiff_t row_step = 0;  // 1: row_scale and row_shift have one element per row; 0: one for all rows
  static constexpr float one = 1, zero = 0;
  float low_f32 = 0, high_f32 = 0;
  // With i16: the product, or its sum with the nudge, is exact, and less than 2^31.
  const double* wide_scale = nullptr;
  double nudge = 0;
  std::int32_t zero_point = 0, low = 0, high = 255;
  Limit limit() const noexcept { return zero_point == 0 && low == 0 && high == 255 ? Limit::none : Limit::clamp; }
  const std::byte* residual = nullptr;  // of the output's type
  std::ptrdiff_t residual_stride = 0;
  float residual_scale = 0;
  std::int32_t residual_zero = 0;
  bool pooled = false;  // 2 x 2 max pooling of the outputs; only in Winograd kernels, for even sizes, without residual
  // With scaled_f32: three vectors that the kernels update: minima and maxima of the stored numbers, and sums of 0 *
  // number, which are NaN if a number was not finite. Null: not wanted.
  float* range = nullptr;
  // With custom: called with the tile's accumulators and the row and column of its first element in the whole output.
  void (*custom)(const Epilogue&, const std::byte* acc, std::ptrdiff_t acc_stride, std::int64_t row, int rows,
                 std::int64_t column, int columns) = nullptr;
  const void* context = nullptr;
  std::int64_t first_row = 0, first_column = 0;  // of this call in the whole output
  // Accumulators of other parts of the sums, from (first_row, first_column) on: `parts` matrices.
  const std::int32_t* parts_of_sums = nullptr;
  std::int64_t parts = 0, part_size = 0;  // elements from one matrix to the next
  std::ptrdiff_t part_stride = 0;         // elements from one row to the next
};

constexpr int column_padding = 64;
constexpr std::int64_t any_rows = std::int64_t{1} << 60;  // of Kernels::rows_u8s4: no limit

/// Width in output channels of the next panel of weights when `left` channels remain: `vectors` whole vectors, or the
/// smallest power of two of vectors that holds the remaining channels.
constexpr std::int64_t panel_width(std::int64_t left, std::int64_t lanes, std::int64_t vectors) noexcept {
  std::int64_t width = lanes;
  while (width < left && width < lanes * vectors) width *= 2;
  return width;
}

/// Width in output channels of what kernels for few of them multiply (few_columns.hpp): a power of two.
constexpr std::int64_t few_columns_width(std::int64_t columns) noexcept {
  std::int64_t width = 1;
  while (width < columns) width *= 2;
  return width;
}

/// Position of column c in the vectors of a panel whose outputs are bytes. In this interleaved order, packing four
/// vectors of sums into bytes (see `pack` of the instruction sets) gives the bytes in column order.
constexpr std::int64_t interleaved(std::int64_t c, std::int64_t lanes, std::int64_t vectors) noexcept {
  return c / 4 % vectors * lanes + c / (4 * vectors) * 4 + c % 4;
}

/// out[rows x columns] = a[rows x k] * b[k x columns] + init. A row of `a` is read in steps of 4 bytes: 4 uint8, two
/// 16-bit integers (images of them, or what Kernels::widen_u8 made of bytes), or one float. `b` is packed in panels,
/// see pack.hpp; its columns are interleaved if the epilogue stores bytes.
struct Gemm {
  const std::byte* a = nullptr;
  std::ptrdiff_t a_stride = 0;
  std::int64_t rows = 0, steps = 0;
  const std::byte* b = nullptr;
  std::int64_t columns = 0;  // of this call; b, init and the epilogue's arrays and output start at the first of them
  const std::byte* init = nullptr;  // one accumulator per column (bias), padded
  Epilogue epilogue;
  // For few columns only: a row consists of parts of `steps` steps, at such distances.
  std::int64_t parts = 1;
  std::ptrdiff_t part_stride = 0;
  // For weights of 4 bits only: steps of the blocks that have a multiplier for each column; 0: there are none.
  std::int64_t block_steps = 0;
};

/// Rows of bytes as 16-bit integers. A row is written in whole vectors of at most 64 bytes.
struct WidenU8 {
  const std::byte* in = nullptr;
  std::byte* out = nullptr;
  std::ptrdiff_t in_stride = 0, out_stride = 0;
  std::int64_t rows = 0, count = 0;
};

/// Copies the windows of the output pixels [first, first + count) into rows of a matrix, in the order (ky, kx,
/// channel): the left operand of a convolution's matrix product. Pixels outside the image are read from `padding`.
struct Gather {
  ConvolutionShape shape;
  const std::byte* in = nullptr;       // image 0, at this group's first channel
  std::int64_t pixel_bytes = 0;        // distance of two pixels
  std::int64_t run_bytes = 0;          // bytes of a pixel that are copied: all channels, or those of a group
  const std::byte* padding = nullptr;  // kernel_w * run_bytes of zero points
  std::int64_t first = 0, count = 0;
  std::int64_t repeat = 1;  // number of copies of the window in a row
  std::byte* rows = nullptr;
  std::ptrdiff_t row_stride = 0;  // >= repeat * kernel_h * kernel_w * run_bytes, rounded up to 64
};

/// Depthwise convolution, rows [row_begin, row_end) of one image and channels [channel_begin, channel_end). Weights are
/// packed for the kernel (pack.hpp). The epilogue's columns are channels; its `out` is pixel (0, 0).
struct Depthwise {
  ConvolutionShape shape;
  const std::byte* in = nullptr;  // of that image
  std::int64_t row_begin = 0, row_end = 0;
  std::int64_t channel_begin = 0, channel_end = 0;  // multiples of a block of channels, or the number of channels
  const std::byte* weights = nullptr;
  const std::byte* init = nullptr;     // one accumulator per channel, padded
  const std::byte* padding = nullptr;  // in_w pixels of zero points
  bool by_rows = false;                // integer weights are packed for kernels that process whole rows
  bool fours = false;                  // of bytes: each group has four channels, not one
  std::int64_t repeat = 1;             // number of passes over the taps, each with its own weights
  const std::byte** taps = nullptr;    // room for repeat * kernel_h * kernel_w pointers, rounded up to 4
  Epilogue epilogue;
};

constexpr int depthwise_block = 32;  // channels in a block of packed float depthwise weights

/// A 3x3 convolution of stride 1 by Winograd's algorithm F(4x4, 3x3): the transformation of some tiles, or their
/// products with the weights of some output channels. See bodies/winograd.inl.
struct Winograd {
  const std::byte* in = nullptr;  // [images][height][width][channels]
  std::int64_t height = 0, width = 0, channels = 0, pad_top = 0, pad_left = 0;
  WinogradTiles tiles;
  const std::byte* padding = nullptr;  // one pixel of zero points
  std::int64_t first = 0, count = 0;   // tiles
  std::byte* inputs = nullptr;         // transformed tiles from `first` on: [36 points][tiles][channels]
  std::ptrdiff_t point_stride = 0, tile_stride = 0;
  // Transformed weights from column `column` on: panels of [36 points][steps][2 vectors of columns][4 bytes], and the
  // distances of two points and of two panels.
  const std::byte* weights = nullptr;
  std::ptrdiff_t weight_point_bytes = 0, panel_bytes = 0;
  std::int64_t column = 0, columns = 0;  // output channels [column, column + columns)
  std::byte* products = nullptr;         // room for [tiles][36 points][2 vectors of columns]
  const std::byte* init = nullptr;       // one accumulator per output channel, from channel 0 on; padded
  Epilogue epilogue;  // starts at channel 0 and the first pixel of the first image; not `accumulator` or `custom`
  // Of bytes: Kernels::winograd_products_u8.
  void (*multiply)(const Winograd&, const std::byte* weights, bool last_panel) noexcept = nullptr;
};

/// Transforms the 3x3 weights of one panel to the 36 points of Winograd's algorithm.
struct WinogradWeights {
  const std::byte* taps = nullptr;  // [steps][9 taps][columns][elements of a step], with these strides:
  std::ptrdiff_t step_stride = 0, tap_stride = 0;
  std::int64_t steps = 0;
  int vectors = 0;              // vectors of columns: 1 or 2
  std::byte* points = nullptr;  // as Winograd::weights
  std::ptrdiff_t point_bytes = 0;
};

/// One output pixel of a pooling layer, maximum or sum: `count` pointers to the pixels of its window.
struct PoolWindow {
  const std::byte* const* pixels = nullptr;
  std::int64_t count = 0, channels = 0;
};

/// out[cell * width + j] = clamp(init[j] + terms[0][cell * step + j] + terms[1][cell * step + j] + ...), in this order,
/// for j < width. The last `parts` terms are only added where j < part_width. Whole vectors of at most 16 elements are
/// read of init and the other terms, and written. T is float, or int32, which is not clamped.
template <class T>
struct ShiftedSums {
  const T* const* terms = nullptr;
  std::int64_t whole = 0, parts = 0;  // terms
  std::int64_t step = 0, cells = 0, width = 0, part_width = 0;
  const T* init = nullptr;
  T* out = nullptr;
  T low = 0, high = 0;
};

/// Rows of `count` floats: out = clamp((in - mean) / sqrt(variance + epsilon) * scale + shift), with the mean and the
/// variance of the row. out may be in.
struct NormalizeRows {
  static constexpr std::int64_t short_row = 16, block = 16;
  const float* in = nullptr;
  float* out = nullptr;
  std::int64_t rows = 0, count = 0;
  const float *scale = nullptr, *shift = nullptr;  // `count` of each; of `block` rows where these are short
  float epsilon = 0, low = 0, high = 0;
};

/// Pixels of `channels` floats: sums of each channel, or out = clamp((in - mean) * factor + shift), with a mean, factor
/// and shift for each channel. out may be in.
struct NormalizeColumns {
  const float* in = nullptr;
  float* out = nullptr;
  std::int64_t pixels = 0, channels = 0;
  double* sums = nullptr;
  const float *mean = nullptr, *factor = nullptr, *shift = nullptr;
  float low = 0, high = 0;
};

/// out = clamp(f(a, b)) for `rows` rows of n elements. An operand has an element for each, or one for a row
/// (a_moves, b_moves); rows are so many elements apart.
struct ArithmeticF32 {
  const float *a = nullptr, *b = nullptr;
  float* out = nullptr;
  std::int64_t n = 0, rows = 1;
  bool a_moves = true, b_moves = true;
  std::int64_t a_row = 0, b_row = 0, out_row = 0;
  float low = 0, high = 0;
};

}  // namespace detail
OCTET_END
