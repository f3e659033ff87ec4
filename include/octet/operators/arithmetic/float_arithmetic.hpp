#pragma once
#include "../float_batches.hpp"
#include "kind.hpp"

OCTET_BEGIN
namespace detail {

/// out = min(max(f(a, b), low), high) for n elements, of kinds that have no kernel. Returns whether there is a form of
/// `kind` for batches; if not, nothing is computed.
inline bool float_arithmetic(BinaryKind kind, const FloatOperand& a, const FloatOperand& b, float* out, std::int64_t n,
                             float low, float high) noexcept {
  using V = FloatBatch;
  const V l(low), h(high);
  const auto apply = [&](auto f) {
    const auto limited = [&](const V& x, const V& y) {
      const V r = f(x, y);
      return xsimd::select(r < l, l, xsimd::select(r > h, h, r));
    };
    apply_to_batches(limited, out, n, a, b);
    return true;
  };
  switch (kind) {
    // NaN if one of them is.
    case BinaryKind::min: return apply([](const V& x, const V& y) { return xsimd::select((y < x) | (y != y), y, x); });
    case BinaryKind::max: return apply([](const V& x, const V& y) { return xsimd::select((y > x) | (y != y), y, x); });
    case BinaryKind::pow:
      if (b.moves || (*b.p != 2 && *b.p != 3)) return false;
      if (*b.p == 2) return apply([](const V& x, const V&) { return x * x; });
      return apply([](const V& x, const V&) { return x * x * x; });
    default: return false;
  }
}

}  // namespace detail
OCTET_END
