#pragma once
#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

/// Elementwise kernels for 16-bit activations (symmetric: zero point 0).
OCTET_BEGIN
namespace detail {

/// What becomes of rows of `channels` sums: v = (sum + the sums of `parts` + bias[c]) * scale[c] + nudge; out =
/// clamp(round_half_even(fma(residual, residual_scale, v))) as int16, or clamp(v) as float. Computed in double: sums
/// are exact, and so are products, or the nudge is 0. `bias` and `scale` are padded, see pad_columns. Strides are those
/// of rows, in elements.
struct SumsI16 {
  const std::int32_t *sums = nullptr, *more = nullptr;
  std::ptrdiff_t stride = 0, more_stride = 0;
  std::int64_t parts = 0, part_size = 0;  // matrices of `more`, and the elements from one to the next
  std::int64_t rows = 0, channels = 0;
  const double *bias = nullptr, *scale = nullptr;
  const std::int16_t* residual = nullptr;  // optional
  std::ptrdiff_t out_stride = 0, residual_stride = 0;
  double residual_scale = 0;
  double nudge = 0;
  bool apart = false;  // the residual is rounded for itself: out = clamp(round(v) + round(residual * scale + nudge))
  double smallest = 0, largest = 0;
  std::int16_t* out = nullptr;
  float* out_f32 = nullptr;  // instead of out
};

/// out = clamp(round_half_even(in / scale)). The codes of elements that are not finite are undefined; the kernel
/// returns whether all elements were finite.
struct QuantizeI16 {
  const float* in = nullptr;
  std::int16_t* out = nullptr;
  std::int64_t count = 0;
  double scale = 1;
};

/// out = in * scale.
struct DequantizeI16 {
  const std::int16_t* in = nullptr;
  float* out = nullptr;
  std::int64_t count = 0;
  float scale = 1;
};

/// out = clamp(round_half_even((in - zero_in) * scale_in / scale_out) + zero_out) for codes of uint8 or int16.
struct ConvertCodes {
  const std::byte* in = nullptr;
  std::byte* out = nullptr;
  std::int64_t count = 0;
  double scale_in = 1, scale_out = 1;
  std::int32_t zero_in = 0, zero_out = 0;
};

/// out = clamp(round_half_even(fma(b, scale_b, a * scale_a))), or clamp(round_half_even(a * b * scale_a)), in double.
/// out may be a or b.
struct BinaryI16 {
  const std::int16_t *a = nullptr, *b = nullptr;
  std::int16_t* out = nullptr;
  std::int64_t count = 0;
  bool moves_a = true, moves_b = true;  // false: one element for all
  double scale_a = 1, scale_b = 1;
  double smallest = 0, largest = 0;
};

/// The kernels of one instruction set. All of them give the same bits.
struct Int16Kernels {
  void (*store)(const SumsI16&) noexcept = nullptr;
  bool (*quantize)(const QuantizeI16&) noexcept = nullptr;
  void (*dequantize)(const DequantizeI16&) noexcept = nullptr;
  void (*from_u8)(const ConvertCodes&) noexcept = nullptr;  // to int16
  void (*to_u8)(const ConvertCodes&) noexcept = nullptr;
  void (*rescale)(const ConvertCodes&) noexcept = nullptr;  // int16 to int16
  void (*add)(const BinaryI16&) noexcept = nullptr;
  void (*mul)(const BinaryI16&) noexcept = nullptr;
};

}  // namespace detail
OCTET_END
