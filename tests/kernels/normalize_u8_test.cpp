#include <doctest/doctest.h>

#include "support/byte_kernels.hpp"
#include "support/epilogue.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

constexpr std::int64_t sizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130};

/// Bytes, or all 255.
Exact<std::uint8_t> bytes(std::int64_t n, bool largest, Random& random) {
  Exact<std::uint8_t> x(n, 1);
  for (std::int64_t i = 0; i < n; ++i) x.set(i, static_cast<std::uint8_t>(largest ? 255 : random.between(0, 255)));
  return x;
}

}  // namespace

TEST_CASE("normalized rows of bytes") {
  Random random(70);
  const auto check = [&](std::int64_t rows, std::int64_t count, bool largest, bool limited) {
    const Exact<std::uint8_t> x = bytes(rows * count, largest, random);
    std::vector<float> scale(static_cast<std::size_t>(count)), shift = scale;
    random.fill(scale.data(), count, -40, 40);
    random.fill(shift.data(), count, -100, 300);
    NormalizeRowsU8 a;
    a.in = x.data();
    a.rows = rows;
    a.count = count;
    a.in_scale = 0.02;
    a.epsilon = 1e-3;
    a.zero_point = limited ? 100 : 0;
    a.low = limited ? 90 : 0;
    a.high = limited ? 200 : 255;
    std::vector<NormalizedLine> lines;
    for (std::int64_t r = 0; r < rows; ++r) {
      MomentsU8 m;
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t v = x[r * count + i];
        m.sum += v;
        m.squares += v * v;
      }
      lines.emplace_back(m, count, a.in_scale, a.epsilon);
    }
    CHECK(wrong_bytes(
              rows * count,
              [&](const ByteKernels& k, std::uint8_t* out) {
                const std::vector<float> f = in_packed_order(k, scale), o = in_packed_order(k, shift);
                NormalizeRowsU8 own = a;
                own.out = out;
                own.scale = f.data();
                own.shift = o.data();
                k.normalize_rows(own);
              },
              [&](std::int64_t i) {
                const NormalizedLine& line = lines[static_cast<std::size_t>(i / count)];
                const auto at = static_cast<std::size_t>(i % count);
                const float factor = line.factor * scale[at],
                            v = std::fma(static_cast<float>(x[i]), factor, std::fma(-line.mean, factor, shift[at]));
                return clamped(std::int64_t{rounded(v)} + a.zero_point, a.low, a.high);
              }) == 0);
  };
  for (const bool largest : {false, true}) {
    for (const std::int64_t n : sizes) check(3, n, largest, n % 2);
    check(1, 600001, largest, false);  // more than a vector of 32 bits can hold the squares of
  }
}

TEST_CASE("moments: sums and sums of squares of columns of bytes") {
  Random random(71);
  const auto check = [&](std::int64_t rows, std::int64_t columns, bool largest) {
    const Exact<std::uint8_t> x = bytes(rows * columns, largest, random);
    for (Isa isa : available_isas()) {
      Guarded<std::int32_t> sums(columns, 4), squares(columns, 4);
      byte_kernels(isa).column_moments(x.data(), rows, columns, sums.data(), squares.data());
      REQUIRE(sums.intact());
      REQUIRE(squares.intact());
      for (std::int64_t c = 0; c < columns; ++c) {
        std::int64_t sum = 0, square = 0;
        for (std::int64_t r = 0; r < rows; ++r) {
          const std::int64_t v = x[r * columns + c];
          sum += v;
          square += v * v;
        }
        REQUIRE(sums[c] == sum);
        REQUIRE(squares[c] == square);
      }
    }
  };
  for (const bool largest : {false, true}) {
    for (const std::int64_t n : sizes) {
      check(5, n, largest);
      check(6, n, largest);
    }
    check(1 << 15, 33, largest);
  }
}
