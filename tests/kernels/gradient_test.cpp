#include <doctest/doctest.h>

#include <cmath>
#include <octet/kernels/repack.hpp>

#include "support/buffer.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

using Floats = Exact<float>;  // AddressSanitizer detects reads beyond its end

Floats random_floats(Random& r, std::int64_t n, float low = -1, float high = 1) {
  Floats f(n, 4);
  for (std::int64_t i = 0; i < n; ++i) f.set(i, r.real(low, high));
  return f;
}

/// Outputs with guards around, filled with `initial`.
Guarded<float> output(const Floats& initial) {
  Guarded<float> g(initial.size(), 4);
  std::memcpy(g.bytes(), initial.bytes(), static_cast<std::size_t>(initial.size()) * sizeof(float));
  return g;
}

void check_same(const Guarded<float>& found, const std::vector<float>& expected) {
  CHECK(found.intact());
  int wrong = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const float x = found[static_cast<std::int64_t>(i)];
    wrong += std::memcmp(&x, &expected[i], sizeof x) != 0;
  }
  CHECK(wrong == 0);
}

/// Calls add(kernels, sums) for every instruction set, with sums that begin as `initial`, and compares them.
template <class F>
void check_sums(const Floats& initial, const std::vector<float>& expected, F add) {
  for (Isa isa : available_isas()) {
    INFO(name(isa));
    Guarded<float> sums = output(initial);
    add(kernels(isa), sums.data());
    check_same(sums, expected);
  }
}

std::vector<float> copied(const Floats& f) {
  std::vector<float> v;
  for (std::int64_t i = 0; i < f.size(); ++i) v.push_back(f[i]);
  return v;
}

}  // namespace

TEST_CASE("gradient kernels: outer products, one chain of fused multiply-adds per element") {
  Random r(50);
  for (int round = 0; round < rounds(300); ++round) {
    OuterProduct p;
    p.rows = r.between(1, 33);
    p.columns = r.between(1, 70);
    p.depth = r.between(0, 20);
    p.a_stride = p.rows + r.between(0, 3);
    p.b_stride = p.columns + r.between(0, 3);
    p.c_stride = p.columns + r.between(0, 3);
    const auto extent = [](std::int64_t rows, std::int64_t stride, std::int64_t n) {
      return rows == 0 ? 0 : (rows - 1) * stride + n;
    };
    const Floats a = random_floats(r, extent(p.depth, p.a_stride, p.rows)),
                 b = random_floats(r, extent(p.depth, p.b_stride, p.columns)),
                 c = random_floats(r, extent(p.rows, p.c_stride, p.columns));
    std::vector<float> expected = copied(c);
    for (std::int64_t m = 0; m < p.rows; ++m)
      for (std::int64_t n = 0; n < p.columns; ++n) {
        float& sum = expected[static_cast<std::size_t>(m * p.c_stride + n)];
        for (std::int64_t d = 0; d < p.depth; ++d) sum = std::fma(a[d * p.a_stride + m], b[d * p.b_stride + n], sum);
      }
    p.a = a.data();
    p.b = b.data();
    INFO("round ", round);
    check_sums(c, expected, [&](const Kernels& k, float* sums) {
      p.c = sums;
      k.gradient.outer_product(p);
    });
  }
}

TEST_CASE("gradient kernels: sums of channels, normalization") {
  Random r(51);
  for (int round = 0; round < rounds(200); ++round) {
    const std::int64_t rows = r.between(1, 11), channels = r.between(1, 70), n = rows * channels;
    const Floats x = random_floats(r, n), g = random_floats(r, n), mean = random_floats(r, channels),
                 scale = random_floats(r, channels), shift = random_floats(r, channels),
                 sums = random_floats(r, channels), products = random_floats(r, channels),
                 a = random_floats(r, channels), b = random_floats(r, channels);
    std::vector<float> sum = copied(sums), square = copied(sums), masked = copied(sums), product = copied(products),
                       y(static_cast<std::size_t>(n)), dx(static_cast<std::size_t>(n));
    Normalized of;
    of.low = r.real(-1, 0);
    of.high = r.real(0, 1);
    of.clamps = r.chance(50);
    if (!of.clamps) {
      of.low = -std::numeric_limits<float>::infinity();
      of.high = -of.low;
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t c = i % channels;
      const auto at = static_cast<std::size_t>(c), k = static_cast<std::size_t>(i);
      sum[at] += x[i];
      square[at] = std::fma(x[i] - mean[c], x[i] - mean[c], square[at]);
      const float v = std::fma(x[i], scale[c], shift[c]);
      y[k] = std::min(std::max(v, of.low), of.high);
      const float passed = v > of.low && v < of.high ? g[i] : 0;
      masked[at] += passed;
      product[at] = std::fma(passed, x[i] - mean[c], product[at]);
      dx[k] = scale[c] * std::fma(b[c], mean[c] - x[i], passed - a[c]);
    }
    for (Isa isa : available_isas()) {
      INFO(name(isa), ", round ", round);
      const GradientKernels& k = kernels(isa).gradient;
      of.in = {x.data(), rows, channels};
      of.gradient = g.data();
      of.scale = scale.data();
      of.shift = shift.data();
      of.mean = mean.data();
      Guarded<float> f1 = output(sums), f2 = output(sums), f3 = output(sums), f4 = output(products), f5 = output(x),
                     f6 = output(g);
      k.channel_sums(of.in, f1.data());
      check_same(f1, sum);
      k.channel_squares(of.in, mean.data(), f2.data());
      check_same(f2, square);
      k.normalize(of, f5.data());
      check_same(f5, y);
      k.normalized_sums(of, f3.data(), f4.data());
      check_same(f3, masked);
      check_same(f4, product);
      of.gradient = f6.data();  // in place
      k.normalized_gradient(of, a.data(), b.data(), f6.data());
      check_same(f6, dx);
    }
  }
}

TEST_CASE("gradient kernels: clamps, scaled sums, maxima") {
  Random r(52);
  for (int round = 0; round < rounds(200); ++round) {
    const std::int64_t n = r.between(1, 70);
    const Floats y = random_floats(r, n), dy = random_floats(r, n), to = random_floats(r, n);
    const float low = r.real(-1, 0), high = r.real(0, 1), factor = r.real(-2, 2);
    std::vector<float> clamped, added;
    for (std::int64_t i = 0; i < n; ++i) {
      clamped.push_back(y[i] > low && y[i] < high ? dy[i] : 0);
      added.push_back(std::fma(dy[i], factor, to[i]));
    }
    // A window of pixels and their gradients with a fixed stride.
    const std::int64_t count = r.between(1, 9);
    Floats pixels(count * n, 4);
    for (std::int64_t i = 0; i < count * n; ++i) pixels.set(i, static_cast<float>(r.between(0, 3)));  // often equal
    std::vector<float> largest, gradient(static_cast<std::size_t>(count * n), 0.5f);
    std::vector<const std::byte*> list;
    for (std::int64_t c = 0; c < n; ++c) {
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < count; ++i) best = pixels[i * n + c] > pixels[best * n + c] ? i : best;
      largest.push_back(pixels[best * n + c]);
      gradient[static_cast<std::size_t>(best * n + c)] += dy[c];
    }
    for (std::int64_t i = 0; i < count; ++i) list.push_back(pixels.bytes() + i * n * 4);
    for (Isa isa : available_isas()) {
      INFO(name(isa), ", round ", round);
      const GradientKernels& k = kernels(isa).gradient;
      Guarded<float> f1 = output(dy), f2 = output(to), f3(count * n, 4);
      k.clamp_gradient(y.data(), f1.data(), f1.data(), n, low, high);
      check_same(f1, clamped);
      k.add_scaled(dy.data(), factor, f2.data(), n);
      check_same(f2, added);
      std::fill(f3.data(), f3.data() + count * n, 0.5f);
      PoolWindow w;
      w.pixels = list.data();
      w.count = count;
      w.channels = n;
      k.max_gradient(w, largest.data(), dy.data(), f3.bytes() - pixels.bytes());
      check_same(f3, gradient);
    }
  }
}

TEST_CASE("gradient kernels: depthwise weights") {
  Random r(53);
  for (int round = 0; round < rounds(300); ++round) {
    DepthwiseWeights d;
    ConvolutionShape& s = d.shape;
    s.batch = r.between(1, 3);
    s.in_h = r.between(1, 7);
    s.in_w = r.between(1, 7);
    s.in_c = r.between(1, 70);
    s.kernel_h = r.chance(60) ? 3 : r.between(1, 5);
    s.kernel_w = s.kernel_h == 3 ? 3 : r.between(1, 5);
    s.stride_h = r.between(1, 3);
    s.stride_w = r.between(1, 3);
    s.dilation_h = r.between(1, 2);
    s.dilation_w = r.between(1, 2);
    s.pad_top = r.between(0, 4);
    s.pad_left = r.between(0, 4);
    s.out_h = r.between(1, 6);
    s.out_w = r.between(1, 6);
    d.channel_begin = r.chance(50) ? 0 : r.between(0, s.in_c - 1);
    d.channel_end = r.chance(50) ? s.in_c : r.between(d.channel_begin, s.in_c);
    const std::int64_t taps = s.taps();
    const Floats in = random_floats(r, s.batch * s.in_h * s.in_w * s.in_c),
                 g = random_floats(r, s.batch * s.out_h * s.out_w * s.in_c), sums = random_floats(r, taps * s.in_c);
    std::vector<float> expected = copied(sums);
    for (std::int64_t i = 0; i < g.size(); ++i) {
      const std::int64_t c = i % s.in_c, x = i / s.in_c % s.out_w, y = i / s.in_c / s.out_w % s.out_h,
                         image = i / s.in_c / s.out_w / s.out_h;
      if (c < d.channel_begin || c >= d.channel_end) continue;
      for (std::int64_t t = 0; t < taps; ++t) {
        const std::int64_t iy = y * s.stride_h - s.pad_top + t / s.kernel_w * s.dilation_h;
        const std::int64_t ix = x * s.stride_w - s.pad_left + t % s.kernel_w * s.dilation_w;
        if (iy < 0 || iy >= s.in_h || ix < 0 || ix >= s.in_w) continue;
        float& sum = expected[static_cast<std::size_t>(t * s.in_c + c)];
        sum = std::fma(in[((image * s.in_h + iy) * s.in_w + ix) * s.in_c + c], g[i], sum);
      }
    }
    d.in = in.data();
    d.gradient = g.data();
    INFO("round ", round);
    check_sums(sums, expected, [&](const Kernels& k, float* to) {
      d.sums = to;
      k.gradient.depthwise_weights(d);
    });
  }
}

TEST_CASE("gradient kernels: repacked weights equal packed ones") {
  Random r(54);
  for (int round = 0; round < rounds(100); ++round) {
    const std::int64_t h = r.between(1, 3), w = r.between(1, 3), groups = r.between(1, 3), group_in = r.between(1, 20),
                       group_out = r.between(1, 70), k = h * w * group_in, out = groups * group_out;
    std::vector<float> weights(static_cast<std::size_t>(out * k));
    r.fill(weights.data(), out * k);
    for (Isa isa : available_isas()) {
      const WeightsView view = WeightsView::of_model(weights.data(), out, h, w, group_in, groups);
      for (std::int64_t g = 0; g < groups; ++g) {
        const PackedMatrix expected = pack_matrix(kernels(isa), weights.data() + g * group_out * k, group_out, k);
        const std::vector<float> none(static_cast<std::size_t>(group_out * k));
        PackedMatrix found = pack_matrix(kernels(isa), none.data(), group_out, k);
        for (std::int64_t c = 0; c < group_out; c += panel_columns<float>(kernels(isa)))
          repack_panel(kernels(isa), view, g, group_in, c, found);
        REQUIRE(found.data.size() == expected.data.size());
        INFO(name(isa), ", round ", round);
        CHECK(std::memcmp(found.data.data(), expected.data.data(), found.data.size()) == 0);
        // The transposed matrix, as the gradient's convolution uses it for one tap.
        WeightsView swapped = view;
        std::swap(swapped.in, swapped.out);
        swapped.kernel_h = swapped.kernel_w = 1;
        std::vector<float> turned(static_cast<std::size_t>(group_in * group_out));
        for (std::int64_t i = 0; i < group_in; ++i)
          for (std::int64_t o = 0; o < group_out; ++o)
            turned[static_cast<std::size_t>(i * group_out + o)] =
                weights[static_cast<std::size_t>((g * group_out + o) * k + i)];
        const PackedMatrix transposed = pack_matrix(kernels(isa), turned.data(), group_in, group_out);
        const std::vector<float> zeros(turned.size());
        PackedMatrix again = pack_matrix(kernels(isa), zeros.data(), group_in, group_out);
        for (std::int64_t c = 0; c < group_in; c += panel_columns<float>(kernels(isa)))
          repack_panel(kernels(isa), swapped, g, group_out, c, again);
        CHECK(std::memcmp(again.data.data(), transposed.data.data(), again.data.size()) == 0);
      }
    }
    // Depthwise: [channels][taps] from [taps][channels].
    const std::int64_t taps = h * w;
    std::vector<float> by_tap(static_cast<std::size_t>(out * taps));
    for (std::int64_t c = 0; c < out; ++c)
      for (std::int64_t t = 0; t < taps; ++t)
        by_tap[static_cast<std::size_t>(t * out + c)] = weights[static_cast<std::size_t>(c * taps + t)];
    for (Isa isa : available_isas()) {
      const AlignedBytes expected = pack_depthwise(kernels(isa), by_tap.data(), taps, out, false);
      AlignedBytes found(expected.size());
      std::memset(found.data(), 0, found.size());
      repack_depthwise(WeightsView::of_model(weights.data(), out, h, w, 1, out), out, found);
      CHECK(std::memcmp(found.data(), expected.data(), found.size()) == 0);
    }
  }
}

TEST_CASE("gradient kernels: fake quantization uses exact quotients") {
  Random r(55);
  for (int round = 0; round < rounds(400); ++round) {
    const std::int64_t n = r.between(1, 90);
    FakeQuantized f;
    f.count = n;
    f.scale = round % 8 == 0 ? 1e-38f : std::ldexp(r.real(0.5f, 1), static_cast<int>(r.between(-20, 5)));
    const std::int64_t zero = r.between(-128, 127);
    f.low = static_cast<float>(-128 - zero);
    f.high = static_cast<float>(127 - zero);
    Floats x(n, 4);
    // Beyond both limits, and at ties between codes.
    for (std::int64_t i = 0; i < n; ++i)
      x.set(i,
            r.chance(50) ? f.scale * (static_cast<float>(r.between(-300, 300)) + 0.5f) : f.scale * r.real(-400, 400));
    std::vector<float> y;
    std::vector<std::uint8_t> inside(static_cast<std::size_t>(n + 7) / 8);
    float low = x[0], high = x[0];
    for (std::int64_t i = 0; i < n; ++i) {
      const float q = std::min(std::max(std::nearbyint(x[i] / f.scale), f.low), f.high);
      y.push_back((q + 0.0f) * f.scale);
      if (x[i] >= f.low * f.scale && x[i] <= f.high * f.scale)
        inside[static_cast<std::size_t>(i / 8)] |= static_cast<std::uint8_t>(1 << i % 8);
      low = std::min(low, x[i]);
      high = std::max(high, x[i]);
    }
    // The gradient with respect to the scale adds element i to sum i % 16.
    const Floats dy = random_floats(r, n), sums = random_floats(r, 16);
    std::vector<float> dx, sum = copied(sums);
    for (std::int64_t i = 0; i < n; ++i) {
      const float v = x[i] * (1 / f.scale), q = std::min(std::max(std::nearbyint(v) + 0.0f, f.low), f.high);
      const bool in = inside[static_cast<std::size_t>(i / 8)] >> i % 8 & 1;
      dx.push_back(in ? dy[i] : 0);
      float& to = sum[static_cast<std::size_t>(i % 16)];
      to = std::fma(dy[i], q - (in ? v : 0), to);
    }
    for (Isa isa : available_isas()) {
      INFO(name(isa), ", round ", round, ", scale ", f.scale);
      const GradientKernels& k = kernels(isa).gradient;
      Guarded<float> f1 = output(x), f2 = output(x), f3 = output(dy), f4 = output(dy), f5 = output(sums);
      Guarded<std::uint8_t> bits((n + 7) / 8, 1);
      float seen[2], again[2];
      f.x = x.data();
      f.y = f1.data();
      f.inside = nullptr;
      k.fake_quantize(f, seen);
      check_same(f1, y);
      f.x = f.y = f2.data();  // in place
      f.inside = bits.data();
      k.fake_quantize(f, again);
      check_same(f2, y);
      CHECK(bits.intact());
      CHECK(std::memcmp(bits.data(), inside.data(), inside.size()) == 0);
      for (const float* s : {seen, again}) CHECK((s[0] == low && s[1] == high));
      k.pass_inside(inside.data(), f3.data(), f3.data(), n);
      check_same(f3, dx);
      FakeQuantizedGradient g;
      g.x = x.data();
      g.dy = g.dx = f4.data();
      g.count = n;
      g.scale = f.scale;
      g.low = f.low;
      g.high = f.high;
      k.fake_quantize_gradient(g, f5.data());
      check_same(f4, dx);
      check_same(f5, sum);
      // The range is NaN if any element is not finite.
      Floats bad(n, 4);
      for (std::int64_t i = 0; i < n; ++i) bad.set(i, x[i]);
      bad.set(r.between(0, n - 1),
              r.chance(50) ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN());
      f.x = bad.data();
      f.y = f1.data();
      f.inside = nullptr;
      k.fake_quantize(f, seen);
      CHECK((std::isnan(seen[0]) && std::isnan(seen[1])));
    }
  }
}

TEST_CASE("gradient kernels: outer products of pairs of bfloat16") {
  Random r(57);
  for (Isa isa : available_isas()) {
    const Kernels& k = kernels(isa);
    CHECK((k.gradient.outer_product_bf16 != nullptr) == (k.gemm_bf16 != nullptr));
    if (!k.gemm_bf16) continue;
    for (int round = 0; round < rounds(200); ++round) {
      OuterProduct p;
      p.rows = r.between(1, 40);
      p.columns = r.between(1, 70);
      p.depth = r.between(1, 50);
      const std::int64_t depth = p.depth, pairs = (depth + 1) / 2, c_stride = p.columns + r.between(0, 3);
      Floats a(depth * p.rows, 4), b(depth * p.columns, 4);
      for (std::int64_t i = 0; i < depth * p.rows; ++i) a.set(i, r.real(-1, 1));
      for (std::int64_t i = 0; i < depth * p.columns; ++i) b.set(i, r.real(-1, 1));
      const std::int64_t a_stride = round_up(p.rows, 16) + 16, b_stride = round_up(p.columns, 16);
      Guarded<float> a_pairs(pairs * a_stride, 4), b_pairs(pairs * b_stride, 4);
      k.gradient.pack_pairs({a.data(), p.rows, depth, p.rows, reinterpret_cast<std::byte*>(a_pairs.data()), a_stride});
      k.gradient.pack_pairs(
          {b.data(), p.columns, depth, p.columns, reinterpret_cast<std::byte*>(b_pairs.data()), b_stride});
      CHECK((a_pairs.intact() && b_pairs.intact()));
      Floats before((p.rows - 1) * c_stride + p.columns, 4);
      for (std::int64_t i = 0; i < before.size(); ++i) before.set(i, r.real(-1, 1));
      const Guarded<float> c = output(before);
      p.a = a_pairs.data();
      p.a_stride = a_stride;
      p.b = b_pairs.data();
      p.b_stride = b_stride;
      p.c = c.data();
      p.c_stride = c_stride;
      p.depth = pairs;
      k.gradient.outer_product_bf16(p);
      CHECK(c.intact());
      int wrong = 0;
      for (std::int64_t i = 0; i < before.size(); ++i) {
        const std::int64_t row = i / c_stride, column = i % c_stride;
        double sum = static_cast<double>(before[i]), magnitude = std::abs(sum);
        for (std::int64_t d = 0; column < p.columns && d < depth; ++d) {
          const double product = static_cast<double>(static_cast<float>(bf16(a[d * p.rows + row]))) *
                                 static_cast<double>(static_cast<float>(bf16(b[d * p.columns + column])));
          sum += product;
          magnitude += std::abs(product);
        }
        wrong += !(std::abs(static_cast<double>(c[i]) - sum) <= magnitude * static_cast<double>(depth + 1) * 6e-8);
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("gradient kernels: rounding and requantization of sums") {
  Random r(56);
  for (int round = 0; round < rounds(100); ++round) {
    const std::int64_t rows = r.between(1, 5), channels = r.between(1, 70), padded = round_up(channels, 16);
    Floats x(rows * channels, 4), bias(padded, 4), inverse(padded, 4), unit(padded, 4);
    std::vector<std::int32_t> code(static_cast<std::size_t>(padded));
    RoundedSums s;
    s.step = r.chance(50) ? 0 : r.real(1e-3f, 1e-1f);
    for (std::int64_t c = 0; c < channels; ++c) {
      const float scale = r.real(1e-4f, 1e-2f);
      bias.set(c, r.chance(20) ? 0 : r.real(-3, 3));
      code[static_cast<std::size_t>(c)] = static_cast<std::int32_t>(std::nearbyint(bias[c] / scale));
      inverse.set(c, r.chance(5) ? std::numeric_limits<float>::quiet_NaN() : 1 / scale);
      unit.set(c, s.step > 0 ? (r.chance(5) ? 1e9f : scale / s.step) : scale);
    }
    for (std::int64_t i = 0; i < rows * channels; ++i)
      x.set(i, r.chance(5) ? 1e12f : r.chance(5) ? std::numeric_limits<float>::quiet_NaN() : r.real(-3, 3));
    std::vector<float> y;
    for (std::int64_t i = 0; i < rows * channels; ++i) {
      const std::int64_t c = i % channels;
      const float v = (x[i] - bias[c]) * inverse[c];
      if (!(std::abs(v) < 0x1p30f)) {
        y.push_back(x[i]);
        continue;
      }
      const auto sum = static_cast<std::int32_t>(std::nearbyint(v)) + code[static_cast<std::size_t>(c)];
      const float scaled = static_cast<float>(sum) * unit[c];
      y.push_back(s.step > 0 ? (std::nearbyint(std::clamp(scaled, -0x1p30f, 0x1p30f)) + 0.0f) * s.step : scaled);
    }
    s.bias = bias.data();
    s.inverse = inverse.data();
    s.unit = unit.data();
    s.code = code.data();
    for (Isa isa : available_isas()) {
      INFO(name(isa), ", round ", round);
      Guarded<float> found = output(x);
      s.in = {found.data(), rows, channels};
      s.y = found.data();
      kernels(isa).gradient.round_sums(s);
      check_same(found, y);
    }
  }
}
