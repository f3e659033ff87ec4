#pragma once
#include <cmath>
#include <octet/core/rounded.hpp>
#include <octet/kernels/arguments.hpp>
#include <octet/kernels/pack.hpp>

#include "buffer.hpp"
#include "random.hpp"

/// Reference: computes output elements from accumulators, one at a time.
namespace testing {

/// As cvtps2dq: rounds half to even; values outside int32 become the smallest int32.
inline std::int32_t rounded(float x) {
  return x >= -2147483648.0f && x < 2147483648.0f ? static_cast<std::int32_t>(std::nearbyint(x))
                                                  : std::numeric_limits<std::int32_t>::min();
}

inline std::uint8_t clamped(std::int64_t q, std::int32_t low, std::int32_t high) {
  return static_cast<std::uint8_t>(q < low ? low : q > high ? high : q);
}

inline float clamped(float v, float low, float high) { return v < low ? low : v > high ? high : v; }

inline std::uint8_t expected_u8(const octet::detail::Epilogue& e, std::int32_t acc, float scale, int residual) {
  float v = static_cast<float>(acc) * scale;
  if (e.store == octet::detail::Store::u8_residual)
    v = std::fma(static_cast<float>(residual - e.residual_zero), e.residual_scale, v);
  return clamped(std::int64_t{rounded(v)} + e.zero_point, e.low, e.high);
}

inline float expected_f32(const octet::detail::Epilogue& e, float acc, const float* residual) {
  return clamped(residual ? acc + *residual : acc, e.low_f32, e.high_f32);
}

inline float expected_scaled(const octet::detail::Epilogue& e, float sum, float factor, float scale, float shift,
                             const float* residual) {
  return expected_f32(e, octet::detail::rounded(sum * factor * scale) + shift, residual);
}

/// A random epilogue of one kind for `columns` columns, and the arrays it points to.
struct RandomEpilogue {
  octet::Tensor<float> scale, shift;
  octet::detail::Epilogue e;
  float row_scale;

  RandomEpilogue(octet::detail::Store store, std::int64_t columns, Random& random)
      : scale(octet::detail::pad_columns<float>(nullptr, columns)), shift(scale) {
    // From scales that saturate all outputs to ones that give only zeros.
    const float size = std::ldexp(1.0f, static_cast<int>(random.between(-20, 2)));
    for (std::int64_t c = 0; c < columns; ++c) {
      scale[c] = random.real(0.1f, 1) * size;
      shift[c] = random.real(-10, 10);
    }
    e.store = store;
    e.scale = scale.data();
    e.shift = shift.data();
    row_scale = random.real(0.01f, 2);
    e.row_scale = &row_scale;
    e.sums = scale.data();
    e.low_f32 = random.chance(50) ? 0 : -std::numeric_limits<float>::infinity();
    e.high_f32 = random.chance(50) ? 6 : std::numeric_limits<float>::infinity();
    e.zero_point = static_cast<std::int32_t>(random.between(0, 255));
    e.low = static_cast<std::int32_t>(random.chance(50) ? random.between(0, 255) : 0);
    e.high = static_cast<std::int32_t>(random.chance(50) ? random.between(e.low, 255) : 255);
    e.residual_scale = random.real(0.1f, 3);
    e.residual_zero = static_cast<std::int32_t>(random.between(0, 255));
  }
};

/// A row-major output with elements of `element` bytes and `stride` bytes between rows. Guard bytes around it, and gaps
/// between rows, must not be written.
class OutputRows {
 public:
  OutputRows(std::int64_t rows, std::int64_t columns, std::int64_t element, std::ptrdiff_t stride,
             std::size_t shift = 0)
      : rows_(rows),
        row_bytes_(columns * element),
        stride_(stride),
        memory_(rows ? (rows - 1) * stride + row_bytes_ : 0, shift) {}
  std::byte* bytes() const noexcept { return memory_.bytes(); }
  template <class T>
  T at(std::int64_t row, std::int64_t column) const noexcept {
    T x;
    std::memcpy(&x, memory_.bytes() + row * stride_ + column * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
    return x;
  }
  bool intact() const noexcept {
    for (std::int64_t r = 0; r + 1 < rows_; ++r)
      for (std::int64_t i = r * stride_ + row_bytes_; i < (r + 1) * stride_; ++i)
        if (memory_.bytes()[i] != Guarded<std::byte>::guard) return false;
    return memory_.intact();
  }

 private:
  std::int64_t rows_, row_bytes_;
  std::ptrdiff_t stride_;
  Guarded<std::byte> memory_;
};

}  // namespace testing
