#include <doctest/doctest.h>

#include "support/epilogue.hpp"
#include "support/isas.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

constexpr std::int64_t sizes[] = {1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130};
constexpr float inf = std::numeric_limits<float>::infinity();

bool same(float a, float b) { return bits_of(a) == bits_of(b) || (std::isnan(a) && std::isnan(b)); }

}  // namespace

TEST_CASE("arithmetic of rows of floats: operands with an element for each, or one for a row") {
  Random random(60);
  for (std::int64_t n : sizes)
    for (int round = 0; round < 8; ++round) {
      ArithmeticF32 g;
      g.rows = random.between(1, 4);
      g.n = n;
      g.a_moves = round & 1;
      g.b_moves = round & 2;
      g.a_row = random.chance(50) ? 0 : g.a_moves ? n : 1;
      g.b_row = random.chance(50) ? 0 : g.b_moves ? n : 1;
      g.out_row = n;
      g.low = random.chance(50) ? -1 : -inf;
      g.high = random.chance(50) ? 2 : inf;
      Exact<float> a((g.rows - 1) * g.a_row + (g.a_moves ? n : 1), 4),
          b((g.rows - 1) * g.b_row + (g.b_moves ? n : 1), 8);
      random.fill(a.data(), a.size(), -3, 3);
      random.fill(b.data(), b.size(), -3, 3);
      a.set(random.between(0, a.size() - 1), round & 4 ? std::numeric_limits<float>::quiet_NaN() : -0.0f);
      g.a = a.data();
      g.b = b.data();
      int wrong = 0;
      const auto check = [&](auto kernel, auto f) {
        for (Isa isa : available_isas()) {
          Guarded<float> out(g.rows * n, 4);
          g.out = out.data();
          (kernels(isa).*kernel)(g);
          wrong += !out.intact();
          for (std::int64_t r = 0; r < g.rows; ++r)
            for (std::int64_t i = 0; i < n; ++i) {
              const float x = a[r * g.a_row + i * g.a_moves], y = b[r * g.b_row + i * g.b_moves];
              wrong += !same(out[r * n + i], clamped(f(x, y), g.low, g.high));
            }
        }
      };
      check(&Kernels::add_f32, [](float x, float y) { return x + y; });
      check(&Kernels::sub_f32, [](float x, float y) { return x - y; });
      check(&Kernels::mul_f32, [](float x, float y) { return x * y; });
      check(&Kernels::div_f32, [](float x, float y) { return x / y; });
      CHECK(wrong == 0);
    }
}

TEST_CASE("sums, greatest and least elements of rows of floats") {
  Random random(61);
  for (std::int64_t n : sizes)
    for (int round = 0; round < 6; ++round) {
      const std::int64_t rows = random.between(1, 3);
      Exact<float> in(rows * n, 4);
      random.fill(in.data(), rows * n, -3, 3);
      if (round % 3 == 1) in.set(random.between(0, rows * n - 1), std::numeric_limits<float>::quiet_NaN());
      if (round % 3 == 2) in.set(random.between(0, rows * n - 1), -inf);
      for (Isa isa : available_isas()) {
        Guarded<double> sums(rows, 8);
        Guarded<float> greatest(rows, 4);
        kernels(isa).sum_rows_f32(in.data(), rows, n, sums.data());
        Guarded<float> least(rows, 4);
        kernels(isa).extremum_rows_f32(in.data(), rows, n, greatest.data(), false);
        kernels(isa).extremum_rows_f32(in.data(), rows, n, least.data(), true);
        int wrong = !sums.intact() + !greatest.intact() + !least.intact();
        for (std::int64_t r = 0; r < rows; ++r) {
          // 16 partial sums, of which those of both halves are added again and again.
          std::vector<double> part(16, 0.0);
          float g = -inf, l = inf;
          for (std::int64_t i = 0; i < n; ++i) {
            const float x = in[r * n + i];
            part[static_cast<std::size_t>(i % 16)] += static_cast<double>(x);
            g = x > g || std::isnan(x) ? x : g;
            l = x < l || std::isnan(x) ? x : l;
          }
          for (std::size_t half = 8; half > 0; half /= 2)
            for (std::size_t i = 0; i < half; ++i) part[i] += part[i + half];
          const double sum = sums[r];
          wrong += std::memcmp(&sum, part.data(), sizeof sum) != 0 && !(std::isnan(sum) && std::isnan(part[0]));
          wrong += !same(greatest[r], g) + !same(least[r], l);
        }
        CHECK(wrong == 0);
      }
    }
}

TEST_CASE_TEMPLATE("sums of numbers at several places, in order", T, float, std::int32_t) {
  constexpr bool integer = std::is_integral_v<T>;
  const auto fill = [](Random& random, Exact<T>& t) {
    if constexpr (integer)
      random.fill(t.data(), t.size(), -1000, 1000);
    else
      random.fill(t.data(), t.size(), -2, 2);
  };
  Random random(62);
  for (std::int64_t width : sizes)
    for (int round = 0; round < 4; ++round) {
      ShiftedSums<T> s;
      s.width = width;
      s.part_width = random.between(0, width);
      s.cells = random.between(1, 11);
      s.step = width + random.between(0, 5);
      s.whole = random.between(0, 3);
      s.parts = random.between(0, 3);
      s.low = integer ? 0 : round % 2 ? T(-2) : T(-inf);
      s.high = integer ? 0 : round % 2 ? T(3) : T(inf);
      constexpr std::int64_t beyond = 16;
      Exact<T> init(round_up(width, beyond), 4);
      fill(random, init);
      s.init = init.data();
      std::vector<Exact<T>> memory;
      std::vector<const T*> terms;
      for (std::int64_t t = 0; t < s.whole + s.parts; ++t) {
        const bool whole = t < s.whole;
        memory.emplace_back((s.cells - 1) * s.step + (whole ? round_up(width, beyond) : s.part_width), 8);
        fill(random, memory.back());
        terms.push_back(memory.back().data());
      }
      s.terms = terms.data();
      for (Isa isa : available_isas()) {
        Guarded<T> out((s.cells - 1) * width + round_up(width, beyond), 4);
        s.out = out.data();
        if constexpr (integer)
          kernels(isa).shifted_sums_i32(s);
        else
          kernels(isa).shifted_sums_f32(s);
        int wrong = !out.intact();
        for (std::int64_t c = 0; c < s.cells; ++c)
          for (std::int64_t j = 0; j < width; ++j) {
            T e = init[j];
            for (std::size_t t = 0; t < terms.size(); ++t)
              if (static_cast<std::int64_t>(t) < s.whole || j < s.part_width) e += memory[t][c * s.step + j];
            const T limited = integer ? e : clamped(e, s.low, s.high), got = out[c * width + j];
            wrong += std::memcmp(&got, &limited, sizeof got) != 0;
          }
        CHECK(wrong == 0);
      }
    }
}
