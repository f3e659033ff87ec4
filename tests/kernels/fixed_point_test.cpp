#include <doctest/doctest.h>

#include <array>
#include <octet/kernels/bytes.hpp>
#include <octet/kernels/pack.hpp>
#include <octet/operators/fixed_factor.hpp>

#include "support/buffer.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"

// Sums that become bytes in TensorFlow Lite's fixed point: on every instruction set the same as one by one.

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

constexpr int tile_rows = 3;

FixedPointMultiplier random_multiplier(Random& r, bool once) {
  FixedPointMultiplier m(std::ldexp(r.real(0.5f, 1), static_cast<int>(r.between(-31, once ? 0 : 4))));
  if (r.chance(10)) m.mantissa = std::numeric_limits<std::int32_t>::max();
  return m;
}

std::int32_t product(std::int32_t x, FixedPointMultiplier m, bool once) {
  return once ? multiply_single_rounding(x, m) : multiply_double_rounding(x, m);
}

// From halves of steps to the largest integers.
std::int32_t random_sum(Random& r, FixedPointMultiplier m) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (r.chance(5)) return static_cast<std::int32_t>(r.chance(50) ? most : -most - 1);
  const double half_steps = static_cast<double>(r.between(-700, 700)) / 2;
  const double step = std::ldexp(static_cast<double>(m.mantissa), m.shift - 31);
  const double x = r.chance(50) ? half_steps / step : static_cast<double>(r.between(-most, most));
  return static_cast<std::int32_t>(std::clamp(x + static_cast<double>(r.between(-1, 1)), -2e9, 2e9));
}

struct Factors {
  std::array<Tensor<std::int32_t>, 3> arrays;
  std::vector<FixedPointMultiplier> all;
};

Factors random_factors(Random& r, int columns, bool once) {
  Factors f;
  for (Tensor<std::int32_t>& t : f.arrays) t = pad_columns<std::int32_t>(nullptr, columns);
  std::fill(f.arrays[2].begin(), f.arrays[2].end(), 31);
  for (int c = 0; c < columns; ++c) {
    const FixedPointMultiplier m = random_multiplier(r, once);
    f.all.push_back(m);
    const FixedFactor factor = fixed_factor(m, once);
    f.arrays[0][c] = factor.mantissa;
    f.arrays[1][c] = factor.left;
    f.arrays[2][c] = factor.right;
  }
  return f;
}

void check_store_fixed(Random& r, int columns, bool once, bool with_residual) {
  const Factors f = random_factors(r, columns, once);
  const std::int64_t stride = columns + 64, out_stride = columns + r.between(0, 5);
  Tensor<std::int32_t> sums({tile_rows * stride});
  Exact<std::uint8_t> residual((tile_rows - 1) * out_stride + columns);
  r.fill(residual.data(), residual.size(), 0, 255);
  StoreFixed s;
  s.sums = sums.bytes();
  s.sums_stride = stride * 4;
  s.out_stride = out_stride;
  s.rows = tile_rows;
  s.columns = columns;
  s.factors = {f.arrays[0].data(), f.arrays[1].data(), f.arrays[2].data()};
  s.once = once;
  s.zero_point = static_cast<std::int32_t>(r.between(0, 255));
  s.low = static_cast<std::int32_t>(r.between(0, 20));
  s.high = static_cast<std::int32_t>(r.between(200, 255));
  const FixedPointMultiplier of_residual(r.real(0.01f, 0.9f));
  if (with_residual) {
    s.residual = residual.data();
    s.residual_zero = static_cast<std::int32_t>(r.between(0, 255));
    s.residual_factor = fixed_factor(of_residual, once);
  }
  for (int m = 0; m < tile_rows; ++m)
    for (int c = 0; c < columns; ++c) {
      std::int32_t x = random_sum(r, f.all[static_cast<std::size_t>(c)]);
      if (with_residual) x /= 64;  // whose sums with the residual fit
      sums[m * stride + c] = x;
    }
  for (const Isa isa : available_isas()) {
    Guarded<std::uint8_t> out(residual.size(), 1);
    s.out = out.data();
    byte_kernels(isa).store_fixed(s);
    int wrong = !out.intact();
    for (int m = 0; m < tile_rows; ++m)
      for (int c = 0; c < columns; ++c) {
        const std::int64_t at = m * out_stride + c;
        std::int64_t q = product(sums[m * stride + c], f.all[static_cast<std::size_t>(c)], once);
        if (with_residual) q += product(residual[at] - s.residual_zero, of_residual, once);
        wrong += out[at] != std::clamp<std::int64_t>(q + s.zero_point, s.low, s.high);
      }
    INFO(std::string(name(isa)), ", ", columns, " columns, once ", once, ", residual ", with_residual);
    CHECK(wrong == 0);
  }
}

void check_binary_fixed(Random& r, std::int64_t n, BinaryFixed p) {
  Exact<std::uint8_t> a(n), b(n, 1);
  r.fill(a.data(), n, 0, 255);
  r.fill(b.data(), n, 0, 255);
  // As TFLite has them for two scales and that of the result.
  const double sa = r.real(0.01f, 1), sb = r.real(0.01f, 1), common = 2 * std::max(sa, sb), step = r.real(0.02f, 2);
  const FixedPointMultiplier of_a(sa / common), of_b(sb / common), of_sum(common / (0x1p20 * step)),
      of_product(sa * sb / step / 2);
  const bool product_only = p.form == BinaryFixed::Form::product;
  p.zero_a = static_cast<std::int32_t>(r.between(0, 255));
  p.zero_b = static_cast<std::int32_t>(r.between(0, 255));
  p.product_a = fixed_factor(of_a, p.once);
  p.product_b = fixed_factor(of_b, p.once);
  p.product = fixed_factor(product_only ? of_product : of_sum, p.once);
  if (!fixed_kernels_have(product_only ? of_product : of_sum, p.once)) return;
  p.factor_a = static_cast<std::int32_t>(r.between(-(1 << 21), 1 << 21));
  p.factor_b = static_cast<std::int32_t>(r.between(-(1 << 21), 1 << 21));
  p.bias = static_cast<std::int32_t>(r.between(-(1 << 26), 1 << 26));
  p.shift = static_cast<int>(r.between(13, 30));
  p.zero_point = static_cast<std::int32_t>(r.between(0, 255));
  p.low = static_cast<std::int32_t>(r.between(0, 20));
  p.high = static_cast<std::int32_t>(r.between(200, 255));
  p.a = a.data();
  p.b = b.data();
  p.count = n;
  const auto code = [&](std::int32_t x, std::int32_t y) -> std::int64_t {
    if (p.form == BinaryFixed::Form::shifted) return (x * p.factor_a + y * p.factor_b + p.bias) >> p.shift;
    x -= p.zero_a;
    y -= p.zero_b;
    if (product_only) return product(x * y, of_product, p.once);
    x = product(x * (1 << 20), of_a, p.once);
    y = product(y * (1 << 20), of_b, p.once);
    return product(p.difference ? x - y : x + y, of_sum, p.once);
  };
  for (const Isa isa : available_isas()) {
    Guarded<std::uint8_t> out(n, 1);
    p.out = out.data();
    byte_kernels(isa).binary_fixed(p);
    int wrong = !out.intact();
    for (std::int64_t i = 0; i < n; ++i)
      wrong += out[i] != std::clamp<std::int64_t>(code(a[i], b[i]) + p.zero_point, p.low, p.high);
    INFO(std::string(name(isa)), ", ", n, " bytes, form ", static_cast<int>(p.form), ", once ", p.once);
    CHECK(wrong == 0);
  }
}

}  // namespace

TEST_CASE("fixed point: sums, differences and products of bytes") {
  Random random(71);
  for (const std::int64_t n : {0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300})
    for (const auto form : {BinaryFixed::Form::shifted, BinaryFixed::Form::sum, BinaryFixed::Form::product})
      for (int i = 0; i < 20; ++i) {
        BinaryFixed p;
        p.form = form;
        p.once = i % 2 == 0;
        p.difference = i % 4 >= 2;
        check_binary_fixed(random, n, p);
      }
}

TEST_CASE("fixed point: sums of every size as bytes, rounded once and twice") {
  Random random(70);
  for (const int columns : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130})
    for (int i = 0; i < 60; ++i) check_store_fixed(random, columns, i % 2 == 0, i % 4 >= 2);
}
