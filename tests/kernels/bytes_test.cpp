#include <doctest/doctest.h>

#include <octet/kernels/bytes.hpp>

#include "support/byte_kernels.hpp"
#include "support/epilogue.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

TEST_CASE("lookup: every code, in place") {
  Random random(1);
  std::uint8_t table[256];
  random.fill(table, 256, 0, 255);
  for (std::int64_t n : byte_counts) {
    const Exact<std::uint8_t> in = random_bytes(random, n, 3);
    LookupU8 p;
    p.table = table;
    p.count = n;
    CHECK(wrong_bytes(
              n,
              [&](const ByteKernels& k, std::uint8_t* out) {
                LookupU8 own = p;
                own.in = in.data();
                own.out = out;
                k.lookup(own);
              },
              [&](std::int64_t i) { return table[in[i]]; }) == 0);
    for (Isa isa : available_isas()) {
      Exact<std::uint8_t> same(n);
      std::copy_n(in.data(), n, same.data());
      byte_kernels(isa).lookup({table, same.data(), same.data(), n});
      for (std::int64_t i = 0; i < n; ++i) CHECK(same[i] == table[in[i]]);
    }
  }
  std::uint8_t all[256], found[256];
  for (int q = 0; q < 256; ++q) all[q] = static_cast<std::uint8_t>(q);
  for (Isa isa : available_isas()) {
    byte_kernels(isa).lookup({table, all, found, 256});
    CHECK(std::equal(found, found + 256, table));
  }
}

TEST_CASE("PReLU: a slope for each element") {
  Random random(3);
  for (std::int64_t n : byte_counts)
    for (int round = 0; round < 10; ++round) {
      const Exact<std::uint8_t> in = random_bytes(random, n, 1);
      Exact<float> slopes(n, 4);
      random.fill(slopes.data(), n, -2, 2);
      if (n) slopes.set(0, 0);
      PReluU8 p;
      p.in = in.data();
      p.count = n;
      p.negative = slopes.data();
      p.positive = round % 3 == 0 ? 0.5f : random.real(0.1f, 3);
      p.zero_in = byte(random);
      p.zero_point = byte(random);
      CHECK(wrong_bytes(
                n,
                [&](const ByteKernels& k, std::uint8_t* out) {
                  PReluU8 own = p;
                  own.out = out;
                  k.prelu(own);
                },
                [&](std::int64_t i) {
                  const std::int32_t x = in[i] - p.zero_in;
                  const float v = static_cast<float>(x) * (x < 0 ? slopes[i] : p.positive);
                  return clamped(std::int64_t{rounded(v)} + p.zero_point, 0, 255);
                }) == 0);
    }
}

TEST_CASE("blend: bytes to floats, and back with the rounding of exact sums") {
  Random random(4);
  for (std::int64_t n : byte_counts)
    for (int round = 0; round < 30; ++round) {
      // Weights and sums are multiples of 2^-15; those of some rounds of 2^-2, where many results are ties.
      const bool ties = round % 3 == 0;
      const auto weight = [&] {
        return static_cast<float>(ties ? random.between(0, 4) * 8192 : random.between(0, 32768)) / 32768;
      };
      const float first = weight(), second = weight();
      const Exact<std::uint8_t> a = random_bytes(random, n, 1), b = random_bytes(random, n, 2);
      Exact<float> fa(n, 4), fb(n, 8);
      for (std::int64_t i = 0; i < n; ++i) {
        fa.set(i, static_cast<float>(a[i]) * first + static_cast<float>(b[i]) * (1 - first));
        fb.set(i, static_cast<float>(b[i]) * first + static_cast<float>(a[i]) * (1 - first));
        // Exactly, or almost, a tie.
        if (!ties && round % 3 == 1) fa.set(i, fb[i] + (random.chance(50) ? 0.0f : 1.0f / 32768));
      }
      int wrong = 0;
      for (Isa isa : available_isas()) {
        Guarded<float> out(n, 4);
        BlendRows r;
        r.a = a.data();
        r.b = b.data();
        r.out_f32 = out.data();
        r.count = n;
        r.weight_a = first;
        r.weight_b = 1 - first;
        byte_kernels(isa).blend(r);
        wrong += !out.intact();
        for (std::int64_t i = 0; i < n; ++i)
          wrong += out[i] != static_cast<float>(a[i]) * first + static_cast<float>(b[i]) * (1 - first);
      }
      CHECK(wrong == 0);
      CHECK(wrong_bytes(
                n,
                [&](const ByteKernels& k, std::uint8_t* out) {
                  BlendRows r;
                  r.a_f32 = fa.data();
                  r.b_f32 = fb.data();
                  r.out = out;
                  r.count = n;
                  r.weight_a = second;
                  r.weight_b = 1 - second;
                  r.exact = ties;
                  k.blend(r);
                },
                [&](std::int64_t i) {  // exact in double
                  const double v = static_cast<double>(fa[i]) * static_cast<double>(second) +
                                   static_cast<double>(fb[i]) * static_cast<double>(1 - second);
                  return static_cast<int>(std::min(std::nearbyint(v), 255.0));
                }) == 0);
    }
}

TEST_CASE("blend: sums that float would round to a tie") {
  // 2.5 +- 2^-24 and similar: next to the middle of two integers by less than the distance of floats.
  for (Isa isa : available_isas())
    for (int whole : {0, 1, 100, 254}) {
      constexpr std::int64_t n = 40;
      Exact<float> a(n), b(n);
      std::vector<int> expected;
      const float weight = 16385.0f / 32768;  // a half and 2^-15
      for (std::int64_t i = 0; i < n; ++i) {
        const float middle = static_cast<float>(whole) + 0.5f;
        a.set(i, middle + static_cast<float>(i % 5 - 2) / 32768);
        b.set(i, middle - static_cast<float>(i % 5 - 2) / 32768);
        const double v = static_cast<double>(a[i]) * static_cast<double>(weight) +
                         static_cast<double>(b[i]) * (1 - static_cast<double>(weight));
        expected.push_back(static_cast<int>(std::nearbyint(v)));
      }
      Guarded<std::uint8_t> out(n);
      BlendRows r;
      r.a_f32 = a.data();
      r.b_f32 = b.data();
      r.out = out.data();
      r.count = n;
      r.weight_a = weight;
      r.weight_b = 1 - weight;
      r.exact = false;
      byte_kernels(isa).blend(r);
      for (std::int64_t i = 0; i < n; ++i) CHECK(out[i] == expected[static_cast<std::size_t>(i)]);
    }
}

TEST_CASE("mean: of sums, and of pixels") {
  Random random(5);
  for (std::int64_t n : byte_counts)
    for (std::int64_t pixels : {1, 4, 25, 257, 258}) {  // sums of 257 fit 16 bits
      std::vector<Exact<std::uint8_t>> all;
      std::vector<const std::byte*> list;
      for (std::int64_t p = 0; p < pixels; ++p) all.push_back(random_bytes(random, n, 1));
      for (const auto& x : all) list.push_back(x.bytes());
      if (pixels > 256)
        for (const auto& x : all) std::memset(x.bytes(), 255, static_cast<std::size_t>(n));
      Exact<std::int32_t> sums(n);
      for (std::int64_t i = 0; i < n; ++i) {
        std::int32_t sum = 0;
        for (const auto& x : all) sum += x[i];
        sums.set(i, sum);
      }
      MeanU8 m;
      m.count = n;
      m.zero_sum = static_cast<std::int32_t>(pixels * random.between(0, 255));
      m.factor = pixels == 4 ? 0.25f : random.real(0.1f, 2) / static_cast<float>(pixels);
      m.zero_point = byte(random);
      const auto expected = [&](std::int64_t i) {
        return clamped(std::int64_t{rounded(static_cast<float>(sums[i] - m.zero_sum) * m.factor)} + m.zero_point, 0,
                       255);
      };
      for (const bool given : {false, true})
        CHECK(wrong_bytes(
                  n,
                  [&](const ByteKernels& k, std::uint8_t* out) {
                    MeanU8 own = m;
                    own.out = out;
                    if (given)
                      own.sums = sums.data();
                    else
                      own.pixels = list.data();
                    own.pixel_count = pixels;
                    k.mean(own);
                  },
                  expected) == 0);
    }
}

TEST_CASE("round half up: ties, limits, any zero point") {
  Random random(8);
  for (std::int64_t n : byte_counts)
    for (int round = 0; round < 6; ++round) {
      Exact<float> in(n, 4);
      for (std::int64_t i = 0; i < n; ++i) {
        const float ties = static_cast<float>(random.between(-3, 600)) * 0.5f;
        in.set(i, round == 0 ? ties : round == 1 ? std::nextafter(ties, i % 2 ? 0.0f : 1e3f) : random.real(0, 300));
      }
      RoundHalfUpU8 p;
      p.factor = round < 2 ? 1 : round == 2 ? 1e30f : random.real(0.01f, 2);
      p.zero_point = round < 3 ? 0 : byte(random);
      p.count = n;
      CHECK(wrong_bytes(
                n,
                [&](const ByteKernels& k, std::uint8_t* out) {
                  RoundHalfUpU8 own = p;
                  own.in = in.data();
                  own.out = out;
                  k.round_half_up(own);
                },
                [&](std::int64_t i) {
                  const double x = std::clamp<double>(in[i] * p.factor, 0, 512);
                  return clamped(static_cast<std::int64_t>(std::floor(x + 0.5)) + p.zero_point, 0, 255);
                }) == 0);
    }
}

TEST_CASE("requantize: also in place") {
  Random random(6);
  for (std::int64_t n : byte_counts)
    for (int round = 0; round < 10; ++round) {
      RequantizeU8 p;
      p.scale = round == 0 ? 0.5f : round == 1 ? 1e6f : random.real(0.01f, 3);
      p.zero_in = round == 2 ? 0 : byte(random);
      p.zero_point = byte(random);
      p.count = n;
      const Exact<std::uint8_t> in = random_bytes(random, n, 1);
      const auto expected = [&](std::int64_t i) {
        return clamped(std::int64_t{rounded(static_cast<float>(in[i] - p.zero_in) * p.scale)} + p.zero_point, 0, 255);
      };
      for (const bool in_place : {false, true})
        CHECK(wrong_bytes(
                  n,
                  [&](const ByteKernels& k, std::uint8_t* out) {
                    if (in_place) std::copy_n(in.data(), n, out);
                    RequantizeU8 own = p;
                    own.in = in_place ? out : in.data();
                    own.out = out;
                    k.requantize(own);
                  },
                  expected) == 0);
    }
}

TEST_CASE("every_second: bytes and floats") {
  Random random(7);
  for (std::int64_t n : byte_counts)
    for (const std::int64_t element : {1, 4}) {
      const Exact<std::uint8_t> in = random_bytes(random, std::max<std::int64_t>(0, 2 * n - 1) * element, 1);
      CHECK(wrong_bytes(
                n * element,
                [&](const ByteKernels& k, std::uint8_t* out) {
                  k.every_second(in.bytes(), reinterpret_cast<std::byte*>(out), n, element);
                },
                [&](std::int64_t i) { return in[i / element * 2 * element + i % element]; }) == 0);
    }
}

TEST_CASE("transpose: matrices of bytes and floats") {
  Random random(7);
  for (const std::int64_t element : {1, 4})
    for (const std::int64_t rows : {1, 3, 4, 15, 16, 17, 33})
      for (const std::int64_t columns : {1, 4, 15, 16, 17, 31, 63, 64, 65, 130}) {
        const std::int64_t in_step = (columns + 1) * element;
        const Exact<std::uint8_t> in = random_bytes(random, (rows - 1) * in_step + columns * element, 1);
        CHECK(wrong_bytes(
                  rows * columns * element,
                  [&](const ByteKernels& k, std::uint8_t* out) {
                    k.transpose({in.bytes(), reinterpret_cast<std::byte*>(out), in_step, rows * element, rows, columns,
                                 element});
                  },
                  [&](std::int64_t i) {
                    return in[i / element % rows * in_step + i / element / rows * element + i % element];
                  }) == 0);
      }
}

TEST_CASE("merge_planes: elements of two to four planes") {
  Random random(7);
  for (std::int64_t n : byte_counts)
    for (const std::int64_t element : {1, 4})
      for (const std::int64_t planes : {2, 3, 4}) {
        const std::int64_t step = (n + 3) * element;
        const Exact<std::uint8_t> in = random_bytes(random, (planes - 1) * step + n * element, 1);
        CHECK(wrong_bytes(
                  planes * n * element,
                  [&](const ByteKernels& k, std::uint8_t* out) {
                    k.merge_planes(in.bytes(), step, reinterpret_cast<std::byte*>(out), n, planes, element);
                  },
                  [&](std::int64_t i) {
                    return in[i / element % planes * step + i / element / planes * element + i % element];
                  }) == 0);
      }
}
