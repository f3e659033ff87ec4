#pragma once
#include <octet/core/rounded.hpp>
#include <octet/operators/all.hpp>

namespace testing {
using namespace octet;

inline std::uint8_t round_code(float x, int zero) {
  return static_cast<std::uint8_t>(std::min(std::max(std::nearbyint(x) + static_cast<float>(zero), 0.0f), 255.0f));
}

/// The code of a sum, difference or product of two codes: the formulas of integer_formula.hpp.
inline std::uint8_t binary_code(BinaryKind kind, bool centered, std::uint8_t a, const QuantParams& qa, std::uint8_t b,
                                const QuantParams& qb, const QuantParams& qy) {
  using octet::detail::rounded;
  const auto real = [](int x) { return static_cast<float>(x); };
  const float sa = qa.scale[0], sb = qb.scale[0], sy = qy.scale[0], ra = sa / sy, rb = sb / sy;
  const int za = qa.zero_point[0], zb = qb.zero_point[0], zy = qy.zero_point[0];
  const float p = real((a - za) * (b - zb));
  if (kind == BinaryKind::mul) {
    const double exact = static_cast<double>(sa) * static_cast<double>(sb) / static_cast<double>(sy);
    return centered ? round_code(p * static_cast<float>(exact), zy)
                    : round_code(rounded(p * (rounded(sa * sb) / sy)) + real(zy), 0);
  }
  if (centered || kind == BinaryKind::sub)
    return round_code(std::fma(real(b - zb), kind == BinaryKind::sub ? -rb : rb, rounded(real(a - za) * ra)), zy);
  const float shift = real(zy) - std::fma(ra, real(za), rounded(rb * real(zb)));
  return round_code(std::fma(real(a), ra, std::fma(real(b), rb, shift)), 0);
}

}  // namespace testing
