#include <doctest/doctest.h>

#include <octet/kernels/bytes.hpp>

#include "support/epilogue.hpp"
#include "support/isas.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

constexpr std::int64_t sizes[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300};
constexpr float inf = std::numeric_limits<float>::infinity(), not_a_number = std::numeric_limits<float>::quiet_NaN();

// Reference: divide or multiply, round half to even (tflite: away from zero), clamp.
std::uint8_t quantized(const QuantizeF32& q, float x) {
  if (q.tflite) {
    const float v = std::round(octet::detail::rounded(x * q.inverse) + static_cast<float>(q.zero_point - 128));
    return std::isnan(v) ? 0 : static_cast<std::uint8_t>(clamped(v, -128.0f, 127.0f) + 128);
  }
  const float v = clamped(q.inverse != 0 ? x * q.inverse : x / q.scale, -1e9f, 1e9f);
  return static_cast<std::uint8_t>(clamped(std::int64_t{rounded(v)} + q.zero_point, q.low, q.high) ^ q.flip);
}

int wrong_quantized(const QuantizeF32& params, const Exact<float>& in) {
  int wrong = 0;
  for (Isa isa : available_isas()) {
    Guarded<std::uint8_t> out(in.size(), 1);
    QuantizeF32 q = params;
    q.in = in.data();
    q.out = out.data();
    q.count = in.size();
    kernels(isa).quantize_f32(q);
    wrong += !out.intact();
    for (std::int64_t i = 0; i < in.size(); ++i) wrong += out[i] != quantized(q, in[i]);
  }
  return wrong;
}

// Calls run(kernels, out) on every instruction set and compares the bits with expected(i), except NaN payloads.
template <class Run, class Expected>
int wrong_floats(std::int64_t n, Run run, Expected expected) {
  int wrong = 0;
  for (Isa isa : available_isas()) {
    Guarded<float> out(n, 4);
    run(kernels(isa), out.data());
    wrong += !out.intact();
    for (std::int64_t i = 0; i < n; ++i) {
      const float e = expected(i), got = out[i];
      wrong += bits_of(got) != bits_of(e) && !(std::isnan(got) && std::isnan(e));
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("quantize: sizes, ranges, flips") {
  Random random(20);
  for (std::int64_t n : sizes)
    for (int i = 0; i < 20; ++i) {
      QuantizeF32 q;
      q.scale = random.real(0.01f, 2) * std::ldexp(1.0f, static_cast<int>(random.between(-30, 30)));
      q.zero_point = static_cast<std::int32_t>(random.between(0, 255));
      q.flip = random.chance(50) ? 0x80 : 0;
      q.low = static_cast<std::int32_t>(random.between(0, 20));
      q.high = static_cast<std::int32_t>(random.between(200, 255));
      Exact<float> in(n, 4 * static_cast<std::size_t>(random.between(0, 3)));
      random.fill(in.data(), n, -300 * q.scale, 300 * q.scale);
      CHECK(wrong_quantized(q, in) == 0);
      q.inverse = 1 / q.scale;
      CHECK(wrong_quantized(q, in) == 0);
      QuantizeF32 tflite;
      tflite.zero_point = q.zero_point;
      tflite.inverse = q.inverse;
      tflite.tflite = true;
      CHECK(wrong_quantized(tflite, in) == 0);
    }
}

TEST_CASE("quantize: ties, their neighbours, NaN and infinities") {
  Random random(21);
  std::vector<float> scales{1.0f, 0x1.000002p0f, 0x1.fffffep0f, 0x1.fffffep-101f, 0x1p-100f, 0x1p100f, 0x1.000002p100f};
  while (scales.size() < 100)
    scales.push_back(float_of(static_cast<std::uint32_t>(random.between(0x30000000, 0x48000000))));
  for (std::size_t i = 0; i < 5 * scales.size(); ++i) {
    QuantizeF32 q;
    q.scale = scales[i / 5];
    const int away = static_cast<int>(i % 5) - 2;  // units in the last place
    q.zero_point = static_cast<std::int32_t>(random.between(0, 255));
    Exact<float> in(517);
    for (std::int64_t k = 0; k < 517; ++k) {
      float x = (static_cast<float>(k - 258) + 0.5f) * q.scale;
      for (int step = 0; step < std::abs(away); ++step) x = std::nextafter(x, away < 0 ? -inf : inf);
      in.set(k, x);
    }
    // A NaN must not change the results of its neighbours.
    if (i % 2) in.set(random.between(0, 516), not_a_number);
    CHECK(wrong_quantized(q, in) == 0);
    q.inverse = 1 / q.scale;
    CHECK(wrong_quantized(q, in) == 0);
    q.tflite = true;
    CHECK(wrong_quantized(q, in) == 0);
  }
  for (float scale : {1.0f, std::numeric_limits<float>::min(), std::numeric_limits<float>::denorm_min(), 1e-39f,
                      std::numeric_limits<float>::max(), 3e38f, not_a_number}) {
    QuantizeF32 q;
    q.scale = scale;
    q.zero_point = 100;
    Exact<float> in(80);
    random.fill(in.data(), 80, -4, 4);
    const float odd[] = {
        0.0f, -0.0f, inf, -inf, not_a_number, 1e38f, -1e38f, std::numeric_limits<float>::denorm_min(), 1e-38f, 1e-44f};
    for (std::int64_t k = 0; k < 70; k += 7) in.set(k, odd[k / 7]);
    for (std::int64_t k = 1; k < 70; k += 7) in.set(k, static_cast<float>(k) * scale);
    CAPTURE(scale);
    CHECK(wrong_quantized(q, in) == 0);
  }
}

TEST_CASE("dequantize: every value") {
  Random random(22);
  for (std::int64_t n : sizes) {
    Exact<std::uint8_t> in(n, 3);
    random.fill(in.data(), n, 0, 255);
    const float scale = random.real(0.001f, 3);
    const auto zero = static_cast<std::int32_t>(random.between(0, 255));
    CHECK(wrong_floats(
              n, [&](const Kernels& k, float* out) { k.dequantize_u8(in.data(), out, n, scale, zero); },
              [&](std::int64_t i) { return static_cast<float>(in[i] - zero) * scale; }) == 0);
  }
}

TEST_CASE("minmax: the range, or NaN if an element is not finite") {
  Random random(23);
  const auto range = [](const Kernels& k, const Exact<float>& in) {
    std::array<float, 2> r;
    k.minmax_f32(in.data(), in.size(), r.data());
    return r;
  };
  for (Isa isa : available_isas()) {
    const Kernels& k = kernels(isa);
    CHECK(range(k, Exact<float>(0)) == std::array<float, 2>{inf, -inf});
    for (std::int64_t n : sizes)
      for (int round = 0; round < 10 && n > 0; ++round) {
        Exact<float> in(n, 4);
        const float offset = random.real(-3, 3);
        random.fill(in.data(), n, offset - 1, offset + 1);
        const auto expected = std::minmax_element(in.data(), in.data() + n);
        CHECK(range(k, in)[0] == *expected.first);
        CHECK(range(k, in)[1] == *expected.second);
        in.set(random.between(0, n - 1), round % 3 == 0 ? not_a_number : round % 3 == 1 ? inf : -inf);
        CHECK(std::isnan(range(k, in)[0]));
        CHECK(std::isnan(range(k, in)[1]));
      }
  }
}

TEST_CASE("dynamic quantization of a row: close to every element, the same bits on every instruction set") {
  Random random(29);
  for (std::int64_t n : sizes)
    for (int round = 0; round < 12 && n > 0; ++round) {
      Exact<float> in(n, 4);
      const float offset = random.real(-2, 2), size = std::ldexp(1.0f, static_cast<int>(random.between(-30, 30)));
      random.fill(in.data(), n, (offset - 1) * size, (offset + 1) * size);
      float first_scale = 0, first_shift = 0;
      std::vector<std::uint8_t> first(static_cast<std::size_t>(n));
      for (Isa isa : available_isas()) {
        CAPTURE(name(isa));
        Guarded<std::uint8_t> out(n, 1);
        float scale = 0, shift = 0;
        kernels(isa).quantize_row(in.data(), n, out.data(), &scale, &shift);
        CHECK(out.intact());
        if (isa == Isa::scalar) {
          first_scale = scale;
          first_shift = shift;
          for (std::int64_t i = 0; i < n; ++i) first[static_cast<std::size_t>(i)] = out[i];
          for (std::int64_t i = 0; i < n; ++i)
            CHECK(std::abs(static_cast<double>((out[i] + shift) * scale - in[i])) <=
                  1.001 * static_cast<double>(scale));
          CHECK(scale * 255 <= 6.001f * size);
        }
        CHECK(scale == first_scale);
        CHECK(shift == first_shift);
        for (std::int64_t i = 0; i < n; ++i) CHECK(out[i] == first[static_cast<std::size_t>(i)]);
      }
    }
}

TEST_CASE("dynamic quantization of a row: zeros, NaN and infinities") {
  for (Isa isa : available_isas())
    for (float x : {0.0f, 1e-42f, inf, -inf, not_a_number}) {
      CAPTURE(name(isa));
      CAPTURE(x);
      Exact<float> in(20, 4);
      for (std::int64_t i = 0; i < 20; ++i) in.set(i, i == 7 ? x : 0.0f);
      Guarded<std::uint8_t> out(20, 1);
      float scale = 0, shift = 0;
      kernels(isa).quantize_row(in.data(), 20, out.data(), &scale, &shift);
      const float back = (out[7] + shift) * scale;
      CHECK(std::isnan(scale) != std::isfinite(x));
      if (std::isfinite(x)) CHECK(back == 0);
    }
}

TEST_CASE("add of uint8: each input with its own scale") {
  Random random(24);
  for (std::int64_t n : sizes)
    for (int round = 0; round < 30; ++round) {
      Exact<std::uint8_t> a(n, 1), b(n, 2);
      random.fill(a.data(), n, 0, 255);
      random.fill(b.data(), n, 0, 255);
      if (round % 7 == 0 && n) {
        std::memset(a.bytes(), 255, static_cast<std::size_t>(n));
        std::memset(b.bytes(), 0, static_cast<std::size_t>(n));
      }
      AddU8 p;
      p.scale_a = random.real(0.01f, 3);
      p.scale_b = random.real(-3, 3);
      if (round % 5 == 0) p.scale_a = p.scale_b = 0.5f;  // ties
      p.zero_a = static_cast<std::int32_t>(random.between(0, 255));
      p.zero_b = static_cast<std::int32_t>(random.between(0, 255));
      p.zero_point = static_cast<std::int32_t>(random.between(0, 255));
      if (round % 2 == 0) {
        p.shift = random.real(-300, 300);
        p.zero_point = 0;
      }
      p.low = static_cast<std::int32_t>(random.between(0, 30));
      p.high = static_cast<std::int32_t>(random.between(200, 255));
      if (round % 4 == 0) {
        p.low = 0;
        p.high = 255;
      }
      p.a = a.data();
      p.b = b.data();
      p.count = n;
      int wrong = 0;
      for (Isa isa : available_isas()) {
        Guarded<std::uint8_t> out(n, 1);
        p.out = out.data();
        byte_kernels(isa).add(p);
        wrong += !out.intact();
        for (std::int64_t i = 0; i < n; ++i) {
          const float v = std::fma(static_cast<float>(a[i] - p.zero_a), p.scale_a,
                                   std::fma(static_cast<float>(b[i] - p.zero_b), p.scale_b, p.shift));
          wrong += out[i] != clamped(std::int64_t{rounded(v)} + p.zero_point, p.low, p.high);
        }
      }
      CHECK(wrong == 0);
    }
}

TEST_CASE("affine of floats") {
  Random random(25);
  for (std::int64_t n : sizes)
    for (int round = 0; round < 10; ++round) {
      Exact<float> a(n, 4);
      random.fill(a.data(), n, -3, 3);
      if (n) a.set(random.between(0, n - 1), round % 2 ? not_a_number : -0.0f);
      const float low = random.chance(50) ? 0 : -inf, high = random.chance(50) ? 2 : inf;
      const float scale = random.real(-2, 2), shift = random.real(-2, 2);
      CHECK(wrong_floats(
                n, [&](const Kernels& k, float* out) { k.affine_f32(a.data(), out, n, scale, shift, low, high); },
                [&](std::int64_t i) { return clamped(std::fma(a[i], scale, shift), low, high); }) == 0);
    }
}
