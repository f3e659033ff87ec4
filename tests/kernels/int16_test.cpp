#include <doctest/doctest.h>

#include <octet/kernels/bytes.hpp>
#include <octet/kernels/few_columns.hpp>
#include <octet/kernels/pack.hpp>
#include <octet/kernels/requantize.hpp>

#include "support/epilogue.hpp"
#include "support/isas.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

// 16-bit activations: products and their sums as 16-bit codes, compared with 64-bit integers and single numbers.

namespace {

constexpr std::int64_t sizes[] = {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65};

// How sums become codes: half to even by a factor, or TFLite's fixed point. Ties are frequent.
struct Rounding16 {
  bool half_up;
  std::int32_t low = -32768, high = 32767;
  std::vector<FixedPointMultiplier> fixed;
  Tensor<double> factors;

  Rounding16(bool up, std::int64_t channels, double largest_sum, Random& random)
      : half_up(up), factors(pad_columns<double>(nullptr, channels)) {
    for (std::int64_t c = 0; c < channels; ++c) {
      double f = 40000 * static_cast<double>(random.real(0.2f, 2)) / largest_sum;
      if (random.chance(50)) f = std::exp2(std::round(std::log2(f)));
      fixed.emplace_back(f);
      factors[c] = up ? wide_factor(fixed.back()) : f;
    }
    if (random.chance(50)) low = static_cast<std::int32_t>(random.between(-2000, 0));
    if (random.chance(50)) high = static_cast<std::int32_t>(random.between(0, 20000));
  }
  double nudge() const { return half_up ? 0x1p-36 : 0; }
  void apply(Epilogue& e) const {
    e.store = Store::i16;
    e.wide_scale = factors.data();
    e.nudge = nudge();
    e.low = low;
    e.high = high;
  }
  double unclamped(std::int64_t sum, std::int64_t c) const {
    return half_up ? static_cast<double>(multiply_wide(sum, fixed[static_cast<std::size_t>(c)]))
                   : static_cast<double>(sum) * factors[c];
  }
  std::int16_t code(double v) const {
    return static_cast<std::int16_t>(std::clamp(std::nearbyint(v), double(low), double(high)));
  }
};

}  // namespace

TEST_CASE("int16 kernels: products as codes, every instruction set") {
  Random random(11);
  std::vector<std::int64_t> few_or_many(std::begin(sizes), std::end(sizes));
  few_or_many.insert(few_or_many.end(), {4, 5, 6, 8});
  for (Isa isa : available_isas())
    for (std::int64_t columns : few_or_many)
      for (int repeat = 0; repeat < 12; ++repeat) {
        const Kernels& k = kernels(isa);
        const bool few = repeat >= 6;
        if (few && !has_few_columns<std::int8_t>(k, columns, true)) break;
        const std::int64_t rows = random.between(1, 30), depth = random.between(1, 40);
        const bool extremes = random.chance(25);
        const std::ptrdiff_t stride = round_up(2 * depth, 4) + random.between(0, 3) * 2;
        Exact<std::uint8_t> a(rows * stride + 4);
        auto* x = reinterpret_cast<std::int16_t*>(a.data());
        random.fill(x, rows * stride / 2 + 2, extremes ? -32768 : -2000, extremes ? -32767 : 2000);
        std::vector<std::int8_t> w(static_cast<std::size_t>(columns * depth));
        random.fill(w.data(), columns * depth, extremes ? -128 : -20, extremes ? -127 : 20);
        Tensor<std::int32_t> init = pad_columns<std::int32_t>(nullptr, columns);
        random.fill(init.data(), columns, -100000, 100000);
        const double largest = static_cast<double>(depth) * (extremes ? 0x1p22 : 1000) + 100000;
        const Rounding16 way(random.chance(50), columns, largest, random);
        const PackedMatrix packed = few ? pack_few_columns(k, w.data(), columns, depth, 2)
                                        : pack_matrix(k, w.data(), columns, depth, ColumnOrder::natural, 2);
        Gemm g;
        g.a = a.bytes();
        g.a_stride = stride;
        g.rows = rows;
        g.steps = packed.steps;
        g.b = packed.data.data();
        g.columns = columns;
        g.init = init.bytes();
        way.apply(g.epilogue);
        g.epilogue.out_stride = (columns + random.between(0, 3)) * 2;
        OutputRows out(rows, columns, 2, g.epilogue.out_stride, static_cast<std::size_t>(random.between(0, 5) * 2));
        g.epilogue.out = out.bytes();
        few ? k.few_s16s8(g) : k.gemm_s16s8(g);
        int wrong = !out.intact();
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t c = 0; c < columns; ++c) {
            std::int64_t sum = init[c];
            for (std::int64_t i = 0; i < depth; ++i)
              sum += std::int64_t{x[r * stride / 2 + i]} * w[static_cast<std::size_t>(c * depth + i)];
            wrong += out.at<std::int16_t>(r, c) != way.code(way.unclamped(sum, c));
          }
        INFO(std::string(name(isa)), ", ", rows, " x ", columns, " x ", depth);
        CHECK(wrong == 0);
      }
}

TEST_CASE("int16 kernels: depthwise as codes, every instruction set") {
  Random random(12);
  for (Isa isa : available_isas())
    for (std::int64_t channels : sizes)
      for (const std::int64_t size : {3, 5, 2})
        for (const std::int64_t stride : {1, 2}) {
          Depthwise d;
          ConvolutionShape& s = d.shape;
          s.in_h = random.between(1, 6) + size;
          s.in_w = random.between(1, 20) + size;
          s.in_c = s.out_c = s.groups = channels;
          s.kernel_h = s.kernel_w = size;
          s.stride_h = s.stride_w = stride;
          s.pad_top = random.between(0, size - 1);
          s.pad_left = random.between(0, size - 1);
          s.out_h = (s.in_h + s.pad_top + random.between(0, size - 1) - size) / stride + 1;
          s.out_w = (s.in_w + s.pad_left + random.between(0, size - 1) - size) / stride + 1;
          const bool extremes = random.chance(25);
          Exact<std::int16_t> in(s.in_h * s.in_w * channels);
          random.fill(in.data(), in.size(), extremes ? -32768 : -3000, extremes ? -32767 : 3000);
          const std::int64_t taps = size * size;
          std::vector<std::int16_t> w(static_cast<std::size_t>(taps * channels));
          random.fill(w.data(), taps * channels, extremes ? -128 : -20, extremes ? -127 : 20);
          Tensor<std::int32_t> init = pad_columns<std::int32_t>(nullptr, channels);
          random.fill(init.data(), channels, -100000, 100000);
          const std::vector<std::int16_t> padding(static_cast<std::size_t>(s.in_w * channels));
          const Rounding16 way(random.chance(50), channels,
                               static_cast<double>(taps) * (extremes ? 0x1p22 : 5000) + 100000, random);
          const Kernels& k = kernels(isa);
          std::vector<const std::byte*> room(static_cast<std::size_t>(round_up(taps, 4)));
          d.by_rows = size != 2;
          const AlignedBytes packed = pack_depthwise(k, w.data(), taps, channels, d.by_rows);
          d.in = in.bytes();
          d.row_end = s.out_h;
          d.channel_end = channels;
          d.weights = packed.data();
          d.init = init.bytes();
          d.padding = reinterpret_cast<const std::byte*>(padding.data());
          d.taps = room.data();
          way.apply(d.epilogue);
          d.epilogue.out_stride = channels * 2;
          const std::int64_t pixels = s.out_h * s.out_w;
          OutputRows out(pixels, channels, 2, d.epilogue.out_stride, 2);
          d.epilogue.out = out.bytes();
          k.depthwise_s16(d);
          int wrong = !out.intact();
          for (std::int64_t p = 0; p < pixels; ++p)
            for (std::int64_t c = 0; c < channels; ++c) {
              std::int64_t sum = init[c];
              for (std::int64_t t = 0; t < taps; ++t) {
                const std::int64_t y = p / s.out_w * stride - s.pad_top + t / size,
                                   x = p % s.out_w * stride - s.pad_left + t % size;
                if (y < 0 || y >= s.in_h || x < 0 || x >= s.in_w) continue;
                sum +=
                    std::int64_t{in[(y * s.in_w + x) * channels + c]} * w[static_cast<std::size_t>(t * channels + c)];
              }
              wrong += out.at<std::int16_t>(p, c) != way.code(way.unclamped(sum, c));
            }
          INFO(std::string(name(isa)), ", ", channels, " channels, size ", size, ", stride ", stride);
          CHECK(wrong == 0);
        }
}

TEST_CASE("int16 kernels: sums of parts, biases and residuals, every instruction set") {
  Random random(13);
  for (Isa isa : available_isas())
    for (std::int64_t channels : sizes)
      for (int repeat = 0; repeat < 24; ++repeat) {
        const std::int64_t rows = random.between(1, 5), parts = random.between(0, 2);
        const bool with_residual = random.chance(50), floats = random.chance(25),
                   with_bias = parts || random.chance(50);
        const std::int64_t size = rows * channels;
        std::vector<std::int32_t> sums(static_cast<std::size_t>(size)), more(static_cast<std::size_t>(parts * size));
        random.fill(sums.data(), size, -2147483647 - 1, 2147483647);
        random.fill(more.data(), parts * size, -2147483647 - 1, 2147483647);
        Tensor<double> bias = pad_columns<double>(nullptr, channels);
        random.fill(bias.data(), channels, -(std::int64_t{1} << 36), std::int64_t{1} << 36);
        const Rounding16 way(random.chance(50), channels, with_bias ? 0x1p33 : 0x1p30, random);
        const FixedPointMultiplier residual_fixed(static_cast<double>(random.real(0.01f, 0.99f)));
        std::vector<std::int16_t> residual(static_cast<std::size_t>(size)), out(static_cast<std::size_t>(size + 1), 99);
        std::vector<float> out_f32(static_cast<std::size_t>(size + 1), 99.0f);
        random.fill(residual.data(), size, -32768, 32767);
        SumsI16 s;
        s.sums = sums.data();
        s.more = more.data();
        s.stride = s.more_stride = s.out_stride = s.residual_stride = channels;
        s.parts = parts;
        s.part_size = size;
        s.rows = rows;
        s.channels = channels;
        if (with_bias) s.bias = bias.data();
        s.scale = way.factors.data();
        if (with_residual && !floats) s.residual = residual.data();
        s.apart = way.half_up;
        s.nudge = floats ? 0 : way.nudge();
        s.residual_scale = way.half_up ? wide_factor(residual_fixed) : 0.37;
        s.smallest = way.low;
        s.largest = way.high;
        if (floats)
          s.out_f32 = out_f32.data();
        else
          s.out = out.data();
        byte_kernels(isa).int16.store(s);
        int wrong = out.back() != 99 || out_f32.back() != 99.0f;
        for (std::int64_t i = 0; i < size; ++i) {
          const std::int64_t c = i % channels;
          const auto at = static_cast<std::size_t>(i);
          std::int64_t sum = sums[at] + (with_bias ? static_cast<std::int64_t>(bias[c]) : 0);
          for (std::int64_t p = 0; p < parts; ++p) sum += more[static_cast<std::size_t>(p * size) + at];
          if (floats) {
            const double v = std::clamp(static_cast<double>(sum) * way.factors[c], double(way.low), double(way.high));
            wrong += out_f32[at] != static_cast<float>(v);
            continue;
          }
          double v = way.unclamped(sum, c);
          if (with_residual)
            v = way.half_up ? v + static_cast<double>(multiply_wide(residual[at], residual_fixed))
                            : std::fma(static_cast<double>(residual[at]), 0.37, v);
          wrong += out[at] != way.code(v);
        }
        INFO(std::string(name(isa)), ", ", channels, " channels, ", rows, " rows, ", parts, " parts");
        CHECK(wrong == 0);
      }
}
