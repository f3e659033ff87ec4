#include <octet/operators/all.hpp>
#include <octet/operators/resize/axis.hpp>

#include "support/binary_codes.hpp"
#include "support/layer.hpp"
#include "support/random.hpp"

// Layers of bytes that have faster ways than one element at a time, in sizes around those of vectors, compared with one
// element at a time. run_layer compares instruction sets.

using namespace testing;

namespace {

constexpr std::int64_t channel_counts[] = {1, 2, 3, 4, 5, 15, 16, 17, 33, 64};

Tensor<std::uint8_t> random_codes(const Shape& shape, std::uint64_t seed) {
  Tensor<std::uint8_t> t(shape);
  Random(seed).fill(t.data(), t.size(), 0, 255);
  return t;
}

/// The results for all pairs of codes, those of the first tensor in the outer loop.
std::vector<std::uint8_t> all_pairs(BinaryKind kind, const QuantParams& qa, const QuantParams& qb,
                                    const QuantParams& qy, Rounding rounding) {
  Tensor<std::uint8_t> a(Shape{1 << 16}), b(Shape{1 << 16});
  for (int i = 0; i < 1 << 16; ++i) {
    a[i] = static_cast<std::uint8_t>(i >> 8);
    b[i] = static_cast<std::uint8_t>(i & 255);
  }
  const AnyTensor y = run_layer(Binary(kind), {{a, qa}, {b, qb}}, {qy}, rounding)[0];
  const View<const std::uint8_t> codes = y.view<std::uint8_t>();
  return {codes.begin(), codes.end()};
}

}  // namespace

TEST_CASE("bytes: products and sums with one element per channel, and with one element") {
  const QuantParams qa{0.02f, 3}, qb{0.03f, 200}, qy{0.05f, 100};
  for (std::int64_t channels : channel_counts)
    for (const Shape& other : {Shape{channels}, Shape{1}, Shape{5, 7, channels}, Shape{5, 1, channels}, Shape{7, 1}})
      for (BinaryKind kind : {BinaryKind::mul, BinaryKind::add, BinaryKind::sub})
        for (const bool swapped : {false, true}) {
          CAPTURE(channels);
          CAPTURE(other);
          const Tensor<std::uint8_t> a = random_codes({5, 7, channels}, 1), b = random_codes(other, 2);
          std::vector<Operand> operands{{a, qa}, {b, qb}};
          if (swapped) std::swap(operands[0], operands[1]);
          const AnyTensor y = run_layer(Binary(kind), operands, {qy})[0];
          int wrong = 0;
          each_index(a.shape(), [&](const std::vector<std::int64_t>& i) {
            std::vector<std::int64_t> at(i.end() - other.rank(), i.end());
            for (std::size_t d = 0; d < at.size(); ++d)
              if (other[static_cast<int>(d)] == 1) at[d] = 0;
            const std::uint8_t x = a[flat(a.shape(), i)], z = b[flat(other, at)];
            wrong +=
                y.view<std::uint8_t>()[flat(a.shape(), i)] !=
                (swapped ? binary_code(kind, false, z, qb, x, qa, qy) : binary_code(kind, false, x, qa, z, qb, qy));
          });
          CHECK(wrong == 0);
        }
}

TEST_CASE("bytes: sums, differences and products of all pairs of codes") {
  const float sizes[][3] = {{0.1f, 0.1f, 0.2f}, {0.05f, 0.1f, 0.1f}, {0.03f, 0.04f, 0.05f}, {1.3f, 0.007f, 0.9f}};
  const int zeros[][3] = {{128, 128, 128}, {127, 3, 0}, {0, 255, 77}};
  for (const auto& s : sizes)
    for (const auto& z : zeros)
      for (BinaryKind kind : {BinaryKind::add, BinaryKind::sub, BinaryKind::mul})
        for (Rounding rounding : {Rounding::fp32, Rounding::fp32_centered}) {
          const QuantParams qa{s[0], z[0]}, qb{s[1], z[1]}, qy{kind == BinaryKind::mul ? s[2] * 16 : s[2], z[2]};
          const std::vector<std::uint8_t> y = all_pairs(kind, qa, qb, qy, rounding);
          int wrong = 0;
          for (std::size_t i = 0; i < y.size(); ++i)
            wrong += y[i] != binary_code(kind, rounding == Rounding::fp32_centered, static_cast<std::uint8_t>(i >> 8),
                                         qa, static_cast<std::uint8_t>(i & 255), qb, qy);
          CHECK(wrong == 0);
        }
}

TEST_CASE("bytes: sums and products of all pairs of codes are ONNX Runtime's") {
  struct Case {
    BinaryKind kind;
    QuantParams a, b, y;
    std::uint64_t hash;  // FNV-1a of ONNX Runtime's codes (1.30, x86: QLinearAdd, QLinearMul)
  };
  const Case cases[] = {
      {BinaryKind::add, {0.100000001f, 128}, {0.100000001f, 128}, {0.200000003f, 128}, 0xfb36ddc1d975c725u},
      {BinaryKind::mul, {0.100000001f, 128}, {0.100000001f, 128}, {0.640000045f, 128}, 0xebee229b02a29d3au},
      {BinaryKind::add, {0.100000001f, 127}, {0.100000001f, 3}, {0.200000003f, 0}, 0xd464dd40151fc91au},
      {BinaryKind::mul, {0.100000001f, 127}, {0.100000001f, 3}, {1.28000009f, 0}, 0xbbfa21c8d7ac566fu},
      {BinaryKind::add, {0.0500000007f, 10}, {0.100000001f, 200}, {0.100000001f, 77}, 0xba7fa6263b430ae5u},
      {BinaryKind::mul, {0.0500000007f, 10}, {0.100000001f, 200}, {0.960000038f, 77}, 0xf5b08681dc04a2c8u},
      {BinaryKind::add, {0.0299999993f, 1}, {0.0399999991f, 2}, {0.0799999982f, 3}, 0xe4facdc0a12e1625u},
      {BinaryKind::mul, {0.0299999993f, 1}, {0.0399999991f, 2}, {0.383999974f, 3}, 0x1f0f05223ba6b1f8u},
      {BinaryKind::add, {0.124536604f, 13}, {0.141192093f, 0}, {0.0229686722f, 12}, 0x11d51ba701f82c48u},
      {BinaryKind::mul, {0.124536604f, 13}, {0.141192093f, 0}, {5.17708731f, 12}, 0x691895d193763ea9u},
      {BinaryKind::add, {1.62968707f, 249}, {1.24751699f, 160}, {0.130292073f, 0}, 0x683eda2767fc8f85u},
      {BinaryKind::mul, {1.62968707f, 249}, {1.24751699f, 160}, {146.17128f, 0}, 0x901f08a71962c831u}};
  for (const Case& c : cases) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (std::uint8_t q : all_pairs(c.kind, c.a, c.b, c.y, Rounding::fp32)) hash = (hash ^ q) * 0x100000001b3u;
    CHECK(hash == c.hash);
  }
}

TEST_CASE("bytes: layers with weights multiply scales as floats, as ONNX Runtime and XNNPACK do") {
  const QuantParams qx{0.0173f, 3}, qy{0.771f, 0};
  // Sums next to the middles of two codes, as biases; the input is zero.
  std::vector<std::int32_t> sums;
  std::vector<float> scales;
  for (float scale : {0.00091f, 0.00077f, 0.0013f})
    for (int k = 100; k < 255; ++k)
      for (int near : {0, 1}) {
        const double ratio =
            static_cast<double>(qx.scale[0]) * static_cast<double>(scale) / static_cast<double>(qy.scale[0]);
        sums.push_back(static_cast<std::int32_t>((k + 0.5) / ratio) + near);
        scales.push_back(scale);
      }
  const auto n = static_cast<std::int64_t>(sums.size());
  Tensor<std::uint8_t> x({1, 4});
  std::fill_n(x.data(), 4, std::uint8_t{3});
  Tensor<std::int8_t> w({n, 4});
  std::fill_n(w.data(), w.size(), std::int8_t{0});
  const QuantParams qw{scales, std::vector<std::int32_t>(scales.size(), 0), 0};
  int differ = 0;
  for (Rounding rounding : {Rounding::fp32, Rounding::fp32_centered}) {
    const Tensor<std::int32_t> bias({n}, sums);
    const AnyTensor y = run_layer(FullyConnected(), {{x, qx}, fixed(w, qw), fixed(bias)}, {qy}, rounding)[0];
    int wrong = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const float as_floats = octet::detail::rounded(qx.scale[0] * scales[k]) / qy.scale[0];
      const auto once = static_cast<float>(static_cast<double>(qx.scale[0]) * static_cast<double>(scales[k]) /
                                           static_cast<double>(qy.scale[0]));
      const auto sum = static_cast<float>(sums[k]);
      const std::uint8_t own = round_code(sum * (rounding == Rounding::fp32 ? as_floats : once), 0);
      wrong += y.view<std::uint8_t>()[i] != own;
      differ += round_code(sum * as_floats, 0) != round_code(sum * once, 0);
    }
    CHECK(wrong == 0);
  }
  CHECK(differ > 0);
}

TEST_CASE("bytes: tables of codes give TFLite's roundings") {
  const QuantParams qa{0.02f, 3}, qb{0.03f, 200}, qy{0.05f, 100};
  // Large tensors use a table; each of their elements also is a small tensor's, which is computed.
  const Tensor<std::uint8_t> a = random_codes({40, 1000}, 5), b = random_codes({40, 1000}, 6);
  for (Rounding rounding : {Rounding::tflite_double, Rounding::tflite_single})
    for (BinaryKind kind : {BinaryKind::mul, BinaryKind::add})
      for (const bool one : {false, true}) {
        const Tensor<std::uint8_t> other = one ? random_codes({1}, 7) : b;
        const AnyTensor y = run_layer(Binary(kind), {{a, qa}, {other, qb}}, {qy}, rounding)[0];
        int wrong = 0;
        for (std::int64_t first = 0; first < 2000; first += 100) {
          Tensor<std::uint8_t> x({100}), z({one ? 1 : 100});
          std::copy_n(a.data() + first, 100, x.data());
          std::copy_n(one ? other.data() : other.data() + first, z.size(), z.data());
          const AnyTensor part = run_layer(Binary(kind), {{x, qa}, {z, qb}}, {qy}, rounding)[0];
          for (std::int64_t i = 0; i < 100; ++i)
            wrong += part.view<std::uint8_t>()[i] != y.view<std::uint8_t>()[first + i];
        }
        CHECK(wrong == 0);
      }
}

TEST_CASE("bytes: PReLU with one slope per channel, and one for all") {
  const QuantParams qx{0.02f, 120}, qy{0.03f, 50};
  for (std::int64_t channels : channel_counts)
    for (std::int64_t slopes : {channels, std::int64_t{1}}) {
      const Tensor<std::uint8_t> x = random_codes({9, 31, channels}, 3);
      const Tensor<float> slope = random_tensor({slopes}, 4, -0.5f, 1.5f);
      const AnyTensor y = run_layer(PRelu(), {{x, qx}, fixed(slope)}, {qy})[0];
      const double ratio = static_cast<double>(qx.scale[0]) / static_cast<double>(qy.scale[0]);
      int wrong = 0;
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const float s = slope[slopes == 1 ? 0 : i % channels];
        const int v = x[i] - 120;
        const auto factor = static_cast<float>(v < 0 ? static_cast<double>(s) * ratio : ratio);
        wrong += y.view<std::uint8_t>()[i] != round_code(static_cast<float>(v) * factor, 50);
      }
      CHECK(wrong == 0);
    }
}

TEST_CASE("bytes: transposes of all sizes") {
  for (std::int64_t rows : {1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 33, 40})
    for (std::int64_t columns : {1, 2, 3, 4, 6, 8, 15, 16, 17, 58, 64, 5000}) {
      const Tensor<std::uint8_t> x = random_codes({3, rows, columns}, 5);
      const AnyTensor y = run_layer(Transpose({0, 2, 1}), {x})[0], z = run_layer(Transpose({2, 0, 1}), {x})[0];
      int wrong = 0;
      for (std::int64_t p = 0; p < 3; ++p)
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t c = 0; c < columns; ++c) {
            wrong += y.view<std::uint8_t>()[(p * columns + c) * rows + r] != x[(p * rows + r) * columns + c];
            wrong += z.view<std::uint8_t>()[(c * 3 + p) * rows + r] != x[(p * rows + r) * columns + c];
          }
      CHECK(wrong == 0);
    }
}

TEST_CASE("bytes: gathering single elements, and rows of tables side by side") {
  for (std::int64_t n : {1, 7, 8, 9, 116}) {
    const Tensor<std::uint8_t> x = random_codes({13, n}, 6);
    Tensor<std::int64_t> places({n + 3});
    for (std::int64_t i = 0; i < n + 3; ++i) places[i] = i * 5 % n - (i % 2 ? n : 0);  // negative ones, too
    const AnyTensor y = run_layer(Gather(1), {x, places})[0];
    int wrong = 0;
    for (std::int64_t r = 0; r < 13; ++r)
      for (std::int64_t i = 0; i < n + 3; ++i)
        wrong += y.view<std::uint8_t>()[r * (n + 3) + i] != x[r * n + (places[i] + n) % n];
    CHECK(wrong == 0);
    Tensor<std::int64_t> shuffled({n / 2 * 2});  // of two groups
    for (std::int64_t i = 0; i < shuffled.size(); ++i) shuffled[i] = i % 2 * (n / 2) + i / 2;
    const AnyTensor z = run_layer(Gather(1), {x, shuffled})[0];
    for (std::int64_t r = 0; r < 13; ++r)
      for (std::int64_t i = 0; i < shuffled.size(); ++i)
        wrong += z.view<std::uint8_t>()[r * shuffled.size() + i] != x[r * n + shuffled[i]];
    CHECK(wrong == 0);

    const QuantParams qx{0.02f, 3}, qy{0.05f, 100};
    const Tensor<std::uint8_t> other = random_codes({13, 40}, 7);
    const AnyTensor joined = run_layer(Concat(1), {{x, qx}, {other, qy}}, {qy})[0];
    for (std::int64_t r = 0; r < 13; ++r)
      for (std::int64_t i = 0; i < n + 40; ++i)
        wrong += joined.view<std::uint8_t>()[r * (n + 40) + i] !=
                 (i < n ? quantized(real(x[r * n + i], qx), qy) : other[r * 40 + i - n]);
    CHECK(wrong == 0);
  }
}

TEST_CASE("bytes: many short and long rows are requantized alike") {
  const QuantParams qx{0.02f, 3}, qy{0.05f, 100};
  for (std::int64_t n : {1, 24, 300, 512, 513, 5000}) {
    const std::int64_t rows = n < 100 ? 400 : 9;
    const Tensor<std::uint8_t> x = random_codes({rows, n}, 7), other = random_codes({rows, 3}, 8);
    const AnyTensor y = run_layer(Concat(1), {{other, qy}, {x, qx}, {other, qy}}, {qy})[0];
    int wrong = 0;
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t i = 0; i < n + 6; ++i) {
        const bool same = i < 3 || i >= n + 3;
        const int expected = same ? other[r * 3 + i % (n + 3)] : quantized(real(x[r * n + i - 3], qx), qy);
        wrong += y.view<std::uint8_t>()[r * (n + 6) + i] != expected;
      }
    CHECK(wrong == 0);
  }
}

TEST_CASE("bytes: bilinear interpolation rounds exact sums") {
  for (const double scale : {2.0, 1.5, 3.0, 0.75, 1.3})
    for (CoordinateMode mode : {CoordinateMode::half_pixel, CoordinateMode::align_corners, CoordinateMode::asymmetric})
      for (std::int64_t channels : {1, 3, 16, 17, 40}) {
        Resize op;
        op.mode = ResizeMode::linear;
        op.coordinate_transformation_mode = mode;
        op.scales = {1, scale, scale, 1};
        const Tensor<std::uint8_t> x = random_codes({2, 7, 9, channels}, 8);
        const QuantParams q{0.1f, 7};
        const AnyTensor y = run_layer(op, {{x, q}}, {q})[0];
        const auto taps = [&](std::int64_t in, int d) {
          octet::detail::ResizeAxis a;
          a.in = in;
          a.out = y.shape()[d];
          a.scale = scale;
          a.exact = a.kept = false;
          return octet::detail::ResizeFilter{}.taps(a, mode, 1.0 / 32768);
        };
        const octet::detail::ResizeTaps down = taps(7, 1), along = taps(9, 2);
        int wrong = 0;
        each_index(y.shape(), [&](const std::vector<std::int64_t>& i) {
          double sum = 0;  // exact
          for (std::size_t k = 0; k < 2; ++k)
            for (std::size_t m = 0; m < 2; ++m) {
              const std::size_t r = static_cast<std::size_t>(i[1]) * 2 + k, c = static_cast<std::size_t>(i[2]) * 2 + m;
              const double w = static_cast<double>(down.weight[r]) * static_cast<double>(along.weight[c]);
              sum += w * x[flat(x.shape(), {i[0], down.index[r], along.index[c], i[3]})];
            }
          wrong += y.view<std::uint8_t>()[flat(y.shape(), i)] != static_cast<int>(std::nearbyint(sum));
        });
        CAPTURE(scale);
        CHECK(wrong == 0);
      }
}

TEST_CASE("bytes: means of rows and of pixels") {
  const QuantParams qx{0.02f, 3}, qy{0.015f, 100};
  for (std::int64_t n : {1, 7, 8, 9, 17, 64, 2000}) {
    Tensor<std::uint8_t> x = random_codes({300, n}, 9);
    std::fill_n(x.data(), n, std::uint8_t{255});
    Reduce op;
    op.axes = {1};
    const AnyTensor y = run_layer(op, {{x, qx}}, {qy})[0];
    const auto factor = static_cast<float>(static_cast<double>(qx.scale[0]) /
                                           (static_cast<double>(qy.scale[0]) * static_cast<double>(n)));
    int wrong = 0;
    for (std::int64_t r = 0; r < 300; ++r) {
      int sum = 0;
      for (std::int64_t i = 0; i < n; ++i) sum += x[r * n + i] - 3;
      wrong += y.view<std::uint8_t>()[r] != round_code(static_cast<float>(sum) * factor, 100);
    }
    CHECK(wrong == 0);
  }
}
