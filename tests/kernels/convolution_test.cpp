#include <doctest/doctest.h>

#include <octet/kernels/convolution_shape.hpp>

#include "support/epilogue.hpp"
#include "support/isas.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

// A random window over a random image.
struct Geometry {
  std::int64_t height, width, channels, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top,
      pad_left;
  std::int64_t out_h, out_w;

  Geometry(Random& r, std::int64_t most_channels)
      : height(r.between(1, 9)),
        width(r.between(1, 9)),
        channels(r.between(1, most_channels)),
        kernel_h(r.between(1, 5)),
        kernel_w(r.between(1, 5)),
        stride_h(r.between(1, 3)),
        stride_w(r.between(1, 3)),
        dilation_h(r.between(1, 2)),
        dilation_w(r.between(1, 2)),
        pad_top(r.between(0, 4)),
        pad_left(r.between(0, 4)) {
    if (r.chance(60)) {  // shapes with special kernels
      kernel_h = kernel_w = r.chance(50) ? 3 : 5;
      stride_h = stride_w = r.between(1, 2);
      dilation_h = dilation_w = 1;
      height += r.between(0, 9);
      width += r.between(0, 9);
    }
    // Outputs whose windows may be partly or completely outside the image.
    out_h = r.between(1, (height + pad_top + 2) / stride_h + 1);
    out_w = r.between(1, (width + pad_left + 2) / stride_w + 1);
  }
  ConvolutionShape shape() const {
    ConvolutionShape s;
    s.in_h = height;
    s.in_w = width;
    s.in_c = s.out_c = channels;
    s.out_h = out_h;
    s.out_w = out_w;
    s.kernel_h = kernel_h;
    s.kernel_w = kernel_w;
    s.stride_h = stride_h;
    s.stride_w = stride_w;
    s.dilation_h = dilation_h;
    s.dilation_w = dilation_w;
    s.pad_top = pad_top;
    s.pad_left = pad_left;
    return s;
  }
  std::int64_t taps() const { return kernel_h * kernel_w; }
  bool by_rows() const {
    const KernelWindow k{kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w};
    return k.square(3, 1) || k.square(3, 2) || k.square(5, 1) || k.square(5, 2);
  }
  /// Index of the pixel under tap t of output (y, x), or -1 on the padding.
  std::int64_t pixel(std::int64_t y, std::int64_t x, std::int64_t t) const {
    const std::int64_t iy = y * stride_h - pad_top + t / kernel_w * dilation_h;
    const std::int64_t ix = x * stride_w - pad_left + t % kernel_w * dilation_w;
    return iy < 0 || iy >= height || ix < 0 || ix >= width ? -1 : iy * width + ix;
  }
};

}  // namespace

TEST_CASE("gather: windows become rows, pixels outside become padding") {
  Random random(40);
  for (int round = 0; round < rounds(1500); ++round) {
    const Geometry w(random, 40);
    const std::int64_t batch = random.between(1, 3), groups = random.chance(70) ? 1 : random.between(1, 3);
    const std::int64_t run = w.channels, pixel_bytes = run * groups, group = random.between(0, groups - 1);
    Exact<std::uint8_t> in(batch * w.height * w.width * pixel_bytes, static_cast<std::size_t>(random.between(0, 3)));
    random.fill(in.data(), in.size(), 0, 255);
    Exact<std::uint8_t> padding(w.kernel_w * run);
    std::memset(padding.bytes(), 77, static_cast<std::size_t>(padding.size()));
    Gather g;
    g.shape = w.shape();
    g.in = in.bytes() + group * run;
    g.pixel_bytes = pixel_bytes;
    g.run_bytes = run;
    g.padding = padding.bytes();
    g.repeat = random.chance(80) ? 1 : 2;
    const std::int64_t pixels = batch * w.out_h * w.out_w, row = g.repeat * w.taps() * run;
    g.first = random.between(0, pixels - 1);
    g.count = random.between(1, pixels - g.first);
    g.row_stride = round_up(row, 64);
    for (Isa isa : available_isas()) {
      Guarded<std::uint8_t> rows(g.count * g.row_stride + 64);
      g.rows = rows.bytes();
      kernels(isa).gather(g);
      int wrong = !rows.intact();
      for (std::int64_t i = 0; i < g.count; ++i)
        for (std::int64_t k = 0; k < row; ++k) {
          const std::int64_t p = g.first + i, image = p / (w.out_h * w.out_w), rest = p % (w.out_h * w.out_w);
          const std::int64_t at = w.pixel(rest / w.out_w, rest % w.out_w, k / run % w.taps());
          const int expected =
              at < 0 ? 77 : in[(image * w.height * w.width + at) * pixel_bytes + group * run + k % run];
          wrong += rows[i * g.row_stride + k] != expected;
        }
      INFO(name(isa), ", round ", round);
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("depthwise u8s8: every store, every instruction set") {
  Random random(41);
  for (int round = 0; round < rounds(2000); ++round) {
    const Geometry w(random, random.chance(70) ? 70 : 150);
    const std::int64_t repeat = random.chance(80) ? 1 : 2, taps = repeat * w.taps(), channels = w.channels;
    Exact<std::uint8_t> in(w.height * w.width * channels, static_cast<std::size_t>(random.between(0, 3)));
    random.fill(in.data(), in.size(), random.chance(10) ? 255 : 0, 255);
    std::vector<std::int8_t> weights(static_cast<std::size_t>(taps * channels));
    random.fill(weights.data(), taps * channels, -128, random.chance(10) ? -128 : 127);
    Tensor<std::int32_t> init = pad_columns<std::int32_t>(nullptr, channels);
    random.fill(init.data(), channels, -5000, 5000);
    const std::uint8_t zero = static_cast<std::uint8_t>(random.between(0, 255));
    Exact<std::uint8_t> padding(w.width * channels);
    std::memset(padding.bytes(), zero, static_cast<std::size_t>(padding.size()));

    constexpr Store stores[] = {Store::accumulator, Store::u8, Store::u8_residual, Store::scaled_f32};
    const Store store = stores[round % 4];
    RandomEpilogue way(store, channels, random);
    const bool bytes = store == Store::u8 || store == Store::u8_residual;
    const std::int64_t element = bytes ? 1 : 4, pixels = w.out_h * w.out_w;
    Exact<std::uint8_t> residual(pixels * channels);
    random.fill(residual.data(), residual.size(), 0, 255);
    const bool wraps = random.chance(20);
    if (wraps) std::fill(init.data(), init.data() + channels, std::numeric_limits<std::int32_t>::max());
    if (store == Store::u8_residual) {
      way.e.residual = residual.bytes();
      way.e.residual_stride = channels;
    }

    Depthwise d;
    d.shape = w.shape();
    d.in = in.bytes();
    d.padding = padding.bytes();
    d.repeat = repeat;
    d.init = init.bytes();
    d.row_begin = random.between(0, w.out_h - 1);
    d.row_end = random.between(d.row_begin + 1, w.out_h);
    d.channel_begin = random.chance(70) ? 0 : random.between(0, (channels - 1) / 64) * 64;
    d.channel_end = random.chance(70) ? channels : std::min(channels, d.channel_begin + 64);
    d.by_rows = repeat == 1 && w.by_rows() && random.chance(80);
    for (Isa isa : available_isas()) {
      const AlignedBytes packed = pack_depthwise(kernels(isa), weights.data(), taps, channels, d.by_rows);
      d.weights = packed.data();
      Exact<const std::byte*> room(round_up(taps, 4));
      d.taps = room.data();
      OutputRows out(pixels, channels, element, (channels + 2) * element);
      std::memset(out.bytes(), 0x5A, static_cast<std::size_t>(pixels > 0 ? channels * element : 0));
      d.epilogue = way.e;
      d.epilogue.out = out.bytes();
      d.epilogue.out_stride = (channels + 2) * element;
      kernels(isa).depthwise_u8s8(d);
      int wrong = !out.intact();
      for (std::int64_t y = d.row_begin; y < d.row_end; ++y)
        for (std::int64_t x = 0; x < w.out_w; ++x)
          for (std::int64_t c = d.channel_begin; c < d.channel_end; ++c) {
            std::int64_t sum = init[c];
            for (std::int64_t t = 0; t < taps; ++t) {
              const std::int64_t at = w.pixel(y, x, t % w.taps());
              sum += std::int64_t{at < 0 ? zero : in[at * channels + c]} *
                     weights[static_cast<std::size_t>(t * channels + c)];
            }
            const auto acc = static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(sum)));
            const std::int64_t p = y * w.out_w + x;
            if (bytes)
              wrong +=
                  out.at<std::uint8_t>(p, c) != expected_u8(way.e, acc, way.e.scale[c], residual[p * channels + c]);
            else if (store == Store::scaled_f32)
              wrong += bits_of(out.at<float>(p, c)) !=
                       bits_of(expected_scaled(way.e, static_cast<float>(acc), *way.e.row_scale, way.e.scale[c],
                                               way.e.shift[c], nullptr));
            else
              wrong += out.at<std::int32_t>(p, c) != acc;
          }
      INFO(name(isa), ", round ", round);
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("depthwise: only the given rows and channels are written") {
  Random random(42);
  for (Isa isa : available_isas()) {
    const std::int64_t channels = 140, pixels = 4 * 5;
    const std::vector<std::int8_t> weights(static_cast<std::size_t>(9 * channels), 1);
    const AlignedBytes packed = pack_depthwise(kernels(isa), weights.data(), 9, channels, true);
    Exact<std::uint8_t> in(pixels * channels), padding(5 * channels);
    random.fill(in.data(), in.size(), 0, 9);
    std::memset(padding.bytes(), 0, static_cast<std::size_t>(padding.size()));
    const Tensor<std::int32_t> init = pad_columns<std::int32_t>(nullptr, channels);
    std::vector<std::int32_t> out(static_cast<std::size_t>(pixels * channels), -1);
    std::array<const std::byte*, 12> room;
    Depthwise d;
    d.in = in.bytes();
    d.shape.in_h = d.shape.out_h = 4;
    d.shape.in_w = d.shape.out_w = 5;
    d.shape.in_c = d.shape.out_c = channels;
    d.shape.kernel_h = d.shape.kernel_w = 3;
    d.shape.pad_top = d.shape.pad_left = 1;
    d.row_begin = 1;
    d.row_end = 3;
    d.channel_begin = 64;
    d.channel_end = 128;
    d.by_rows = true;
    d.weights = packed.data();
    d.init = init.bytes();
    d.padding = padding.bytes();
    d.taps = room.data();
    d.epilogue.out = reinterpret_cast<std::byte*>(out.data());
    d.epilogue.out_stride = channels * 4;
    kernels(isa).depthwise_u8s8(d);
    int wrong = 0;
    for (std::int64_t i = 0; i < pixels * channels; ++i) {
      const std::int64_t y = i / channels / 5, c = i % channels;
      wrong += (out[static_cast<std::size_t>(i)] >= 0) != (y >= 1 && y < 3 && c >= 64 && c < 128);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("depthwise f32: one chain of fused multiply-adds, the same bits on every instruction set") {
  Random random(43);
  for (int round = 0; round < rounds(1000); ++round) {
    const Geometry w(random, 70);
    const std::int64_t channels = w.channels, taps = w.taps(), pixels = w.out_h * w.out_w;
    Exact<float> in(w.height * w.width * channels, 4), padding(w.width * channels);
    random.fill(in.data(), in.size());
    std::memset(padding.bytes(), 0, static_cast<std::size_t>(padding.size()) * 4);
    std::vector<float> weights(static_cast<std::size_t>(taps * channels)),
        residual(static_cast<std::size_t>(pixels * channels));
    random.fill(weights.data(), taps * channels);
    random.fill(residual.data(), pixels * channels);
    Tensor<float> init = pad_columns<float>(nullptr, channels);
    random.fill(init.data(), channels);
    RandomEpilogue way(Store::f32, channels, random);
    if (random.chance(50)) {
      way.e.residual = reinterpret_cast<std::byte*>(residual.data());
      way.e.residual_stride = channels * 4;
    }
    const AlignedBytes packed = pack_depthwise(kernels(), weights.data(), taps, channels, false);
    Depthwise d;
    d.shape = w.shape();
    d.in = in.bytes();
    d.padding = padding.bytes();
    d.init = init.bytes();
    d.weights = packed.data();
    d.row_begin = 0;
    d.row_end = w.out_h;
    d.channel_begin = 0;
    d.channel_end = channels;
    for (Isa isa : available_isas()) {
      Exact<const std::byte*> room(round_up(taps, 4));
      d.taps = room.data();
      OutputRows out(pixels, channels, 4, (channels + 1) * 4, 4);
      d.epilogue = way.e;
      d.epilogue.out = out.bytes();
      d.epilogue.out_stride = (channels + 1) * 4;
      kernels(isa).depthwise_f32(d);
      int wrong = !out.intact();
      for (std::int64_t p = 0; p < pixels; ++p)
        for (std::int64_t c = 0; c < channels; ++c) {
          float acc = init[c];
          for (std::int64_t t = 0; t < taps; ++t) {
            const std::int64_t at = w.pixel(p / w.out_w, p % w.out_w, t);
            acc = std::fma(at < 0 ? 0.0f : in[at * channels + c], weights[static_cast<std::size_t>(t * channels + c)],
                           acc);
          }
          const float expected = expected_f32(
              way.e, acc, way.e.residual ? &residual[static_cast<std::size_t>(p * channels + c)] : nullptr);
          wrong += bits_of(out.at<float>(p, c)) != bits_of(expected);
        }
      INFO(name(isa), ", round ", round);
      CHECK(wrong == 0);
    }
  }
}
