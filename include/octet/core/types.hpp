#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "error.hpp"
#include "half.hpp"

OCTET_BEGIN

using int8 = std::int8_t;    ///< elements of DType::i8
using uint8 = std::uint8_t;  ///< elements of DType::u8
using int16 = std::int16_t;  ///< elements of DType::i16
using int32 = std::int32_t;  ///< elements of DType::i32

/// Signed 4-bit integer in [-8, 7]. Tensors hold two per byte, the first in the low nibble (as in ONNX).
struct int4 {
  std::uint8_t bits = 0;  ///< one element in the low nibble
};

/// Tag for quantize<dynamic_range>(model): int8 weights; activations are quantized at run time.
struct dynamic_range {};

/// Element type of a tensor, where it is known only at run time.
// clang-format off
enum class DType : std::uint8_t {
  none, f32, f64, f16, bf16, i8, u8, i16, u16, i32, u32, i64, u64, boolean, i4, u4, i2, u2, f8e4m3fn, f8e5m2, f4e2m1
};
// clang-format on

namespace detail {
struct DTypeInfo {
  const char* name;
  int bits;
  bool floating, is_signed;
};

inline const DTypeInfo& info(DType t) {
  static constexpr DTypeInfo table[] = {
      {"none", 0, false, false},       {"float32", 32, true, true},   {"float64", 64, true, true},
      {"float16", 16, true, true},     {"bfloat16", 16, true, true},  {"int8", 8, false, true},
      {"uint8", 8, false, false},      {"int16", 16, false, true},    {"uint16", 16, false, false},
      {"int32", 32, false, true},      {"uint32", 32, false, false},  {"int64", 64, false, true},
      {"uint64", 64, false, false},    {"bool", 8, false, false},     {"int4", 4, false, true},
      {"uint4", 4, false, false},      {"int2", 2, false, true},      {"uint2", 2, false, false},
      {"float8e4m3fn", 8, true, true}, {"float8e5m2", 8, true, true}, {"float4e2m1", 4, true, true}};
  return table[static_cast<int>(t)];
}
}  // namespace detail

constexpr DType last_dtype = DType::f4e2m1;  ///< every type is in [DType::none, last_dtype]

/// The name in files and messages: NumPy's and ONNX's, for example "float32", "int8", "bool".
inline const char* name(DType t) { return detail::info(t).name; }
/// Size of an element in bits; 0 for none.
inline int bits(DType t) { return detail::info(t).bits; }
/// Whether elements are floating-point numbers, of any size.
inline bool is_floating(DType t) { return detail::info(t).floating; }
/// Whether elements can be negative; true for floating-point types.
inline bool is_signed(DType t) { return detail::info(t).is_signed; }
/// Whether the type is int8 or uint8, which quantized activations and weights have.
inline bool is_byte(DType t) { return t == DType::i8 || t == DType::u8; }

/// Size of n elements in bytes. Elements below 8 bits are packed.
inline std::size_t bytes(DType t, std::int64_t n) {
  return (static_cast<std::size_t>(n) * static_cast<std::size_t>(bits(t)) + 7) / 8;
}

/// Smallest and largest value of an integer type of up to 32 bits. integer_range throws Error for other types.
struct IntegerRange {
  std::int64_t low;   ///< included
  std::int64_t high;  ///< included
};
/// The range of t. Throws Error unless t is an integer type of up to 32 bits.
inline IntegerRange integer_range(DType t) {
  if (is_floating(t) || bits(t) == 0 || bits(t) > 32 || t == DType::boolean)
    detail::fail("type ", name(t), " has no quantized range");
  return is_signed(t) ? IntegerRange{-(std::int64_t{1} << (bits(t) - 1)), (std::int64_t{1} << (bits(t) - 1)) - 1}
                      : IntegerRange{0, (std::int64_t{1} << bits(t)) - 1};
}

namespace detail {
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<fp16> {
  static constexpr DType value = DType::f16;
};
template <>
struct DTypeOf<bf16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType value = DType::i8;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<std::int16_t> {
  static constexpr DType value = DType::i16;
};
template <>
struct DTypeOf<std::uint16_t> {
  static constexpr DType value = DType::u16;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::uint32_t> {
  static constexpr DType value = DType::u32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<std::uint64_t> {
  static constexpr DType value = DType::u64;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};
template <>
struct DTypeOf<int4> {
  static constexpr DType value = DType::i4;
};
}  // namespace detail

/// The DType of the C++ type T: DType::i8 for int8, DType::f16 for fp16, ...
template <class T>
constexpr DType dtype_of = detail::DTypeOf<std::remove_const_t<T>>::value;

OCTET_END
