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
double load_element(DType t, const std::byte* p, std::int64_t i);

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
void store_element(DType t, std::byte* p, std::int64_t i, double x);

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

#if !defined(OCTET_COMPILED)
#  include "element.inl"
#endif
