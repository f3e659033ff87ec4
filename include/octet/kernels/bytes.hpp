#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../core/cpu.hpp"
#include "../core/rounded.hpp"
#include "int16.hpp"

/// Elementwise kernels of bytes, for layers between the products of an integer model. They are separate from the
/// kernels of products, which take long to compile.
OCTET_BEGIN
namespace detail {

/// out[i] = table[in[i]]. in may be out.
struct LookupU8 {
  const std::uint8_t* table = nullptr;  // 256 elements
  const std::uint8_t* in = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
};

/// out = clamp(round_half_even((in - zero_in) * scale) + zero_point, 0, 255). The products have to stay below 2^31. in
/// may be out.
struct RequantizeU8 {
  const std::uint8_t* in = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  float scale = 1;
  std::int32_t zero_in = 0, zero_point = 0;
};

/// out = clamp(floor(clamp(in * factor, 0, 512) + 1/2) + zero_point, 0, 255). The products must not be NaN.
struct RoundHalfUpU8 {
  const float* in = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  float factor = 1;
  std::int32_t zero_point = 0;
};

/// out = clamp(round_half_even(fma(a - zero_a, scale_a, fma(b - zero_b, scale_b, shift))) + zero_point). The sums have
/// to stay below 2^31. out may be a or b.
struct AddU8 {
  const std::uint8_t *a = nullptr, *b = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  float scale_a = 1, scale_b = 1, shift = 0;
  std::int32_t zero_a = 0, zero_b = 0, zero_point = 0, low = 0, high = 255;
};

/// out = clamp(round_half_even(float((a - zero_a) * (b - zero_b)) * scale + shift) + zero_point), where the product is
/// rounded before the shift is added. The sums have to stay below 2^31. out may be a or b. `fused`: the product may as
/// well not be rounded, since the results are the same for all pairs of codes.
struct MulU8 {
  const std::uint8_t *a = nullptr, *b = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  float scale = 1, shift = 0;
  std::int32_t zero_a = 0, zero_b = 0, zero_point = 0, low = 0, high = 255;
  bool fused = false;
};

/// out[i] = clamp(round_half_even(fma(in[i], factor, offset)) + zero_point), where factors and offsets repeat after
/// `period` elements, a number of whole blocks of 4 * ByteKernels::lanes. In a block, they are in the order in which
/// instructions pack vectors: that of element i is at i % 16 / 4 * lanes + i / 16 * 4 + i % 4. The sums have to stay
/// below 2^31. out may be in.
struct LinesU8 {
  const std::uint8_t* in = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  const float *factors = nullptr, *offsets = nullptr;
  std::int64_t period = 0;
  std::int32_t zero_point = 0, low = 0, high = 255;
};

/// out = clamp(round_half_even((in - zero_in) * (in < zero_in ? negative[i] : positive)) + zero_point, 0, 255). The
/// products have to stay below 2^31. out may be in.
struct PReluU8 {
  const std::uint8_t* in = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  const float* negative = nullptr;  // one for each element
  float positive = 1;
  std::int32_t zero_in = 0, zero_point = 0;
};

/// out = a * weight_a + b * weight_b, of bytes or floats, as floats, or rounded half to even and clamped to bytes.
/// Exactly one of a and a_f32 is set, with b and b_f32, and of out and out_f32. If sums are not exact in float, they
/// are rounded to bytes as if they were; elements and weights have to be multiples of 2^-15 then, below 2^8.
struct BlendRows {
  const std::uint8_t *a = nullptr, *b = nullptr;
  const float *a_f32 = nullptr, *b_f32 = nullptr;
  std::uint8_t* out = nullptr;
  float* out_f32 = nullptr;
  std::int64_t count = 0;
  float weight_a = 1, weight_b = 0;
  bool exact = true;
};

/// out = clamp(round_half_even(float(sum - zero_sum) * factor) + zero_point, 0, 255) for given sums, or those of some
/// pixels. The products have to stay below 2^31.
struct MeanU8 {
  const std::int32_t* sums = nullptr;
  const std::byte* const* pixels = nullptr;
  std::int64_t pixel_count = 0;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  std::int32_t zero_sum = 0;
  float factor = 1;
  std::int32_t zero_point = 0;
};

/// out[c][r] = in[r][c], of elements of 1 or 4 bytes. Steps are bytes from one row to the next, of `in` and of `out`.
struct TransposeElements {
  const std::byte* in = nullptr;
  std::byte* out = nullptr;
  std::int64_t in_step = 0, out_step = 0;
  std::int64_t rows = 0, columns = 0;  // of `in`
  std::int64_t element = 1;
};

/// A factor of TensorFlow Lite's fixed point as kernels take it. With FixedPointMultiplier, shift = left - right; where
/// products are rounded once, right is 31 - shift, in [31, 62].
struct FixedFactor {
  std::int32_t mantissa = 0, left = 0, right = 0;
};
/// The same as arrays, one element for each column, padded by a vector.
struct FixedFactors {
  const std::int32_t *mantissa = nullptr, *left = nullptr, *right = nullptr;
};

/// out = clamp(product(sum) + product(residual - residual_zero) + zero_point), in fixed point, for rows of sums in
/// memory. The residual, with rows like those of the output, is optional. Sums of products have to stay below 2^31.
struct StoreFixed {
  const std::byte* sums = nullptr;  // int32; whole vectors are read
  std::ptrdiff_t sums_stride = 0, out_stride = 0;
  int rows = 0, columns = 0;
  FixedFactors factors;
  bool once = false;
  const std::uint8_t* residual = nullptr;
  std::int32_t residual_zero = 0;
  FixedFactor residual_factor;
  std::int32_t zero_point = 0, low = 0, high = 255;
  std::uint8_t* out = nullptr;
};

/// out = clamp(f(a, b) + zero_point), in fixed point. out may be a or b.
struct BinaryFixed {
  enum class Form : std::uint8_t {
    shifted,  // (a * factor_a + b * factor_b + bias) >> shift, as XNNPACK's sums; below 2^31
    sum,      // product(product_a((a - zero_a) << 20) + product_b((b - zero_b) << 20)), as TFLite's
    product   // product((a - zero_a) * (b - zero_b)), as TFLite's
  };
  Form form = Form::shifted;
  const std::uint8_t *a = nullptr, *b = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  std::int32_t factor_a = 0, factor_b = 0, bias = 0;
  int shift = 0;
  bool once = false, difference = false;
  std::int32_t zero_a = 0, zero_b = 0;
  FixedFactor product_a, product_b, product;
  std::int32_t zero_point = 0, low = 0, high = 255;
};

/// The sum of some bytes, and that of their squares.
struct MomentsU8 {
  std::int64_t sum = 0, squares = 0;
};

/// (code - mean) * factor is the normalized real value of a code.
struct NormalizedLine {
  float mean, factor;

  NormalizedLine(const MomentsU8& of, std::int64_t count, double in_scale, double epsilon) noexcept {
    const auto n = static_cast<double>(count);
    const double m = static_cast<double>(of.sum) / n, variance = static_cast<double>(of.squares) / n - rounded(m * m);
    mean = static_cast<float>(m);
    // (Without variance results are shifts, exactly, not differences of large numbers.)
    factor = variance > 0 ? static_cast<float>(in_scale / std::sqrt(rounded(variance * in_scale * in_scale) + epsilon))
                          : 0.0f;
  }
};

/// out = clamp(round_half_even(fma(in, f, fma(-mean, f, shift[i]))) + zero_point), f = factor * scale[i], for rows of
/// `count` codes, with each row's NormalizedLine. Scales and shifts are in steps of the output and in the order of
/// LinesU8, in whole blocks. The sums have to stay below 2^31. out may be in.
struct NormalizeRowsU8 {
  const std::uint8_t* in = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t rows = 0, count = 0;
  const float *scale = nullptr, *shift = nullptr;
  double in_scale = 1, epsilon = 0;
  std::int32_t zero_point = 0, low = 0, high = 255;
};

/// The kernels of one instruction set. All of them give the same bits.
struct ByteKernels {
  void (*lookup)(const LookupU8&) noexcept = nullptr;
  void (*add)(const AddU8&) noexcept = nullptr;
  void (*mul)(const MulU8&) noexcept = nullptr;
  void (*lines)(const LinesU8&) noexcept = nullptr;
  int lanes = 0;                     // for LinesU8
  bool lines_before_lookup = false;  // a line takes less time than a table
  void (*prelu)(const PReluU8&) noexcept = nullptr;
  void (*blend)(const BlendRows&) noexcept = nullptr;
  void (*mean)(const MeanU8&) noexcept = nullptr;
  void (*requantize)(const RequantizeU8&) noexcept = nullptr;
  void (*round_half_up)(const RoundHalfUpU8&) noexcept = nullptr;
  /// out = max(a, b), or min(a, b) if `least`: n bytes. out may be a or b.
  void (*extremum)(const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* out, std::int64_t n,
                   bool least) noexcept = nullptr;
  /// Of rows of `count` bytes, at least one, one after another: the greatest of each, or the least.
  void (*extremum_rows)(const std::uint8_t* in, std::int64_t rows, std::int64_t count, std::uint8_t* out,
                        bool least) noexcept = nullptr;
  /// The sum of each row, modulo 2^32.
  void (*sum_rows)(const std::uint8_t* in, std::int64_t rows, std::int64_t count,
                   std::int32_t* sums) noexcept = nullptr;
  void (*normalize_rows)(const NormalizeRowsU8&) noexcept = nullptr;
  /// Sums, and sums of squares, of each column of at most 2^15 rows.
  void (*column_moments)(const std::uint8_t* in, std::int64_t rows, std::int64_t columns, std::int32_t* sums,
                         std::int32_t* squares) noexcept = nullptr;
  /// Of 2 to 4 planes, that are `step` bytes apart: the first element of each, the second of each, ...: `count`
  /// elements of 1 or 4 bytes of each plane.
  void (*merge_planes)(const std::byte* in, std::int64_t step, std::byte* out, std::int64_t count, std::int64_t planes,
                       std::int64_t element) noexcept = nullptr;
  void (*transpose)(const TransposeElements&) noexcept = nullptr;
  /// out = in[0], in[2], in[4], ...: `count` elements of 1 or 4 bytes.
  void (*every_second)(const std::byte* in, std::byte* out, std::int64_t count,
                       std::int64_t element) noexcept = nullptr;
  void (*store_fixed)(const StoreFixed&) noexcept = nullptr;
  void (*binary_fixed)(const BinaryFixed&) noexcept = nullptr;
  Int16Kernels int16;
};

/// The kernels for an instruction set that the CPU supports.
const ByteKernels& byte_kernels(Isa isa = active_isa()) noexcept;

}  // namespace detail
OCTET_END

#if !defined(OCTET_COMPILED)
#  include "bytes.inl"
#endif
