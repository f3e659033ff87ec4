#include <doctest/doctest.h>

#include "support/epilogue.hpp"
#include "support/isas.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

constexpr std::int64_t sizes[] = {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130};

// Pixels of a window, each in a buffer of exactly its size.
template <class T>
struct Pixels {
  std::vector<Exact<T>> memory;
  std::vector<const std::byte*> pointers;
  PoolWindow window;
  Pixels(std::int64_t count, std::int64_t channels, Random& random, std::int64_t low, std::int64_t high) {
    for (std::int64_t i = 0; i < count; ++i) {
      memory.emplace_back(channels, sizeof(T));
      if constexpr (std::is_same_v<T, float>)
        random.fill(memory.back().data(), channels, static_cast<float>(low), static_cast<float>(high));
      else
        random.fill(memory.back().data(), channels, low, high);
      pointers.push_back(memory.back().bytes());
    }
    window.pixels = pointers.data();
    window.count = count;
    window.channels = channels;
  }
};

// Runs on every instruction set and compares each channel's bits with expected(channel).
template <class Out, class Run, class Expected>
int wrong(std::int64_t channels, Run run, Expected expected) {
  int n = 0;
  for (Isa isa : available_isas()) {
    Guarded<Out> out(channels, sizeof(Out));
    run(kernels(isa), out.data());
    n += !out.intact();
    for (std::int64_t c = 0; c < channels; ++c) {
      const Out got = out[c], e = expected(c);
      n += std::memcmp(&got, &e, sizeof e) != 0 && !(got != got && e != e);
    }
  }
  return n;
}

}  // namespace

TEST_CASE("pooling of uint8: maxima and sums") {
  Random random(30);
  for (std::int64_t channels : sizes)
    for (std::int64_t count : {1, 2, 3, 4, 9, 49, 257, 600}) {
      const Pixels<std::uint8_t> p(count, channels, random, random.chance(20) ? 255 : 0, 255);
      CHECK(wrong<std::uint8_t>(
                channels, [&](const Kernels& k, std::uint8_t* out) { k.max_u8(p.window, out); },
                [&](std::int64_t c) {
                  std::uint8_t m = 0;
                  for (const auto& pixel : p.memory) m = std::max(m, pixel[c]);
                  return m;
                }) == 0);
      CHECK(wrong<std::int32_t>(
                channels, [&](const Kernels& k, std::int32_t* out) { k.sum_u8(p.window, out); },
                [&](std::int64_t c) {
                  std::int32_t s = 0;
                  for (const auto& pixel : p.memory) s += pixel[c];
                  return s;
                }) == 0);
    }
}

TEST_CASE("pooling of floats: maxima and minima, which propagate NaN, and scaled sums in order") {
  Random random(31);
  for (std::int64_t channels : sizes)
    for (std::int64_t count : {1, 2, 3, 4, 9, 49}) {
      Pixels<float> p(count, channels, random, -5, 5);
      if (random.chance(50))
        p.memory[static_cast<std::size_t>(random.between(0, count - 1))].set(random.between(0, channels - 1),
                                                                             std::numeric_limits<float>::quiet_NaN());
      const float factor = 1.0f / static_cast<float>(count);
      CHECK(wrong<float>(
                channels, [&](const Kernels& k, float* out) { k.max_f32(p.window, out); },
                [&](std::int64_t c) {
                  float m = p.memory[0][c];
                  for (const auto& pixel : p.memory) m = pixel[c] > m || pixel[c] != pixel[c] ? pixel[c] : m;
                  return m;
                }) == 0);
      CHECK(wrong<float>(
                channels, [&](const Kernels& k, float* out) { k.min_f32(p.window, out); },
                [&](std::int64_t c) {
                  float m = p.memory[0][c];
                  for (const auto& pixel : p.memory) m = pixel[c] < m || pixel[c] != pixel[c] ? pixel[c] : m;
                  return m;
                }) == 0);
      CHECK(wrong<float>(
                channels, [&](const Kernels& k, float* out) { k.sum_f32(p.window, factor, out); },
                [&](std::int64_t c) {
                  float s = 0;
                  for (const auto& pixel : p.memory) s += pixel[c];
                  return s * factor;
                }) == 0);
    }
}
