#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/random.hpp"

// Layers with 16-bit activations, compared with sums in 64 bits. run_layer compares instruction sets and threads.

using namespace testing;

namespace {

Tensor<std::int16_t> random_int16(const Shape& shape, std::uint64_t seed, int low = -32768, int high = 32767) {
  Tensor<std::int16_t> t(shape);
  Random(seed).fill(t.data(), t.size(), low, high);
  return t;
}
Tensor<std::int8_t> random_weights(const Shape& shape, std::uint64_t seed) {
  Tensor<std::int8_t> t(shape);
  Random(seed).fill(t.data(), t.size(), -127, 127);
  return t;
}
template <class T>
Tensor<T> random_bias(std::int64_t n, std::uint64_t seed) {
  Tensor<T> t({n});
  Random(seed).fill(t.data(), n, -2000000000, 2000000000);
  return t;
}

QuantParams scales(std::int64_t channels) {
  QuantParams q;
  q.axis = 0;
  for (std::int64_t c = 0; c < channels; ++c) {
    q.scale.push_back(0.002f + 0.0003f * static_cast<float>(c));
    q.zero_point.push_back(0);
  }
  return q;
}

std::int64_t clamped(double v, double low = -32768, double high = 32767) {
  return static_cast<std::int64_t>(std::min(std::max(v, low), high));
}

/// TFLite's MultiplyByQuantizedMultiplier of a 64-bit sum, from its definition with a real multiplier.
std::int64_t tflite_wide(std::int64_t x, double real) {
  int shift;
  const auto q = static_cast<std::int64_t>(std::round(std::frexp(real, &shift) * 2147483648.0));
  const std::int64_t mantissa = q >= 0x7fff0000 ? 0x7fff : (q + 32768) / 65536;
  const int right = 15 - shift;
  // x * mantissa / 2^right, rounded half up
  const std::int64_t product = x * mantissa, unit = std::int64_t{1} << right, sum = product + unit / 2;
  std::int64_t quotient = sum / unit;
  if (sum % unit < 0) --quotient;
  return quotient;
}

struct Case {
  std::int64_t batch, size, in, out, groups, kernel, stride, pad;
};

/// The sums of a convolution in 64 bits, [N, h, w, O].
Tensor<std::int64_t> sums_of(const Tensor<std::int16_t>& x, const Tensor<std::int8_t>& w, const Case& k,
                             const Shape& out) {
  Tensor<std::int64_t> sums(out);
  const std::int64_t in_group = k.in / k.groups, out_group = k.out / k.groups;
  each_index(out, [&](const std::vector<std::int64_t>& i) {
    std::int64_t sum = 0;
    for (std::int64_t ky = 0; ky < k.kernel; ++ky)
      for (std::int64_t kx = 0; kx < k.kernel; ++kx) {
        const std::int64_t iy = i[1] * k.stride - k.pad + ky, ix = i[2] * k.stride - k.pad + kx;
        if (iy < 0 || iy >= k.size || ix < 0 || ix >= k.size) continue;
        for (std::int64_t c = 0; c < in_group; ++c)
          sum += std::int64_t{x[flat(x.shape(), {i[0], iy, ix, i[3] / out_group * in_group + c})]} *
                 w[flat(w.shape(), {i[3], ky, kx, c})];
      }
    sums[flat(out, i)] = sum;
  });
  return sums;
}

Convolution convolution(const Case& k) {
  Convolution op;
  op.window = Window(k.kernel, k.kernel);
  op.window.strides = {k.stride, k.stride};
  op.window.pads_before = op.window.pads_after = {k.pad, k.pad};
  op.groups = k.groups;
  return op;
}

const Case cases[] = {{1, 7, 15, 16, 1, 1, 1, 0},
                      {2, 6, 16, 17, 1, 3, 1, 1},
                      {1, 9, 17, 15, 1, 3, 2, 1},
                      {1, 5, 3, 33, 1, 5, 1, 2},
                      {2, 8, 16, 16, 16, 3, 1, 1},
                      {1, 9, 33, 33, 33, 5, 2, 2},
                      {1, 6, 8, 12, 4, 3, 1, 1},
                      {1, 4, 15, 30, 15, 3, 1, 1},
                      {3, 1, 64, 70, 1, 1, 1, 0},
                      {1, 40, 4, 96, 1, 1, 1, 0},
                      {1, 8, 1, 8, 1, 3, 1, 1},
                      // sums of several parts, depthwise kernels of other sizes and of too many taps
                      {1, 5, 80, 9, 1, 3, 1, 1},
                      {1, 4, 130, 6, 2, 3, 1, 1},
                      {1, 9, 40, 40, 40, 7, 1, 3},
                      {1, 12, 3, 3, 3, 23, 1, 11},
                      {1, 9, 70, 70, 70, 3, 2, 1},
                      // few output channels, with sums of several parts, and groups of few channels
                      {1, 7, 80, 3, 1, 3, 1, 1},
                      {2, 10, 15, 5, 1, 3, 1, 1},
                      {1, 17, 3, 1, 1, 5, 2, 2},
                      {1, 6, 9, 2, 1, 5, 1, 2},
                      {2, 6, 15, 8, 1, 1, 1, 0},
                      {1, 7, 64, 64, 32, 3, 1, 1},
                      {1, 6, 24, 24, 8, 3, 2, 1},
                      {2, 5, 30, 12, 3, 3, 1, 1}};

/// What sums of output channel o are multiplied with.
double factor_of(const QuantParams& x, const QuantParams& weights, std::int64_t o, const QuantParams& y) {
  return static_cast<double>(x.scale[0]) * static_cast<double>(weights.scale[static_cast<std::size_t>(o)]) /
         static_cast<double>(y.scale[0]);
}

}  // namespace

TEST_CASE("int16: convolutions are those of sums in 64 bits") {
  for (const Case& k : cases)
    for (const bool extreme : {false, true}) {
      CAPTURE(k.in);
      CAPTURE(k.out);
      CAPTURE(k.kernel);
      CAPTURE(k.groups);
      Tensor<std::int16_t> x = random_int16({k.batch, k.size, k.size, k.in}, 1);
      Tensor<std::int8_t> w = random_weights({k.out, k.kernel, k.kernel, k.in / k.groups}, 2);
      if (extreme) {
        for (std::int64_t i = 0; i < x.size(); ++i) x[i] = i % 3 == 0 ? 32767 : -32768;
        for (std::int64_t i = 0; i < w.size(); ++i) w[i] = i % 2 == 0 ? 127 : -127;
      }
      const Tensor<std::int64_t> bias = random_bias<std::int64_t>(k.out, 3);
      const QuantParams qx{0.001f, 0}, qw = scales(k.out), qy{0.9f, 0};
      Convolution op = convolution(k);
      op.activation = {-20000.0, 25000.5};
      const AnyTensor y = run_layer(op, {{x, qx}, fixed(w, qw), fixed(bias)}, {qy})[0];
      REQUIRE(y.dtype() == DType::i16);
      const Tensor<std::int64_t> sums = sums_of(x, w, k, y.shape());
      int wrong = 0;
      for (std::int64_t i = 0; i < sums.size(); ++i) {
        const std::int64_t o = i % k.out;
        const double scale = factor_of(qx, qw, o, qy);
        const double v = static_cast<double>(sums[i] + bias[o]) * scale;
        const double low = std::round(-20000.0 / static_cast<double>(0.9f)),
                     high = std::round(25000.5 / static_cast<double>(0.9f));
        wrong += y.view<std::int16_t>()[i] != clamped(std::nearbyint(v), low, high);
      }
      CHECK(wrong == 0);
    }
}

TEST_CASE("int16: convolutions with TFLite's arithmetic, biases of 64 and 32 bits") {
  for (const Case& k : cases)
    for (Rounding rounding : {Rounding::tflite_double, Rounding::tflite_single}) {
      const Tensor<std::int16_t> x = random_int16({k.batch, k.size, k.size, k.in}, 4, -3000, 3000);
      const Tensor<std::int8_t> w = random_weights({k.out, k.kernel, k.kernel, k.in / k.groups}, 5);
      const Tensor<std::int64_t> bias = random_bias<std::int64_t>(k.out, 6);
      Tensor<std::int32_t> narrow({k.out});
      for (std::int64_t o = 0; o < k.out; ++o) narrow[o] = static_cast<std::int32_t>(bias[o] / 16);
      const QuantParams qx{0.001f, 0}, qw = scales(k.out), qy{0.9f, 0};
      const Convolution op = convolution(k);
      const AnyTensor wide = run_layer(op, {{x, qx}, fixed(w, qw), fixed(bias)}, {qy}, rounding)[0];
      const AnyTensor y = run_layer(op, {{x, qx}, fixed(w, qw), fixed(narrow)}, {qy}, rounding)[0];
      const Tensor<std::int64_t> sums = sums_of(x, w, k, y.shape());
      int wrong = 0;
      for (std::int64_t i = 0; i < sums.size(); ++i) {
        const std::int64_t o = i % k.out;
        const double scale = factor_of(qx, qw, o, qy);
        wrong += wide.view<std::int16_t>()[i] != clamped(static_cast<double>(tflite_wide(sums[i] + bias[o], scale)));
        const auto acc = static_cast<std::int32_t>(sums[i] + narrow[o]);
        wrong += y.view<std::int16_t>()[i] != clamped(static_cast<double>(fixed_point(acc, scale, rounding)));
      }
      CHECK(wrong == 0);
    }
}

TEST_CASE("int16: fully connected layers, to int16 and to float") {
  for (std::int64_t rows : {1, 2, 17})
    for (std::int64_t k : {1, 15, 16, 17, 300})
      for (std::int64_t out : {1, 15, 17, 64}) {
        const Tensor<std::int16_t> x = random_int16({rows, k}, 1);
        const Tensor<std::int8_t> w = random_weights({out, k}, 2);
        const Tensor<std::int64_t> bias = random_bias<std::int64_t>(out, 3);
        const QuantParams qx{0.001f, 0}, qw = scales(out), qy{0.2f, 0};
        FullyConnected op;
        const AnyTensor y = run_layer(op, {{x, qx}, fixed(w, qw), fixed(bias)}, {qy})[0];
        int wrong = 0;
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t o = 0; o < out; ++o) {
            std::int64_t sum = bias[o];
            for (std::int64_t i = 0; i < k; ++i) sum += std::int64_t{x[r * k + i]} * w[o * k + i];
            const double scale =
                static_cast<double>(qx.scale[0]) * static_cast<double>(qw.scale[static_cast<std::size_t>(o)]);
            wrong += y.view<std::int16_t>()[r * out + o] !=
                     clamped(std::nearbyint(static_cast<double>(sum) * (scale / static_cast<double>(qy.scale[0]))));
          }
        CHECK(wrong == 0);
      }
}

TEST_CASE("int16: convolutions whose 32-bit sums hold the bias, with a residual, ties in every rounding") {
  for (const Case& k : cases)
    for (const bool with_residual : {false, true})
      for (Rounding rounding : {Rounding::fp32, Rounding::tflite_double, Rounding::tflite_single}) {
        CAPTURE(k.in);
        CAPTURE(k.out);
        CAPTURE(with_residual);
        const Tensor<std::int16_t> x = random_int16({k.batch, k.size, k.size, k.in}, 7, -700, 700);
        const Tensor<std::int8_t> w = random_weights({k.out, k.kernel, k.kernel, k.in / k.groups}, 8);
        Tensor<std::int64_t> bias({k.out});
        Random(9).fill(bias.data(), k.out, -1000000, 1000000);
        // Multiples of 1/2 and 1/4 often: the factors of sums are powers of two, and others.
        const QuantParams qx{0x1p-9f, 0}, qy{0x1p-7f, 0}, qr{0x1p-8f, 0};
        QuantParams qw = scales(k.out);
        for (std::size_t o = 0; o < qw.scale.size(); ++o) qw.scale[o] = o % 3 ? 0x1p-4f / float(1 + o % 2) : 0.03f;
        Convolution op = convolution(k);
        op.activation = {-100.0, 150.0};
        const std::int64_t out = (k.size + 2 * k.pad - k.kernel) / k.stride + 1;
        const Tensor<std::int16_t> r = random_int16({k.batch, out, out, k.out}, 10);
        std::vector<Operand> operands{{x, qx}, fixed(w, qw), fixed(bias)};
        if (with_residual) operands.push_back({r, qr});
        const AnyTensor y = run_layer(op, operands, {qy}, rounding)[0];
        const Tensor<std::int64_t> sums = sums_of(x, w, k, y.shape());
        int wrong = 0;
        for (std::int64_t i = 0; i < sums.size(); ++i) {
          const std::int64_t o = i % k.out;
          const double scale = factor_of(qx, qw, o, qy);
          double v;
          if (rounding == Rounding::fp32)
            v = std::nearbyint(static_cast<double>(sums[i] + bias[o]) * scale + (with_residual ? 0.5 * r[i] : 0));
          else
            v = static_cast<double>(tflite_wide(sums[i] + bias[o], scale) +
                                    (with_residual ? tflite_wide(r[i], 0.5) : 0));
          wrong += y.view<std::int16_t>()[i] != clamped(v, -12800, 19200);
        }
        CHECK(wrong == 0);
      }
}

TEST_CASE("int16: a convolution adds a residual") {
  const Case k{1, 6, 16, 17, 1, 1, 1, 0};
  const Tensor<std::int16_t> x = random_int16({1, 6, 6, 16}, 1), r = random_int16({1, 6, 6, 17}, 2);
  const Tensor<std::int8_t> w = random_weights({17, 1, 1, 16}, 3);
  const QuantParams qx{0.001f, 0}, qw = scales(17), qy{0.2f, 0}, qr{0.3f, 0};
  const AnyTensor y = run_layer(convolution(k), {{x, qx}, fixed(w, qw), {}, {r, qr}}, {qy})[0];
  const Tensor<std::int64_t> sums = sums_of(x, w, k, y.shape());
  int wrong = 0;
  for (std::int64_t i = 0; i < sums.size(); ++i) {
    const double sy = static_cast<double>(qy.scale[0]);
    const double scale =
        static_cast<double>(qx.scale[0]) * static_cast<double>(qw.scale[static_cast<std::size_t>(i % 17)]) / sy;
    const double v = std::fma(static_cast<double>(r[i]), static_cast<double>(qr.scale[0]) / sy,
                              static_cast<double>(sums[i]) * scale);
    wrong += y.view<std::int16_t>()[i] != clamped(std::nearbyint(v));
  }
  CHECK(wrong == 0);
}

TEST_CASE("int16: sums, differences and products") {
  const QuantParams qa{0.02f, 0}, qb{0.03f, 0}, qy{0.04f, 0}, qp{20.0f, 0};
  for (std::int64_t channels : {1, 15, 16, 17, 33})
    for (const Shape& other : {Shape{channels}, Shape{1}, Shape{5, 7, channels}, Shape{5, 1, channels}, Shape{7, 1}})
      for (BinaryKind kind : {BinaryKind::mul, BinaryKind::add, BinaryKind::sub})
        for (Rounding rounding : {Rounding::fp32, Rounding::tflite_double, Rounding::tflite_single}) {
          const QuantParams& q = kind == BinaryKind::mul ? qp : qy;
          const Tensor<std::int16_t> a = random_int16({5, 7, channels}, 1), b = random_int16(other, 2);
          const AnyTensor y = run_layer(Binary(kind), {{a, qa}, {b, qb}}, {q}, rounding)[0];
          const double sa = static_cast<double>(qa.scale[0]), sb = static_cast<double>(qb.scale[0]),
                       sy = static_cast<double>(q.scale[0]);
          int wrong = 0;
          each_index(a.shape(), [&](const std::vector<std::int64_t>& i) {
            std::vector<std::int64_t> at(i.end() - other.rank(), i.end());
            for (std::size_t d = 0; d < at.size(); ++d)
              if (other[static_cast<int>(d)] == 1) at[d] = 0;
            const int x = a[flat(a.shape(), i)], z = b[flat(other, at)];
            double v;
            if (rounding == Rounding::fp32) {
              const double sign = kind == BinaryKind::sub ? -1 : 1;
              v = kind == BinaryKind::mul
                      ? static_cast<double>(x * z) * (sa * sb / sy)
                      : std::fma(static_cast<double>(z), sign * sb / sy, static_cast<double>(x) * (sa / sy));
              v = std::nearbyint(v);
            } else if (kind == BinaryKind::mul) {
              const float ratio = qa.scale[0] * qb.scale[0] / q.scale[0];
              v = static_cast<double>(fixed_point(x * z, static_cast<double>(ratio), rounding));
            } else {
              const double common = 2 * std::max(sa, sb);
              const std::int64_t p = fixed_point(x * 32768, sa / common, rounding),
                                 r = fixed_point(z * 32768, sb / common, rounding);
              const std::int64_t sum = kind == BinaryKind::sub ? p - r : p + r;
              v = static_cast<double>(fixed_point(sum, common / (32768 * sy), rounding));
            }
            wrong += y.view<std::int16_t>()[flat(a.shape(), i)] != clamped(v);
          });
          CHECK(wrong == 0);
        }
}

TEST_CASE("int16: pools") {
  const QuantParams q{0.01f, 0}, other{0.02f, 0};
  const Tensor<std::int16_t> x = random_int16({2, 7, 7, 17}, 1);
  Window window(3, 3);
  window.strides = {2, 2};
  MaxPool most;
  most.window = window;
  AveragePool mean;
  mean.window = window;
  const AnyTensor m = run_layer(most, {{x, q}}, {q})[0], a = run_layer(mean, {{x, q}}, {q})[0],
                  b = run_layer(mean, {{x, q}}, {other})[0];
  int wrong = 0;
  each_index(m.shape(), [&](const std::vector<std::int64_t>& i) {
    int largest = -32768, sum = 0;
    for (std::int64_t y = 0; y < 3; ++y)
      for (std::int64_t z = 0; z < 3; ++z) {
        const int v = x[flat(x.shape(), {i[0], 2 * i[1] + y, 2 * i[2] + z, i[3]})];
        largest = std::max(largest, v);
        sum += v;
      }
    const std::int64_t at = flat(m.shape(), i);
    wrong += m.view<std::int16_t>()[at] != largest;
    wrong += a.view<std::int16_t>()[at] != std::lround(sum / 9.0);
    wrong += b.view<std::int16_t>()[at] != static_cast<int>(std::nearbyint(sum / 9.0 * 0.5));
  });
  CHECK(wrong == 0);
}

TEST_CASE("int16: conversions") {
  const QuantParams q{0.01f, 0}, byte{1.5f, 100}, finer{0.02f, 0};
  for (std::int64_t n : {1, 15, 16, 17, 100}) {
    const Tensor<float> real = random_tensor({n}, 1, -400.0f, 400.0f);
    const AnyTensor codes = run_layer(Convert(DType::i16), {{real}}, {q})[0];
    const AnyTensor back = run_layer(Convert(DType::f32), {{codes, q}})[0];
    const AnyTensor bytes = run_layer(Convert(DType::u8), {{codes, q}}, {byte})[0];
    const AnyTensor from_bytes = run_layer(Convert(DType::i16), {{bytes, byte}}, {q})[0];
    const AnyTensor rescaled_codes = run_layer(Convert(DType::i16), {{codes, q}}, {finer})[0];
    for (std::int64_t i = 0; i < n; ++i) {
      const int c = codes.view<std::int16_t>()[i], b = bytes.view<std::uint8_t>()[i];
      CHECK(c == quantized(static_cast<double>(real[i]), q, -32768, 32767));
      CHECK(back.view<float>()[i] == static_cast<float>(c) * q.scale[0]);
      CHECK(b == quantized(testing::real(c, q), byte));
      CHECK(from_bytes.view<std::int16_t>()[i] == quantized(testing::real(b, byte), q, -32768, 32767));
      CHECK(rescaled_codes.view<std::int16_t>()[i] == quantized(testing::real(c, q), finer, -32768, 32767));
    }
  }
}

TEST_CASE("int16: concatenation of other scales") {
  const QuantParams q{0.01f, 0}, other{0.02f, 0};
  for (std::int64_t n : {1, 5, 24, 256, 300}) {
    const std::int64_t rows = n < 100 ? 400 : 3;
    const Tensor<std::int16_t> a = random_int16({rows, 17}, 1), b = random_int16({rows, n}, 2);
    const AnyTensor y = run_layer(Concat(1), {{a, q}, {b, other}}, {q})[0];
    int wrong = 0;
    each_index(y.shape(), [&](const std::vector<std::int64_t>& i) {
      const int expected =
          i[1] < 17 ? a[i[0] * 17 + i[1]] : quantized(testing::real(b[i[0] * n + i[1] - 17], other), q, -32768, 32767);
      wrong += y.view<std::int16_t>()[flat(y.shape(), i)] != expected;
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("int16: codes are moved") {
  const QuantParams q{0.01f, 0};
  const Tensor<std::int16_t> x = random_int16({1, 3, 4, 5}, 1);
  const AnyTensor t = run_layer(Transpose({0, 2, 1, 3}), {{x, q}}, {q})[0];
  CHECK(t.view<std::int16_t>()[flat(t.shape(), {0, 3, 2, 4})] == x[flat(x.shape(), {0, 2, 3, 4})]);
  Pad pad;
  pad.before = {0, 1, 1, 0};
  pad.after = {0, 1, 1, 0};
  const AnyTensor p = run_layer(pad, {{x, q}}, {q})[0];
  CHECK(p.view<std::int16_t>()[0] == 0);
  CHECK(p.view<std::int16_t>()[flat(p.shape(), {0, 1, 1, 0})] == x[0]);
}

TEST_CASE("int16: what is not symmetric, or has another bias, is refused") {
  const Case k{1, 4, 4, 4, 1, 1, 1, 0};
  const Tensor<std::int16_t> x({1, 4, 4, 4});
  const Tensor<std::int8_t> w({4, 1, 1, 4});
  const QuantParams q{0.01f, 0}, shifted{0.01f, 3}, qw = scales(4);
  const auto refused = [&](const std::vector<Operand>& operands, const QuantParams& result,
                           Rounding rounding = Rounding::fp32) {
    const Graph g =
        layer_graph(std::make_shared<const Convolution>(convolution(k)), operands, {result}, rounding, false);
    return message([&] { Executor(g).run({x}); });
  };
  CHECK(contains(refused({{x, q}, fixed(w, qw), fixed(Tensor<float>({4}))}, q), "bias of 4 int64"));
  CHECK(contains(refused({{x, q}, fixed(w, qw)}, shifted), "zero point 3, expected 0"));
  CHECK(contains(refused({{x, q}, fixed(w, qw), fixed(Tensor<std::int64_t>({4}, {0, 0, std::int64_t{1} << 62, 0}))}, q),
                 "2^46"));
  CHECK(contains(refused({{x, q}, fixed(w, qw)}, {0.0f, 0}), "'"));
  CHECK(
      contains(refused({{x, {100.0f, 0}}, fixed(w, qw)}, {1e-6f, 0}, Rounding::tflite_double), "ratio of its scales"));
}
