#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "support/byte_kernels.hpp"
#include "support/epilogue.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

/// How many products of n codes, on all instruction sets, are not those of the formula of MulU8.
int wrong_products(Random& random, std::int64_t n, MulU8 p) {
  const Exact<std::uint8_t> a = random_bytes(random, n, 1), b = random_bytes(random, n, 2);
  p.a = a.data();
  p.b = b.data();
  p.count = n;
  const auto run = [&](const ByteKernels& k, std::uint8_t* out) {
    MulU8 own = p;
    own.out = out;
    k.mul(own);
  };
  return wrong_bytes(n, run, [&](std::int64_t i) {
    const auto product = static_cast<float>((a[i] - p.zero_a) * (b[i] - p.zero_b));
    const float v = p.fused ? std::fma(product, p.scale, p.shift) : octet::detail::rounded(product * p.scale) + p.shift;
    return clamped(std::int64_t{rounded(v)} + p.zero_point, p.low, p.high);
  });
}

}  // namespace

TEST_CASE("multiply: zero points, limits, ties, extremes") {
  Random random(2);
  for (std::int64_t n : byte_counts)
    for (int round = 0; round < 20; ++round) {
      MulU8 p;
      p.scale = round % 5 == 0 ? 0.5f : random.real(0.0001f, 0.1f);
      if (round == 7) p.scale = 30000;  // products close to 2^31
      p.zero_a = round == 3 ? 255 : byte(random);
      p.zero_b = round == 4 ? 0 : byte(random);
      p.zero_point = byte(random);
      if (round % 2 == 0) p.shift = static_cast<float>(std::exchange(p.zero_point, 0));
      p.low = static_cast<std::int32_t>(random.between(0, 30));
      p.high = static_cast<std::int32_t>(random.between(200, 255));
      if (round % 4 == 0) {
        p.low = 0;
        p.high = 255;
      }
      CHECK(wrong_products(random, n, p) == 0);
    }
}

TEST_CASE("multiply: without rounding the product before the shift is added") {
  Random random(8);
  for (std::int64_t n : byte_counts)
    for (int round = 0; round < 10; ++round) {
      MulU8 p;
      p.scale = round % 5 == 0 ? 0.5f : random.real(0.0001f, 0.1f);
      p.zero_a = byte(random);
      p.zero_b = byte(random);
      p.shift = static_cast<float>(byte(random));
      p.fused = true;
      if (round % 2 == 0) p.low = 20;
      CHECK(wrong_products(random, n, p) == 0);
    }
}

TEST_CASE("lines: factors and offsets that repeat") {
  Random random(9);
  for (std::int64_t n : byte_counts)
    for (int round = 0; round < 10; ++round) {
      const Exact<std::uint8_t> in = random_bytes(random, n, 1);
      const std::int64_t period = round % 2 ? 64 : 320;  // blocks of every instruction set
      std::vector<float> factors(static_cast<std::size_t>(period)), offsets = factors;
      random.fill(factors.data(), period, -2, 2);
      random.fill(offsets.data(), period, -100, 300);
      LinesU8 p;
      p.in = in.data();
      p.count = n;
      p.period = period;
      p.zero_point = round % 3 ? 0 : byte(random);
      p.low = round % 3 == 2 ? 7 : 0;
      CHECK(wrong_bytes(
                n,
                [&](const ByteKernels& k, std::uint8_t* out) {
                  const std::vector<float> f = in_packed_order(k, factors), o = in_packed_order(k, offsets);
                  LinesU8 own = p;
                  own.out = out;
                  own.factors = f.data();
                  own.offsets = o.data();
                  k.lines(own);
                },
                [&](std::int64_t i) {
                  const auto at = static_cast<std::size_t>(i % period);
                  const float v = std::fma(static_cast<float>(in[i]), factors[at], offsets[at]);
                  return clamped(std::int64_t{rounded(v)} + p.zero_point, p.low, p.high);
                }) == 0);
    }
}

TEST_CASE("extremum: the greatest and the least byte") {
  Random random(10);
  for (std::int64_t n : byte_counts)
    for (const bool least : {false, true}) {
      const Exact<std::uint8_t> a = random_bytes(random, n, 1), b = random_bytes(random, n, 2);
      CHECK(wrong_bytes(
                n, [&](const ByteKernels& k, std::uint8_t* out) { k.extremum(a.data(), b.data(), out, n, least); },
                [&](std::int64_t i) { return least ? std::min(a[i], b[i]) : std::max(a[i], b[i]); }) == 0);
    }
}

TEST_CASE("add: every form of zero points and limits") {
  Random random(14);
  for (std::int64_t n : byte_counts)
    for (int round = 0; round < 12; ++round) {
      const Exact<std::uint8_t> a = random_bytes(random, n, 1), b = random_bytes(random, n, 2);
      AddU8 p;
      p.a = a.data();
      p.b = b.data();
      p.count = n;
      p.scale_a = random.real(-2, 2);
      p.scale_b = round % 4 ? random.real(-2, 2) : 0.5f;
      if (round % 3 == 0) {
        p.zero_a = byte(random);
        p.zero_b = byte(random);
        p.zero_point = byte(random);
      } else {
        p.shift = random.real(-200, 300);
        p.low = round % 3 == 1 ? 0 : 9;
      }
      CHECK(wrong_bytes(
                n,
                [&](const ByteKernels& k, std::uint8_t* out) {
                  AddU8 own = p;
                  own.out = out;
                  k.add(own);
                },
                [&](std::int64_t i) {
                  const float inner = std::fma(static_cast<float>(b[i] - p.zero_b), p.scale_b, p.shift),
                              sum = std::fma(static_cast<float>(a[i] - p.zero_a), p.scale_a, inner);
                  return clamped(std::int64_t{rounded(sum)} + p.zero_point, p.low, p.high);
                }) == 0);
    }
}

TEST_CASE("rows of bytes: the greatest, the least, and sums") {
  Random random(64);
  for (std::int64_t n : {1, 2, 3, 15, 16, 17, 21, 31, 32, 33, 63, 64, 65, 127, 128, 130, 255, 256, 257, 300, 513, 1000})
    for (std::int64_t rows : {1, 2, 7, 8, 9, 15, 16, 17, 33}) {
      Exact<std::uint8_t> in(rows * n, 1);
      const std::int64_t low = random.chance(20) ? 250 : 0;
      random.fill(in.data(), rows * n, low, random.chance(20) ? low + 5 : 255);
      for (Isa isa : available_isas()) {
        const ByteKernels& k = byte_kernels(isa);
        Guarded<std::uint8_t> least(rows, 1), greatest(rows, 1);
        Guarded<std::int32_t> sums(rows, 4);
        k.extremum_rows(in.data(), rows, n, least.data(), true);
        k.extremum_rows(in.data(), rows, n, greatest.data(), false);
        k.sum_rows(in.data(), rows, n, sums.data());
        int wrong = !least.intact() + !greatest.intact() + !sums.intact();
        for (std::int64_t r = 0; r < rows; ++r) {
          const std::uint8_t* row = in.data() + r * n;
          wrong += least[r] != *std::min_element(row, row + n);
          wrong += greatest[r] != *std::max_element(row, row + n);
          wrong += sums[r] != std::accumulate(row, row + n, 0);
        }
        CHECK(wrong == 0);
      }
    }
}
