#include <octet/operators/all.hpp>
#include <octet/operators/arithmetic/code_lines.hpp>

#include "support/binary_codes.hpp"
#include "support/layer.hpp"
#include "support/random.hpp"

// Sums and products of bytes where one tensor is repeated: they are computed as lines (CodeLines), with the bits of the
// formula. run_layer compares instruction sets.

using namespace testing;

namespace {

/// Parameters of two tensors and their sum or product, whose codes cover most of the range.
struct Params {
  QuantParams a, b, y;
  Params(Random& random, BinaryKind kind) {
    const auto zero = [&] { return static_cast<std::int32_t>(random.chance(30) ? 0 : random.between(0, 255)); };
    // Some are multiples of each other, so that many results are in the middle of two codes.
    const bool ties = random.chance(25);
    const auto scale = [&] { return ties ? 0.125f * static_cast<float>(random.between(1, 4)) : random.real(0.01f, 1); };
    const float sa = scale(), sb = scale();
    const float least = kind == BinaryKind::mul ? sa * sb * 16 : std::min(sa, sb) / 2;
    a = {sa, zero()};
    b = {sb, zero()};
    y = {ties ? least : least * random.real(1, 8), zero()};
  }
};

Tensor<std::uint8_t> codes_in_order(const Shape& shape, std::int64_t first_step) {
  Tensor<std::uint8_t> t(shape);
  for (std::int64_t i = 0; i < t.size(); ++i) t[i] = static_cast<std::uint8_t>(i / first_step);
  return t;
}

/// How many results of a (rows of b's size) and b differ from the formula.
int wrong_codes(BinaryKind kind, const Params& p, bool swapped, Rounding rounding, const Tensor<std::uint8_t>& a,
                const Tensor<std::uint8_t>& b) {
  std::vector<Operand> operands{{a, p.a}, {b, p.b}};
  if (swapped) std::swap(operands[0], operands[1]);
  const AnyTensor y = run_layer(Binary(kind), operands, {p.y}, rounding)[0];
  const View<const std::uint8_t> found = y.view<std::uint8_t>();
  const bool centered = rounding == Rounding::fp32_centered;
  int wrong = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const std::uint8_t x = a[i], z = b[i % b.size()];
    wrong += found[i] != (swapped ? binary_code(kind, centered, z, p.b, x, p.a, p.y)
                                  : binary_code(kind, centered, x, p.a, z, p.b, p.y));
  }
  return wrong;
}

}  // namespace

TEST_CASE("bytes: sums, differences and products of all pairs of codes, one tensor repeated") {
  Random random(11);
  const Tensor<std::uint8_t> rows = codes_in_order({256, 256}, 256), one_row = codes_in_order({256}, 1);
  for (int round = 0; round < 12; ++round)
    for (BinaryKind kind : {BinaryKind::add, BinaryKind::sub, BinaryKind::mul})
      for (const bool swapped : {false, true}) {
        const Params p(random, kind);
        const Rounding rounding = round % 3 == 2 ? Rounding::fp32_centered : Rounding::fp32;
        CHECK(wrong_codes(kind, p, swapped, rounding, rows, one_row) == 0);
      }
}

TEST_CASE("bytes: repeated runs of any length, and single elements") {
  Random random(12);
  for (const std::int64_t channels : {1, 3, 17, 24, 64, 100, 999, 4100})
    for (BinaryKind kind : {BinaryKind::add, BinaryKind::sub, BinaryKind::mul})
      for (const bool swapped : {false, true}) {
        const Params p(random, kind);
        Tensor<std::uint8_t> a(Shape{std::max<std::int64_t>(19, 9001 / channels), channels}), b(Shape{channels});
        random.fill(a.data(), a.size(), 0, 255);
        random.fill(b.data(), b.size(), 0, 255);
        CHECK(wrong_codes(kind, p, swapped, Rounding::fp32, a, b) == 0);
      }
}

TEST_CASE("bytes: one element for each run") {
  Random random(13);
  for (const std::int64_t length : {1, 2, 15, 64, 100, 4095, 4097})
    for (BinaryKind kind : {BinaryKind::add, BinaryKind::sub, BinaryKind::mul})
      for (const bool swapped : {false, true})
        for (const Rounding rounding : {Rounding::fp32, Rounding::tflite_double}) {
          const Params p(random, kind);
          const Shape shape{2, std::max<std::int64_t>(3, 9001 / length), length};
          Tensor<std::uint8_t> a(shape), b(Shape{2, shape[1], 1}), repeated(shape);
          random.fill(a.data(), a.size(), 0, 255);
          random.fill(b.data(), b.size(), 0, 255);
          for (std::int64_t i = 0; i < a.size(); ++i) repeated[i] = b[i / length];
          const auto run = [&](const Tensor<std::uint8_t>& other) {
            std::vector<Operand> operands{{a, p.a}, {other, p.b}};
            if (swapped) std::swap(operands[0], operands[1]);
            return run_layer(Binary(kind), operands, {p.y}, rounding)[0];
          };
          CHECK(same_bytes(run(b), run(repeated)));
        }
}

TEST_CASE("bytes: lines are found for almost all codes") {
  using octet::detail::byte_kernels;
  Random random(13);
  int layers = 0, complete = 0;
  for (int round = 0; round < 100; ++round) {
    const float scale = random.real(0.001f, 0.02f);
    const int zero_a = static_cast<int>(random.between(0, 255)), zero_b = static_cast<int>(random.between(0, 255));
    const auto shift = static_cast<float>(random.between(0, 255));
    const octet::detail::CodeLines lines(
        byte_kernels(), {},
        [&](int q) {
          const double factor = (q - zero_b) * static_cast<double>(scale);
          return std::pair(factor, static_cast<double>(shift) - zero_a * factor);
        },
        [&](const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* out) {
          octet::detail::MulU8 p;
          p.a = a;
          p.b = b;
          p.out = out;
          p.count = 256;
          p.scale = scale;
          p.shift = shift;
          p.zero_a = zero_a;
          p.zero_b = zero_b;
          byte_kernels().mul(p);
        });
    ++layers;
    complete += lines.found() == 256;
  }
  CHECK(complete >= 95 * layers / 100);
}

TEST_CASE("bytes: products where it matters whether they are rounded before the zero point is added") {
  using octet::detail::rounded;
  Random random(14);
  const Tensor<std::uint8_t> a = codes_in_order({1 << 16}, 256), b = codes_in_order({1 << 16}, 1);
  int different = 0;
  for (int round = 0; round < 2000 && different < 5; ++round) {
    const auto zero = [&] { return static_cast<std::int32_t>(random.between(0, 255)); };
    Params p(random, BinaryKind::mul);
    p.a = {random.real(0.1f, 0.2f), zero()};
    p.b = {random.real(0.1f, 0.2f), zero()};
    p.y = {random.real(2, 4), zero()};
    const float scale = rounded(p.a.scale[0] * p.b.scale[0]) / p.y.scale[0];
    const auto zero_point = static_cast<float>(p.y.zero_point[0]);
    bool differs = false;
    for (std::int64_t i = 0; i < a.size(); ++i) {
      const auto product = static_cast<float>((a[i] - p.a.zero_point[0]) * (b[i] - p.b.zero_point[0]));
      const float once = std::fma(product, scale, zero_point), twice = rounded(product * scale) + zero_point;
      differs |= once > 0 && once < 255 && std::nearbyint(once) != std::nearbyint(twice);
    }
    if (!differs) continue;
    ++different;
    CHECK(wrong_codes(BinaryKind::mul, p, false, Rounding::fp32, a, b) == 0);
  }
  CHECK(different == 5);
}
