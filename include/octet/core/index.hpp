#pragma once
#include <cstddef>
#include <cstdint>

#include "config.hpp"

OCTET_BEGIN
namespace detail {

/// A number as an index of a standard container.
constexpr std::size_t at(std::int64_t i) noexcept { return static_cast<std::size_t>(i); }

template <class T>
struct SameType {
  using type = T;
};
/// The first multiple of `to` that is not less than n.
template <class T>
constexpr T round_up(T n, typename SameType<T>::type to) noexcept {
  return (n + to - 1) / to * to;
}

}  // namespace detail
OCTET_END
