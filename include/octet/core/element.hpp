#pragma once
#include <cmath>
#include <cstring>

#include "any_tensor.hpp"

/// Loads and stores single elements of any type. Slow; used for conversions, rare types and reference code.
OCTET_BEGIN
namespace detail {

template <class T>
T load_as(const std::byte* p, std::int64_t i) noexcept {
  T x;
  std::memcpy(&x, p + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return x;
}

template <class T>
void store_as(std::byte* p, std::int64_t i, T x) noexcept {
  std::memcpy(p + i * static_cast<std::int64_t>(sizeof(T)), &x, sizeof(T));
}

/// Element i of an array of `width`-bit codes, packed from the low bits of each byte upward.
inline std::uint32_t load_bits(const std::byte* p, std::int64_t i, int width) noexcept {
  const std::int64_t per_byte = 8 / width;
  return (std::to_integer<std::uint32_t>(p[i / per_byte]) >> (i % per_byte * width)) & ((1u << width) - 1);
}

inline void store_bits(std::byte* p, std::int64_t i, int width, std::uint32_t code) noexcept {
  const std::int64_t per_byte = 8 / width;
  const auto shift = i % per_byte * width;
  const std::uint32_t mask = ((1u << width) - 1) << shift;
  const std::uint32_t old = std::to_integer<std::uint32_t>(p[i / per_byte]);
  p[i / per_byte] = static_cast<std::byte>((old & ~mask) | ((code << shift) & mask));
}

inline std::int64_t sign_extend(std::uint32_t code, int width) noexcept {
  return static_cast<std::int64_t>(code ^ (1u << (width - 1))) - (std::int64_t{1} << (width - 1));
}

/// Element i as a double. 64-bit integers beyond 2^53 are rounded.
inline double load_element(DType t, const std::byte* p, std::int64_t i) {
  switch (t) {
    case DType::f32: return load_as<float>(p, i);
    case DType::f64: return load_as<double>(p, i);
    case DType::f16: return static_cast<float>(load_as<fp16>(p, i));
    case DType::bf16: return static_cast<float>(load_as<bf16>(p, i));
    case DType::i8: return load_as<std::int8_t>(p, i);
    case DType::u8: return load_as<std::uint8_t>(p, i);
    case DType::i16: return load_as<std::int16_t>(p, i);
    case DType::u16: return load_as<std::uint16_t>(p, i);
    case DType::i32: return load_as<std::int32_t>(p, i);
    case DType::u32: return load_as<std::uint32_t>(p, i);
    case DType::i64: return static_cast<double>(load_as<std::int64_t>(p, i));
    case DType::u64: return static_cast<double>(load_as<std::uint64_t>(p, i));
    case DType::boolean: return load_as<std::uint8_t>(p, i) != 0;
    case DType::i4:
    case DType::i2: return static_cast<double>(sign_extend(load_bits(p, i, bits(t)), bits(t)));
    case DType::u4:
    case DType::u2: return load_bits(p, i, bits(t));
    case DType::f8e4m3fn: return SmallFloat<4, 3, Top::nan_only>::decode(load_as<std::uint8_t>(p, i));
    case DType::f8e5m2: return SmallFloat<5, 2>::decode(load_as<std::uint8_t>(p, i));
    case DType::f4e2m1: return SmallFloat<2, 1, Top::finite>::decode(load_bits(p, i, 4));
    case DType::none: break;
  }
  fail("cannot read a tensor without an element type");
}

/// Truncates x to an integer of at most 64 bits. Saturates outside the range of T; NaN becomes 0.
template <class T>
T saturate_to(double x) noexcept {
  if (!(x == x)) return 0;
  // >=, because the upper limit may round up to 2^n in double.
  if (x >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
  if (x <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
  return static_cast<T>(x);
}

/// Stores x as element i. Integers truncate toward zero and saturate; small floats round to nearest even and saturate.
inline void store_element(DType t, std::byte* p, std::int64_t i, double x) {
  const auto small = static_cast<float>(x);
  switch (t) {
    case DType::f32: return store_as(p, i, small);
    case DType::f64: return store_as(p, i, x);
    case DType::f16: return store_as(p, i, fp16(small));
    case DType::bf16: return store_as(p, i, bf16(small));
    case DType::i8: return store_as(p, i, saturate_to<std::int8_t>(x));
    case DType::u8: return store_as(p, i, saturate_to<std::uint8_t>(x));
    case DType::i16: return store_as(p, i, saturate_to<std::int16_t>(x));
    case DType::u16: return store_as(p, i, saturate_to<std::uint16_t>(x));
    case DType::i32: return store_as(p, i, saturate_to<std::int32_t>(x));
    case DType::u32: return store_as(p, i, saturate_to<std::uint32_t>(x));
    case DType::i64: return store_as(p, i, saturate_to<std::int64_t>(x));
    case DType::u64: return store_as(p, i, saturate_to<std::uint64_t>(x));
    case DType::boolean: return store_as(p, i, static_cast<std::uint8_t>(x != 0));
    case DType::i4:
    case DType::i2:
    case DType::u4:
    case DType::u2: {
      const IntegerRange r = integer_range(t);
      const double low = static_cast<double>(r.low), high = static_cast<double>(r.high);
      const auto q = static_cast<std::int64_t>(x == x ? std::min(std::max(x, low), high) : 0);
      return store_bits(p, i, bits(t), static_cast<std::uint32_t>(q));
    }
    case DType::f8e4m3fn:
      return store_as(p, i, static_cast<std::uint8_t>(SmallFloat<4, 3, Top::nan_only>::encode(small, true)));
    case DType::f8e5m2: return store_as(p, i, static_cast<std::uint8_t>(SmallFloat<5, 2>::encode(small, true)));
    case DType::f4e2m1: return store_bits(p, i, 4, SmallFloat<2, 1, Top::finite>::encode(small, true));
    case DType::none: break;
  }
  fail("cannot write a tensor without an element type");
}

/// Returns use(T{}), where T is the C++ type of the elements; use(nullptr) for types without arithmetic in C++ (half,
/// small floats, packed integers, bool).
template <class Use>
auto with_number(DType t, Use use) {
  switch (t) {
    case DType::f32: return use(float{});
    case DType::f64: return use(double{});
    case DType::i8: return use(std::int8_t{});
    case DType::u8: return use(std::uint8_t{});
    case DType::i16: return use(std::int16_t{});
    case DType::u16: return use(std::uint16_t{});
    case DType::i32: return use(std::int32_t{});
    case DType::u32: return use(std::uint32_t{});
    case DType::i64: return use(std::int64_t{});
    case DType::u64: return use(std::uint64_t{});
    default: return use(nullptr);
  }
}

/// All elements as 64-bit integers: for shapes, axes and sizes that models pass as tensors.
inline std::vector<std::int64_t> to_integers(const AnyTensor& t) {
  std::vector<std::int64_t> r;
  for (std::int64_t i = 0; i < t.size(); ++i)
    r.push_back(t.dtype() == DType::i64 ? load_as<std::int64_t>(t.data(), i)
                                        : saturate_to<std::int64_t>(load_element(t.dtype(), t.data(), i)));
  return r;
}

}  // namespace detail
OCTET_END
