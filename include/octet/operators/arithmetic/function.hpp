#pragma once
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "../../core/element.hpp"
#include "kind.hpp"

OCTET_BEGIN

namespace detail {

template <class W>
W multiply(W a, W b) noexcept {  // in 64 bits: uint16 would be promoted to int and overflow
  if constexpr (std::is_integral_v<W>)
    return static_cast<W>(std::uint64_t{a} * b);
  else
    return a * b;
}
template <class T>
T divide(T a, T b) noexcept {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>)
      if (b == -1) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
    return static_cast<T>(a / b);
  } else {
    return a / b;
  }
}

/// The remainder of the division, with the sign of a.
template <class T>
T remainder(T a, T b) noexcept {
  if constexpr (!std::is_integral_v<T>)
    return std::fmod(a, b);
  else if (b == 0)
    return 0;
  else if constexpr (std::is_signed_v<T>)
    return b == -1 ? T{0} : static_cast<T>(a % b);
  else
    return static_cast<T>(a % b);
}
/// The remainder of the division, with the sign of b.
template <class T>
T floor_mod(T a, T b) noexcept {
  const T r = remainder(a, b);
  return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
}
template <class T>
T floor_div(T a, T b) noexcept {
  const T q = divide(a, b);
  if constexpr (!std::is_integral_v<T>)
    return std::floor(q);
  else
    return b != 0 && floor_mod(a, b) != remainder(a, b) ? static_cast<T>(q - 1) : q;
}

/// Calls use(f) with the function of two T for `kind`. Integers wrap around, except that powers saturate; integer
/// division by zero gives 0, also as the remainder.
template <class T, class Use>
void with_binary(BinaryKind kind, Use use) {
  using W = std::conditional_t<std::is_integral_v<T>,
                               std::make_unsigned_t<std::conditional_t<std::is_integral_v<T>, T, int>>, T>;
  const auto wrapped = [](auto op) {
    return [op](T a, T b) { return static_cast<T>(op(static_cast<W>(a), static_cast<W>(b))); };
  };
  switch (kind) {
    case BinaryKind::add: return use(wrapped([](W a, W b) { return a + b; }));
    case BinaryKind::sub: return use(wrapped([](W a, W b) { return a - b; }));
    case BinaryKind::mul: return use(wrapped([](W a, W b) { return multiply(a, b); }));
    case BinaryKind::div: return use([](T a, T b) { return divide(a, b); });
    case BinaryKind::min: return use([](T a, T b) { return b < a || b != b ? b : a; });
    case BinaryKind::max: return use([](T a, T b) { return b > a || b != b ? b : a; });
    case BinaryKind::pow:
      return use([](T a, T b) {
        if constexpr (std::is_integral_v<T>)
          return saturate_to<T>(std::pow(static_cast<double>(a), static_cast<double>(b)));
        else
          return static_cast<T>(std::pow(a, b));
      });
    case BinaryKind::less: return use([](T a, T b) { return a < b; });
    case BinaryKind::less_or_equal: return use([](T a, T b) { return a <= b; });
    case BinaryKind::greater: return use([](T a, T b) { return a > b; });
    case BinaryKind::greater_or_equal: return use([](T a, T b) { return a >= b; });
    case BinaryKind::equal: return use([](T a, T b) { return a == b; });
    case BinaryKind::not_equal: return use([](T a, T b) { return a != b; });
    case BinaryKind::floor_div: return use([](T a, T b) { return floor_div(a, b); });
    case BinaryKind::floor_mod: return use([](T a, T b) { return floor_mod(a, b); });
    case BinaryKind::remainder: return use([](T a, T b) { return remainder(a, b); });
  }
}

}  // namespace detail
OCTET_END
