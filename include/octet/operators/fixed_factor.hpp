#pragma once
#include "../kernels/bytes.hpp"
#include "../kernels/requantize.hpp"

OCTET_BEGIN
namespace detail {

/// Whether kernels multiply by it. `once`: rounded once (TFLite's single rounding).
inline bool fixed_kernels_have(FixedPointMultiplier m, bool once) noexcept { return !once || m.shift <= 0; }

/// The factor as kernels take it.
inline FixedFactor fixed_factor(FixedPointMultiplier m, bool once) noexcept {
  return {m.mantissa, std::max(m.shift, 0), once ? 31 - m.shift : std::max(-m.shift, 0)};
}

}  // namespace detail
OCTET_END
