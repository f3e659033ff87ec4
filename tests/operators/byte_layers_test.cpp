#include <octet/operators/all.hpp>
#include <octet/operators/resize/axis.hpp>

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

std::uint8_t round_code(float x, int zero) {
  return static_cast<std::uint8_t>(std::min(std::max(std::nearbyint(x) + static_cast<float>(zero), 0.0f), 255.0f));
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
            const int x = a[flat(a.shape(), i)] - 3, z = b[flat(other, at)] - 200;
            const double sa = static_cast<double>(qa.scale[0]), sb = static_cast<double>(qb.scale[0]),
                         sy = static_cast<double>(qy.scale[0]);
            float v;
            if (kind == BinaryKind::mul) {
              v = static_cast<float>(x * z) * static_cast<float>(sa * sb / sy);
            } else {
              const float sign = kind == BinaryKind::sub ? -1.0f : 1.0f;
              const float fa = static_cast<float>(sa / sy), fb = static_cast<float>(sb / sy);
              v = swapped ? std::fma(static_cast<float>(x), sign * fa, static_cast<float>(z) * fb)
                          : std::fma(static_cast<float>(z), sign * fb, static_cast<float>(x) * fa);
            }
            wrong += y.view<std::uint8_t>()[flat(a.shape(), i)] != round_code(v, 100);
          });
          CHECK(wrong == 0);
        }
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
