#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <octet/core/half.hpp>
#include <vector>

#include "support/random.hpp"

using namespace octet;
using detail::bits_of;
using detail::float_of;
using detail::SmallFloat;
using detail::Top;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();

// The value of a bit pattern by definition, in double, which is exact for all these formats.
template <int E, int M, Top top>
double decoded(std::uint32_t b) {
  const std::uint32_t exponent_mask = (1u << E) - 1, mantissa = b & ((1u << M) - 1), e = (b >> M) & exponent_mask;
  const double sign = (b >> (E + M)) & 1 ? -1 : 1;
  const int bias = (1 << (E - 1)) - 1;
  if (top == Top::ieee && e == exponent_mask)
    return mantissa ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  if (top == Top::nan_only && (b & ((1u << (E + M)) - 1)) == (1u << (E + M)) - 1)
    return std::numeric_limits<double>::quiet_NaN();
  if (e == 0) return sign * std::ldexp(mantissa, 1 - bias - M);
  return sign * std::ldexp((1u << M) + mantissa, static_cast<int>(e) - bias - M);
}

// All finite magnitudes of a format in ascending order. The index is the bit pattern.
template <int E, int M, Top top>
std::vector<double> magnitudes() {
  std::vector<double> m;
  for (std::uint32_t b = 0; b < 1u << (E + M); ++b)
    if (std::isfinite(decoded<E, M, top>(b))) m.push_back(decoded<E, M, top>(b));
  return m;
}

template <int E, int M, Top top>
void check_every_pattern() {
  int wrong = 0;
  for (std::uint32_t b = 0; b < 1u << (E + M + 1); ++b) {
    const float f = SmallFloat<E, M, top>::decode(b);
    const double expected = decoded<E, M, top>(b);
    if (std::isnan(expected)) {
      wrong += !std::isnan(f) || std::signbit(f) != static_cast<bool>(b >> (E + M));
      wrong += !std::isnan(SmallFloat<E, M, top>::decode(SmallFloat<E, M, top>::encode(f, false)));
    } else {
      wrong += static_cast<double>(f) != expected || std::signbit(f) != static_cast<bool>(b >> (E + M));
      wrong += SmallFloat<E, M, top>::encode(f, false) != b;  // back to the same bits
    }
  }
  CHECK(wrong == 0);
}

// Every tie between neighbours rounds to the even pattern; slightly off the tie, to the nearer one.
template <int E, int M, Top top>
void check_every_tie() {
  const std::vector<double> m = magnitudes<E, M, top>();
  int wrong = 0;
  for (std::uint32_t b = 0; b + 1 < m.size(); ++b) {
    const auto tie = static_cast<float>((m[b] + m[b + 1]) / 2);
    REQUIRE(static_cast<double>(tie) == (m[b] + m[b + 1]) / 2);
    for (const std::uint32_t sign : {0u, 1u << (E + M)}) {
      const auto encoded = [&](float x) { return SmallFloat<E, M, top>::encode(sign ? -x : x, true); };
      wrong += encoded(tie) != (sign | (b % 2 == 0 ? b : b + 1));
      wrong += encoded(std::nextafter(tie, 0.0f)) != (sign | b);
      wrong += encoded(std::nextafter(tie, inf)) != (sign | (b + 1));
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("small floats: every pattern decodes to its definition and encodes to itself") {
  check_every_pattern<5, 10, Top::ieee>();
  check_every_pattern<4, 3, Top::nan_only>();
  check_every_pattern<5, 2, Top::ieee>();
  check_every_pattern<2, 1, Top::finite>();
}

TEST_CASE("small floats: every tie rounds to even") {
  check_every_tie<5, 10, Top::ieee>();
  check_every_tie<4, 3, Top::nan_only>();
  check_every_tie<5, 2, Top::ieee>();
  check_every_tie<2, 1, Top::finite>();
}

TEST_CASE("fp16: limits, subnormals, infinities, NaN") {
  CHECK(fp16(65504.0f).bits == 0x7bff);
  CHECK(fp16(65519.996f).bits == 0x7bff);
  CHECK(fp16(65520.0f).bits == 0x7c00);  // the tie to what would be 2^16
  CHECK(fp16(-1e30f).bits == 0xfc00);
  CHECK(fp16(inf).bits == 0x7c00);
  CHECK(fp16(std::ldexp(1.0f, -24)).bits == 1);
  CHECK(fp16(std::ldexp(1.0f, -25)).bits == 0);  // a tie with 0
  CHECK(fp16(std::nextafter(std::ldexp(1.0f, -25), 1.0f)).bits == 1);
  CHECK(fp16(-std::ldexp(1.0f, -26)).bits == 0x8000);
  CHECK(fp16(float_of(1)).bits == 0);  // the smallest float
  CHECK(fp16(-0.0f).bits == 0x8000);
  for (std::uint32_t nan : {0x7f800001u, 0x7fc00000u, 0xffffffffu, 0xff800001u}) {
    CHECK(std::isnan(static_cast<float>(fp16(float_of(nan)))));
    CHECK((fp16(float_of(nan)).bits >> 15) == (nan >> 31));
  }
  CHECK(fp16() == fp16(0.0f));
  CHECK(fp16(1.0f) != fp16(-1.0f));
}

TEST_CASE("bf16: rounds to nearest even and keeps NaN") {
  testing::Random random(1);
  int wrong = 0;
  const auto check = [&](std::uint32_t b) {
    const float x = float_of(b);
    const std::uint16_t got = bf16(x).bits;
    if (std::isnan(x)) {
      wrong += !std::isnan(static_cast<float>(bf16(x))) || (got >> 15) != (b >> 31);
      return;
    }
    const std::uint32_t below = b >> 16, rest = b & 0xffff;
    wrong += got != (rest > 0x8000 || (rest == 0x8000 && below % 2) ? below + 1 : below);
  };
  for (std::uint32_t high = 0; high < 1u << 16; ++high)
    for (std::uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) check(high << 16 | low);
  for (int i = 0; i < 1000000; ++i) check(static_cast<std::uint32_t>(random.bits()));
  CHECK(wrong == 0);
  CHECK(bf16(std::numeric_limits<float>::max()).bits == 0x7f80);
  for (std::uint32_t b = 0; b < 1u << 16; ++b) {
    bf16 h;
    h.bits = static_cast<std::uint16_t>(b);
    wrong += bits_of(static_cast<float>(h)) != b << 16;
  }
  CHECK(wrong == 0);
}

TEST_CASE("fp16 conversion agrees with a search for the nearest among all values") {
  const std::vector<double> m = magnitudes<5, 10, Top::ieee>();
  testing::Random random(2);
  int wrong = 0;
  for (int i = 0; i < 200000; ++i) {
    // Exponents from far below the smallest subnormal to just beyond the largest number.
    const std::uint32_t e = static_cast<std::uint32_t>(random.between(127 - 30, 127 + 16));
    const float x = float_of(static_cast<std::uint32_t>(random.bits() & 0x807fffffu) | e << 23);
    const double a = std::fabs(static_cast<double>(x));
    const auto above = static_cast<std::size_t>(std::lower_bound(m.begin(), m.end(), a) - m.begin());
    std::uint32_t best;
    if (above == m.size()) {
      best = a >= 65520 ? 0x7c00u : 0x7bffu;
    } else if (above == 0) {
      best = 0;
    } else {
      const double down = a - m[above - 1], up = m[above] - a;
      best = static_cast<std::uint32_t>(down < up || (down == up && (above - 1) % 2 == 0) ? above - 1 : above);
    }
    wrong += fp16(x).bits != (best | (std::signbit(x) ? 0x8000u : 0u));
  }
  CHECK(wrong == 0);
}

TEST_CASE("small floats saturate if requested") {
  using E4M3 = SmallFloat<4, 3, Top::nan_only>;
  using E5M2 = SmallFloat<5, 2>;
  using E2M1 = SmallFloat<2, 1, Top::finite>;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(E4M3::decode(E4M3::encode(1e9f, true)) == 448.0f);
  CHECK(std::isnan(E4M3::decode(E4M3::encode(1e9f, false))));
  CHECK(E4M3::decode(E4M3::encode(-inf, true)) == -448.0f);
  CHECK(std::isnan(E4M3::decode(E4M3::encode(nan, true))));
  CHECK(E5M2::decode(E5M2::encode(1e9f, true)) == 57344.0f);
  CHECK(E5M2::decode(E5M2::encode(1e9f, false)) == inf);
  CHECK(std::isnan(E5M2::decode(E5M2::encode(nan, true))));
  CHECK(E2M1::decode(E2M1::encode(100.0f, false)) == 6.0f);
  CHECK(E2M1::decode(E2M1::encode(-inf, true)) == -6.0f);
  CHECK(E2M1::decode(E2M1::encode(0.24f, true)) == 0.0f);
  CHECK(E2M1::decode(E2M1::encode(0.26f, true)) == 0.5f);
}
