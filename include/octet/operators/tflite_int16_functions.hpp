#pragma once
#include <array>

#include "../kernels/requantize.hpp"

/// Functions of 16-bit codes as in TFLite's kernels: sigmoid and tanh, and what softmax consists of.
OCTET_BEGIN
namespace detail {

/// 16-bit fixed-point numbers as in gemmlowp: a number is code * 2^(integer bits - 15). Sums are modulo 2^16.
namespace fixed16 {

using Code = std::int16_t;
constexpr Code one = 32767;  // of numbers without integer bits

inline Code wrapped(int x) noexcept { return static_cast<Code>(x); }
inline Code saturated(int x) noexcept { return static_cast<Code>(std::clamp(x, -32768, 32767)); }
/// a * b / 2^15, rounded half up.
inline Code product(Code a, Code b) noexcept {
  const int ab = int{a} * b;
  return saturated((ab + (ab >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}
/// exp(a) for a in [-1/4, 0), without integer bits.
inline Code exp_near_zero(Code a) noexcept {
  constexpr Code of_eighth = 28918, third = 10923;  // exp(-1/8), 1/3
  const Code x = wrapped(a + (1 << 12)), x2 = product(x, x), x3 = product(x2, x), x4 = product(x2, x2);
  const Code fourth = wrapped(rounding_divide_by_power_of_two(x4, 2));
  const Code rest = wrapped(rounding_divide_by_power_of_two(wrapped(product(wrapped(fourth + x3), third) + x2), 1));
  return saturated(of_eighth + product(of_eighth, wrapped(x + rest)));
}
/// exp(a) for a <= 0, without integer bits; `bits`: the integer bits of a, 3 or 4.
inline Code exp_of_negative(Code a, int bits) noexcept {
  if (a == 0) return one;
  // exp(-1/4), exp(-1/2), exp(-1), ...
  constexpr std::array<Code, 6> factors{25520, 19875, 12055, 4435, 600, 11};
  const int quarter = 1 << (13 - bits);
  const int part = (a & (quarter - 1)) - quarter;
  Code result = exp_near_zero(saturated(part * (1 << bits)));
  const int rest = part - a;
  for (int k = 0; k < bits + 2; ++k)
    if (rest & (quarter << k)) result = product(result, factors[static_cast<std::size_t>(k)]);
  return result;
}
/// 2 / (1 + a) with 2 integer bits, by Newton's method, for a in [0, 1] without integer bits.
inline Code twice_reciprocal(Code a) noexcept {
  const Code half = wrapped((a + one + 1) / 2);
  Code x = wrapped(23130 + product(half, -15420));  // 48/17 - 32/17 half
  for (int k = 0; k < 3; ++k) x = wrapped(x + saturated(product(x, wrapped((1 << 13) - product(half, x))) * 4));
  return x;
}
/// The sigmoid of a, which has 3 integer bits.
inline Code sigmoid(Code a) noexcept {
  if (a == 0) return 1 << 14;
  const Code y = saturated(twice_reciprocal(exp_of_negative(a > 0 ? wrapped(-a) : a, 3)) * 2);
  return a > 0 ? y : wrapped(one - y);
}
/// tanh of a, which has 3 integer bits.
inline Code tanh(Code a) noexcept {
  if (a == 0) return 0;
  const Code y = saturated((twice_reciprocal(exp_of_negative(a < 0 ? a : wrapped(-a), 4)) - (1 << 13)) * 4);
  return a < 0 ? wrapped(-y) : y;
}

}  // namespace fixed16

/// LOGISTIC or TANH of 16-bit codes of any scale; results have the scale 2^-15.
class FixedSigmoid {
 public:
  /// `litert`: as LiteRT's kernels compute with a power of two as scale; else as the reference kernels.
  FixedSigmoid(float input_scale, bool is_tanh, bool litert) : tanh_(is_tanh) {
    // The error in the middle of a piece is shared with its ends. The last entry is the largest code.
    const auto exact = [](double i) { return 65536 / (1 + std::exp(-i / 24)); };
    for (std::size_t i = 0; i < table_.size(); ++i) {
      const auto x = static_cast<double>(i);
      const double error = (exact(x) + exact(x + 1)) / 2 - exact(x + 0.5);
      table_[i] = static_cast<std::uint16_t>(i < 255 ? std::round(exact(x) - error / 2) : 65535);
    }
    // Codes become multiples of 1/(3 * 4096).
    int exponent = 0;
    const bool power_of_two = std::frexp(input_scale, &exponent) == 0.5f;
    const int left = exponent - 1 + 12;
    if (power_of_two && (left == 0 || (is_tanh && left == 1))) {
      multiplier_ = 3 << left;
      doubled_ = left == 1;
      by_polynomial_ = litert;
      return;
    }
    double multiplier = static_cast<double>(input_scale) * 4096 * 3;
    for (; multiplier <= 32767.0 / 2 && shift_ <= 30; ++shift_) multiplier *= 2;
    multiplier_ = static_cast<std::int64_t>(std::min(multiplier, 0x1p40));  // then everything is saturated
  }

  std::int16_t operator()(std::int16_t code) const noexcept {
    if (by_polynomial_)
      return tanh_ ? fixed16::tanh(fixed16::saturated(code * (1 << doubled_))) : fixed16::sigmoid(code);
    const std::int64_t x = (code * multiplier_ + (shift_ > 0 ? std::int64_t{1} << (shift_ - 1) : 0)) >> shift_;
    // sigmoid(|x|), or sigmoid(2 |x|), with 16 bits after the point and `bits` more.
    const int bits = tanh_ ? 8 : 9;
    const std::int64_t most = std::abs(x);
    const auto cell = static_cast<std::size_t>(std::min<std::int64_t>(most >> bits, 255));
    int y = (tanh_ ? 0xffff : 0x7fff * 2) << bits;
    if (cell < 255) {
      const int here = table_[cell], next = table_[cell + 1];
      y = (here << bits) + static_cast<int>(most & ((1 << bits) - 1)) * (next - here);
    }
    if (tanh_) return static_cast<std::int16_t>(((x >= 0 ? y - (1 << 23) : (1 << 23) - 1 - y) + (1 << 7)) >> 8);
    return static_cast<std::int16_t>(((x >= 0 ? y : (1 << 25) - 1 - y) + (1 << 9)) >> 10);
  }

 private:
  bool tanh_, doubled_ = false, by_polynomial_ = false;
  std::int64_t multiplier_ = 0;
  int shift_ = 0;
  std::array<std::uint16_t, 256> table_{};  // sigmoid(i / 24) in units of 2^-16
};

/// A function on an interval by 512 straight pieces, from 16-bit codes to 16-bit codes.
class PiecewiseTable {
 public:
  /// `f` from [low, high] to (-1, 1]; its results have the scale 2 / 65535.
  template <class F>
  PiecewiseTable(double low, double high, F f) {
    constexpr double scale = 65536.0 / (2.0 / 65535 * 65535);
    const double step = (high - low) / pieces;
    const auto at = [&](double i) { return f(low + i * step) * scale; };
    for (int i = 0; i < pieces; ++i) {
      // The error in the middle of a piece is shared with its ends.
      const double here = std::round(at(i)), middle = std::round((at(i + 1) + here) / 2);
      const double error = middle - std::round(f(low + i * step + step / 2) * scale);
      set(i, here - std::round(error / 2));
    }
    set(pieces, std::round(f(high) * scale));
  }
  std::int32_t operator()(std::int32_t code) const noexcept {
    const std::int32_t c = std::clamp(code, -32768, 32767);
    const auto i = static_cast<std::size_t>(256 + (c >> 7));
    const std::int32_t slope = table_[i + 1] - table_[i];
    return table_[i] + ((slope * (c & 127) + 64) >> 7);
  }

 private:
  static constexpr int pieces = 512;
  void set(int i, double x) {
    table_[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(std::clamp(x, -32768.0, 32767.0));
  }
  std::array<std::int16_t, pieces + 1> table_{};
};

/// SOFTMAX of 16-bit codes; results have the scale 2^-15.
class FixedSoftmax {
 public:
  FixedSoftmax(float input_scale, double beta)
      : exp_(-10, 0, [](double x) { return std::exp(x); }),
        reciprocal_(0, 1, [](double x) { return 1 / (1 + x); }),
        scale_(static_cast<double>(input_scale) * beta / (10.0 / 65535)) {}

  /// n codes, `step` elements from one to the next.
  void operator()(const std::int16_t* in, std::int16_t* out, std::int64_t n, std::int64_t step) const noexcept {
    std::int32_t largest = -32768;
    for (std::int64_t k = 0; k < n; ++k) largest = std::max<std::int32_t>(largest, in[k * step]);
    std::int64_t sum = 0;
    for (std::int64_t k = 0; k < n; ++k) {
      const std::int32_t difference = multiply_double_rounding(in[k * step] - largest, scale_);
      const std::int32_t e =
          exp_(static_cast<std::int32_t>(std::max<std::int64_t>(std::int64_t{difference} + 32767, -32768)));
      out[k * step] = static_cast<std::int16_t>(e);
      sum += e;
    }
    int bits = 0;  // sum in [2^(bits - 1), 2^bits)
    while (sum >> bits) ++bits;
    // The sum as 1 + x with 16 bits after the point.
    const std::int64_t one_and = bits <= 31 ? ((sum << (31 - bits)) + (1 << 13)) >> 14 : sum >> (bits - 17);
    const std::int64_t factor = reciprocal_(static_cast<std::int32_t>(one_and - (1 << 15) - (1 << 16)));
    for (std::int64_t k = 0; k < n; ++k) {
      const std::int64_t y = (out[k * step] * factor + (std::int64_t{1} << (bits - 2))) >> (bits - 1);
      out[k * step] = static_cast<std::int16_t>(std::clamp<std::int64_t>(y, 0, 32767));
    }
  }

 private:
  PiecewiseTable exp_, reciprocal_;
  FixedPointMultiplier scale_;
};

}  // namespace detail
OCTET_END
