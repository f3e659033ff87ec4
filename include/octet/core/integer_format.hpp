#pragma once
#include "types.hpp"

/// The number formats that integer layers compute in. Passes, quantization, training and reports ask a format, or these
/// functions, instead of naming types; an operator names the formats that it has kernels for.
OCTET_BEGIN
namespace detail {

struct IntegerFormat {
  DType activations;  // as models store them
  DType computed;     // as kernels read and write them: the same numbers, with codes moved to the range of this type
  DType weights;
  DType sums;  // of products, and the biases that are added to them
  int bits;    // of a weight's code, which may be fewer than those of its type

  constexpr bool computes(DType t) const noexcept { return t == computed; }
  /// Whether kernels read activations of that type, if they are first moved to the range of `computed`.
  constexpr bool has_activations(DType t) const noexcept { return t == activations || t == computed; }
  /// Weights of imported models may also be unsigned; those of 4 bits are stored packed.
  bool has_weights(DType t) const noexcept {
    const bool fits = octet::bits(t) == octet::bits(weights) || octet::bits(t) == 4;
    return fits && !is_floating(t) && t != DType::boolean;
  }
  /// Whether layers that quantize their inputs as they run may have such weights.
  bool has_dynamic_weights(DType t) const noexcept { return has_weights(t) && is_signed(t); }
  /// Codes of weights reach from -largest_weight() to largest_weight().
  constexpr std::int32_t largest_weight() const noexcept { return (std::int32_t{1} << (bits - 1)) - 1; }
};

/// 8-bit activations and weights. Dot products take unsigned bytes of one factor.
inline constexpr IntegerFormat int8_format{DType::i8, DType::u8, DType::i8, DType::i32, 8};
/// 16-bit activations, symmetric (zero point 0), and 8-bit weights: TFLite's 16x8 form.
inline constexpr IntegerFormat int16_format{DType::i16, DType::i16, DType::i8, DType::i64, 8};
inline constexpr IntegerFormat integer_formats[] = {int8_format, int16_format};

/// The format with activations of that type, stored or computed; null if there is none.
inline const IntegerFormat* format_of_activations(DType t) noexcept {
  for (const IntegerFormat& f : integer_formats)
    if (f.has_activations(t)) return &f;
  return nullptr;
}

/// Whether quantized activations may have that type, in models and while they run.
inline bool is_activation(DType t) noexcept { return format_of_activations(t) != nullptr; }
/// Whether layers compute with activations of that type.
inline bool is_computed(DType t) noexcept { return is_activation(t) && format_of_activations(t)->computes(t); }

/// Whether quantized weights may have that type.
inline bool is_weights(DType t) noexcept {
  for (const IntegerFormat& f : integer_formats)
    if (f.has_weights(t)) return true;
  return false;
}

/// What is added to a code of one integer type for the code of another type that has the same place in its range.
inline std::int32_t code_shift(DType from, DType to) {
  return static_cast<std::int32_t>(integer_range(to).low - integer_range(from).low);
}

/// The type of the codes that fake quantization with so many bits rounds to; none if it cannot.
constexpr DType codes_of_bits(int bits) noexcept { return bits == 8 ? DType::i8 : bits == 4 ? DType::i4 : DType::none; }
constexpr bool has_codes(int bits) noexcept { return codes_of_bits(bits) != DType::none; }
constexpr const char* bits_of_codes = "8 or 4";  // for messages

}  // namespace detail
OCTET_END
