#include <doctest/doctest.h>

#include <octet/kernels/convolution.hpp>
#include <octet/kernels/winograd.hpp>
#include <ostream>

#include "support/epilogue.hpp"
#include "support/isas.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace octet::detail {

std::ostream& operator<<(std::ostream& o, const ConvolutionShape& s) {
  return o << s.batch << " x " << s.in_h << " x " << s.in_w << " x " << s.in_c << " -> " << s.out_h << " x " << s.out_w
           << " x " << s.out_c << ", padding " << s.pad_top << ' ' << s.pad_left;
}

}  // namespace octet::detail

namespace {

ConvolutionShape shape_3x3(std::int64_t in_h, std::int64_t in_w, std::int64_t in_c, std::int64_t out_c,
                           std::int64_t pad) {
  ConvolutionShape s;
  s.kernel_h = s.kernel_w = 3;
  s.in_h = in_h;
  s.in_w = in_w;
  s.in_c = in_c;
  s.out_c = out_c;
  s.pad_top = s.pad_left = pad;
  s.out_h = in_h + 2 * pad - 2;
  s.out_w = in_w + 2 * pad - 2;
  return s;
}

ConvolutionShape random_shape(Random& r) {
  ConvolutionShape s = shape_3x3(r.between(1, 15), r.between(1, 15), r.between(16, 70), r.between(16, 140), 0);
  s.pad_top = r.between(0, 3);
  s.pad_left = r.between(0, 3);
  // Outputs whose windows may be partly or completely outside the image.
  s.out_h = r.between(1, s.in_h + s.pad_top + 1);
  s.out_w = r.between(1, s.in_w + s.pad_left + 1);
  s.batch = r.chance(70) ? 1 : r.between(2, 3);
  return s;
}

// With so many tiles, WeightMemory::balanced transforms weights in each run.
ConvolutionShape large_shape(Random& r) {
  return shape_3x3(r.between(56, 59), r.between(56, 59), r.between(16, 20), r.between(16, 20), 1);
}

template <class T>
ConvolutionWeights<T> weights_for(const ConvolutionShape& s, const std::vector<T>& values, WeightMemory memory,
                                  const std::int32_t* init = nullptr) {
  ConvolutionWeights<T> w;
  w.values = values.data();
  w.out_c = s.out_c;
  w.window = s;
  w.group_in = s.in_c;
  w.memory = memory;
  w.init = init;
  return w;
}

// All parameters of an epilogue.
template <class T>
struct Operands {
  std::vector<T> in;
  Tensor<std::int32_t> init;  // or the same as floats
  T zero;
  Epilogue way;
  std::int64_t out_element;
};

std::size_t output_bytes(const ConvolutionShape& s, std::int64_t element) {
  return static_cast<std::size_t>(s.rows() * s.out_c * element);
}

// Calls f(in, padding, epilogue) with the outputs at `out`.
template <class T, class F>
void with_pointers(const ConvolutionShape& s, const Operands<T>& o, std::vector<std::byte>& out, F f) {
  Epilogue e = o.way;
  e.out = out.data();
  e.out_stride = s.out_c * o.out_element;
  const std::vector<T> padding(static_cast<std::size_t>(s.kernel_w * s.in_c), o.zero);
  f(reinterpret_cast<const std::byte*>(o.in.data()), reinterpret_cast<const std::byte*>(padding.data()), e);
}

// Computes output channels [first, last) directly; the others are unchanged.
template <class W, class T>
void run_direct(GemmConvolution<W>& c, const ConvolutionShape& s, const Operands<T>& o, int threads,
                std::vector<std::byte>& out, std::int64_t first, std::int64_t last) {
  with_pointers(s, o, out, [&](const std::byte* in, const std::byte* padding, const Epilogue& e) {
    AlignedBytes scratch(c.plan(s, threads));
    ThreadPool pool(threads);
    c.run_columns(in, o.init.bytes(), padding, e, o.out_element, scratch.data(), pool, first, last);
  });
}
template <class W, class T>
std::vector<std::byte> direct(GemmConvolution<W> c, const ConvolutionShape& s, const Operands<T>& o) {
  std::vector<std::byte> out(output_bytes(s, o.out_element), std::byte{0x5A});
  run_direct(c, s, o, 1, out, 0, s.out_c);
  return out;
}
template <class W, class T>
std::vector<std::byte> winograd(WinogradConvolution<W>& c, const ConvolutionShape& s, const Operands<T>& o, int threads,
                                const PackedMatrix* weights = nullptr) {
  std::vector<std::byte> out(output_bytes(s, o.out_element), std::byte{0x5A});
  with_pointers(s, o, out, [&](const std::byte* in, const std::byte* padding, const Epilogue& e) {
    AlignedBytes scratch(c.plan(s, threads));
    ThreadPool pool(threads);
    c.run(in, o.init.bytes(), padding, e, scratch.data(), pool, weights);
  });
  return out;
}

// 2 x 2 max pooling of an output with even sizes.
template <class T>
std::vector<std::byte> pooled(const ConvolutionShape& s, const std::vector<std::byte>& all) {
  const auto* x = reinterpret_cast<const T*>(all.data());
  std::vector<std::byte> result(all.size() / 4);
  auto* to = reinterpret_cast<T*>(result.data());
  for (std::int64_t p = 0; p < s.rows() / 4; ++p)
    for (std::int64_t c = 0; c < s.out_c; ++c) {
      const std::int64_t w = s.out_w / 2, n = p / w / (s.out_h / 2), y = p / w % (s.out_h / 2) * 2;
      const T* at = x + ((n * s.out_h + y) * s.out_w + p % w * 2) * s.out_c + c;
      *to++ = std::max({at[0], at[s.out_c], at[s.out_w * s.out_c], at[(s.out_w + 1) * s.out_c]});
    }
  return result;
}
template <class W, class T>
void check_pooled(WinogradConvolution<W>& c, const ConvolutionShape& s, Operands<T> o, int threads,
                  const std::vector<std::byte>& all) {
  if (s.out_h % 2 != 0 || s.out_w % 2 != 0 || o.way.residual) return;
  o.way.pooled = true;
  std::vector<std::byte> got = winograd(c, s, o, threads);
  got.resize(all.size() / 4);
  CHECK(got == (o.out_element == 1 ? pooled<std::uint8_t>(s, all) : pooled<float>(s, all)));
}

std::vector<std::uint8_t> random_image(const ConvolutionShape& s, Random& r, int low = 0) {
  std::vector<std::uint8_t> in(static_cast<std::size_t>(s.batch * s.in_h * s.in_w * s.in_c));
  r.fill(in.data(), static_cast<std::int64_t>(in.size()), low, 255);
  return in;
}

// Outputs are float(sum) * scale, so that every sum below 2^24 can be checked, and those at the limit.
Epilogue plain_sums(const Tensor<float>& ones, const Tensor<float>& zeros) {
  Epilogue e;
  e.store = Store::scaled_f32;
  e.scale = ones.data();
  e.shift = zeros.data();
  e.sums = zeros.data();
  e.low_f32 = -std::numeric_limits<float>::infinity();
  e.high_f32 = std::numeric_limits<float>::infinity();
  return e;
}

}  // namespace

TEST_CASE("winograd u8s8: the same bits as the direct form") {
  Random random(50);
  for (int round = 0; round < rounds(400); ++round) {
    const ConvolutionShape s = round % 40 == 0 ? large_shape(random) : random_shape(random);
    constexpr Store stores[] = {Store::u8, Store::u8_residual, Store::scaled_f32};
    const Store store = stores[round % 3];
    const bool bytes = store != Store::scaled_f32;
    RandomEpilogue way(store, s.out_c, random);
    // The largest sums: all weights have one sign, up to the limit.
    const bool extreme = random.chance(20);
    std::vector<std::int8_t> weights(static_cast<std::size_t>(s.out_c * 9 * s.in_c));
    random.fill(weights.data(), s.out_c * 9 * s.in_c, extreme ? 127 : -128, 127);
    if (extreme && random.chance(50)) std::fill(weights.begin(), weights.end(), std::int8_t{-128});
    Operands<std::uint8_t> o{random_image(s, random, random.chance(20) ? 255 : 0),
                             pad_columns<std::int32_t>(nullptr, s.out_c),
                             static_cast<std::uint8_t>(random.between(0, 255)),
                             {},
                             bytes ? 1 : 4};
    random.fill(o.init.data(), s.out_c, -100000, 100000);
    std::vector<std::uint8_t> residual(static_cast<std::size_t>(s.rows() * s.out_c));
    random.fill(residual.data(), static_cast<std::int64_t>(residual.size()), 0, 255);
    std::vector<float> float_residual(static_cast<std::size_t>(s.rows() * s.out_c));
    random.fill(float_residual.data(), static_cast<std::int64_t>(float_residual.size()));
    if (store == Store::u8_residual) {
      way.e.residual = reinterpret_cast<const std::byte*>(residual.data());
      way.e.residual_stride = s.out_c;
    } else if (!bytes && random.chance(50)) {
      way.e.residual = reinterpret_cast<const std::byte*>(float_residual.data());
      way.e.residual_stride = s.out_c * 4;
    }
    o.way = way.e;

    const int threads = static_cast<int>(random.between(1, 3));
    const WeightMemory memory = random.chance(50) ? WeightMemory::fast : WeightMemory::balanced;
    ConvolutionWeights<std::int8_t> w = weights_for(s, weights, memory, o.init.data());
    w.order = bytes ? ColumnOrder::interleaved : ColumnOrder::natural;
    const std::vector<std::byte> expected = direct(GemmConvolution<std::int8_t>(kernels(Isa::scalar), w), s, o);
    for (Isa isa : available_isas()) {
      WinogradConvolution<std::int8_t> c(kernels(isa), w);
      INFO(std::string(name(isa)), ", round ", round, ": ", s, ", threads ", threads);
      CHECK(c.others().empty());
      CHECK(winograd(c, s, o, threads) == expected);
      check_pooled(c, s, o, threads, expected);
    }
  }
}

TEST_CASE("winograd u8s8: every point of every tile at its extremes") {
  // B^T and 24 G as in bodies/winograd_transforms.inl. Images and weights that maximize and minimize each of the 36
  // points.
  constexpr int b[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                           {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
  constexpr int g[6][3] = {{6, 0, 0}, {4, 4, 4}, {4, -4, 4}, {1, 2, 4}, {1, -2, 4}, {0, 0, 12}};
  const ConvolutionShape s = shape_3x3(6, 6, 17, 33, 0);  // one tile
  const Tensor<float> zeros = pad_columns<float>(nullptr, s.out_c);
  Tensor<float> ones(zeros.shape());
  std::fill(ones.begin(), ones.end(), 1.0f);
  for (int point = 0; point < 36; ++point)
    for (int signs = 0; signs < 4; ++signs) {
      const int sign_in = signs & 1 ? 1 : -1, sign_weight = signs & 2 ? 1 : -1;
      Operands<std::uint8_t> o{{}, pad_columns<std::int32_t>(nullptr, s.out_c), 0, plain_sums(ones, zeros), 4};
      for (int i = 0; i < 36; ++i) {
        const bool high = sign_in * b[point / 6][i / 6] * b[point % 6][i % 6] > 0;
        o.in.insert(o.in.end(), static_cast<std::size_t>(s.in_c), high ? 255 : 0);
      }
      std::vector<std::int8_t> weights;
      for (std::int64_t c = 0; c < s.out_c; ++c)
        for (int t = 0; t < 9; ++t) {
          const bool high = sign_weight * g[point / 6][t / 3] * g[point % 6][t % 3] > 0;
          weights.insert(weights.end(), static_cast<std::size_t>(s.in_c), high ? 127 : -128);
        }
      const ConvolutionWeights<std::int8_t> w = weights_for(s, weights, WeightMemory::fast, o.init.data());
      const std::vector<std::byte> expected = direct(GemmConvolution<std::int8_t>(kernels(Isa::scalar), w), s, o);
      for (Isa isa : available_isas()) {
        WinogradConvolution<std::int8_t> c(kernels(isa), w);
        INFO(std::string(name(isa)), ", point ", point, ", signs ", signs);
        CHECK(winograd(c, s, o, 1) == expected);
      }
    }
  // Smaller tiles, which have other points: all outputs from 1 x 1 to 5 x 5, with random extreme bytes and weights.
  Random random(51);
  for (int round = 0; round < rounds(500); ++round) {
    const ConvolutionShape small = shape_3x3(3 + round % 5, 3 + round / 5 % 5, random.between(16, 40), 24, 0);
    Operands<std::uint8_t> o{random_image(small, random), pad_columns<std::int32_t>(nullptr, 24), 0,
                             plain_sums(ones, zeros), 4};
    for (std::uint8_t& x : o.in) x = x & 1 ? 255 : 0;
    std::vector<std::int8_t> weights(static_cast<std::size_t>(24 * 9 * small.in_c));
    for (std::int8_t& x : weights) x = random.chance(50) ? 127 : -128;
    const ConvolutionWeights<std::int8_t> w = weights_for(small, weights, WeightMemory::fast, o.init.data());
    const std::vector<std::byte> expected = direct(GemmConvolution<std::int8_t>(kernels(Isa::scalar), w), small, o);
    for (Isa isa : available_isas()) {
      WinogradConvolution<std::int8_t> c(kernels(isa), w);
      INFO(std::string(name(isa)), ", round ", round, ": ", small);
      CHECK(winograd(c, small, o, 1) == expected);
    }
  }
}

namespace {

// Weights whose sums are at the limit for an image with 255 in the first `bright` channels and 0 in the others.
struct EdgeWeights {
  ConvolutionShape shape;
  std::int64_t bright;  // input channels with positive weights; later ones have negative weights
  std::vector<std::int8_t> values;
  Tensor<std::int32_t> init;

  EdgeWeights(const ConvolutionShape& s, Random& random)
      : shape(s),
        bright(s.in_c / 2),
        values(static_cast<std::size_t>(s.out_c * 9 * s.in_c)),
        init(pad_columns<std::int32_t>(nullptr, s.out_c)) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto channel = static_cast<std::int64_t>(i) % s.in_c;
      values[i] = static_cast<std::int8_t>(channel < bright ? random.between(1, 127) : random.between(-128, -1));
    }
  }
  std::int64_t sum(std::int64_t channel, bool positive) const {
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < 9 * shape.in_c; ++i)
      if ((i % shape.in_c < bright) == positive) n += values[static_cast<std::size_t>(channel * 9 * shape.in_c + i)];
    return n;
  }
  /// Makes the channel's largest sum (if positive) or its smallest sum exactly this.
  void reach(std::int64_t channel, std::int64_t limit, bool positive) {
    init[channel] = static_cast<std::int32_t>(limit - 255 * sum(channel, positive));
  }
  /// The image with that sum.
  std::vector<std::uint8_t> image(bool positive) const {
    std::vector<std::uint8_t> in(static_cast<std::size_t>(shape.batch * shape.in_h * shape.in_w * shape.in_c));
    for (std::size_t i = 0; i < in.size(); ++i)
      in[i] = (static_cast<std::int64_t>(i) % shape.in_c < bright) == positive ? 255 : 0;
    return in;
  }
};

void check_segments(const std::vector<OutputChannels>& got, const std::vector<std::array<std::int64_t, 2>>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].first == expected[i][0]);
    CHECK(got[i].last == expected[i][1]);
  }
}

}  // namespace

TEST_CASE("winograd u8s8: sums up to 2^25 are exact; groups with larger ones use the direct form") {
  constexpr std::int64_t limit = std::int64_t{1} << 25;
  Random random(52);
  for (Isa isa : available_isas()) {
    const Kernels& k = kernels(isa);
    const std::int64_t width = std::max<std::int64_t>(2 * k.lanes, panel_columns<std::int8_t>(k));
    const ConvolutionShape s = shape_3x3(9, 7, 40, 4 * width + 5, 1);
    const Tensor<float> zeros = pad_columns<float>(nullptr, s.out_c);
    Tensor<float> ones(zeros.shape());
    std::fill(ones.begin(), ones.end(), 1.0f);
    for (const bool positive : {true, false})
      for (const std::int64_t place : {std::int64_t{0}, width / 2, width - 1}) {
        EdgeWeights e(s, random);
        const std::int64_t edge = positive ? limit - 1 : -limit, beyond = positive ? limit : -limit - 1;
        // Groups 0 and 2 are just within the limit, 1 and 3 just beyond it, the others far below.
        for (std::int64_t group = 0; group < 4; ++group)
          e.reach(group * width + place, group % 2 == 0 ? edge : beyond, positive);
        const ConvolutionWeights<std::int8_t> w = weights_for(s, e.values, WeightMemory::fast, e.init.data());
        WinogradConvolution<std::int8_t> c(k, w);
        INFO(std::string(name(isa)), ", channel ", place, " of each group, positive ", positive);
        check_segments(c.segments(), {{0, width}, {2 * width, 3 * width}, {4 * width, s.out_c}});
        check_segments(c.others(), {{width, 2 * width}, {3 * width, 4 * width}});
        // Both together give the same bits as the direct form, at the limit and elsewhere.
        for (int image = 0; image < 3; ++image) {
          const Operands<std::uint8_t> o{image == 2 ? random_image(s, random) : e.image(image == 0), e.init,
                                         static_cast<std::uint8_t>(image == 2 ? 128 : 0), plain_sums(ones, zeros), 4};
          const std::vector<std::byte> expected = direct(GemmConvolution<std::int8_t>(kernels(Isa::scalar), w), s, o);
          if (image == 0 + !positive) {  // the limit is reached inside the image
            const auto* sums = reinterpret_cast<const float*>(expected.data()) + (s.out_w + 1) * s.out_c;
            CHECK(sums[place] == static_cast<float>(edge));
            CHECK(sums[width + place] == static_cast<float>(beyond));
          }
          std::vector<std::byte> got = winograd(c, s, o, 2);
          GemmConvolution<std::int8_t> rest(k, w);
          for (const OutputChannels& other : c.others()) run_direct(rest, s, o, 2, got, other.first, other.last);
          CHECK(got == expected);
        }
      }
  }
}

TEST_CASE("winograd u8s8: without a bias, only the weights determine the limit") {
  // 255 * 131586 is the last multiple of 255 below 2^25, and 255 * -131586 the last one not below -2^25.
  const ConvolutionShape s = shape_3x3(6, 6, 128, 16, 1);
  Random random(53);
  for (const std::int64_t sum : {131586, 131587, -131586, -131587}) {
    std::vector<std::int8_t> weights(static_cast<std::size_t>(s.out_c * 9 * s.in_c));
    random.fill(weights.data(), static_cast<std::int64_t>(weights.size()), -10, 10);
    std::int8_t* channel = weights.data() + 7 * 9 * s.in_c;
    for (std::int64_t i = 0, left = sum; i < 9 * s.in_c; ++i) {
      channel[i] = static_cast<std::int8_t>(std::clamp<std::int64_t>(left, -128, 127));
      left -= channel[i];
    }
    for (Isa isa : available_isas()) {
      const WinogradConvolution<std::int8_t> c(kernels(isa), weights_for(s, weights, WeightMemory::fast));
      CAPTURE(sum);
      CHECK(c.others().empty() == (std::abs(sum) == 131586));
    }
  }
}

TEST_CASE("winograd: only for 3x3 kernels of stride 1 with many channels, if WeightMemory allows it") {
  const std::vector<float> values(5 * 5 * 64 * 64);
  const auto possible = [&](const ConvolutionShape& s, WeightMemory memory, std::int64_t groups = 1) {
    ConvolutionWeights<float> w = weights_for(s, values, memory);
    w.groups = groups;
    const WinogradConvolution<float> c(kernels(), w);
    CHECK(c.segments().empty() == (c.packed_bytes() == 0));
    if (c.segments().empty()) CHECK(!c.pays(s));
    return !c.segments().empty();
  };
  ConvolutionShape s = shape_3x3(30, 30, 64, 64, 1);
  CHECK(possible(s, WeightMemory::fast));
  CHECK(possible(s, WeightMemory::balanced));
  CHECK(!possible(s, WeightMemory::small));
  CHECK(!possible(s, WeightMemory::fast, 2));
  CHECK(!possible(shape_3x3(30, 30, 15, 64, 1), WeightMemory::fast));
  CHECK(!possible(shape_3x3(30, 30, 64, 15, 1), WeightMemory::fast));
  s.stride_h = 2;
  CHECK(!possible(s, WeightMemory::fast));
  s.stride_h = 1;
  s.dilation_w = 2;
  CHECK(!possible(s, WeightMemory::fast));
  s.dilation_w = 1;
  s.kernel_h = s.kernel_w = 5;
  CHECK(!possible(s, WeightMemory::fast));
}

TEST_CASE("winograd: weights are kept or transformed in each run, for images of changing sizes") {
  Random random(54);
  for (Isa isa : available_isas())
    for (const WeightMemory memory : {WeightMemory::fast, WeightMemory::balanced}) {
      const ConvolutionShape large = large_shape(random), first = shape_3x3(9, 6, large.in_c, large.out_c, 1);
      std::vector<std::int8_t> weights(static_cast<std::size_t>(large.out_c * 9 * large.in_c));
      random.fill(weights.data(), static_cast<std::int64_t>(weights.size()), -128, 127);
      const Tensor<float> zeros = pad_columns<float>(nullptr, large.out_c);
      Tensor<float> ones(zeros.shape());
      std::fill(ones.begin(), ones.end(), 1.0f);
      const Tensor<std::int32_t> init = pad_columns<std::int32_t>(nullptr, large.out_c);
      const ConvolutionWeights<std::int8_t> w = weights_for(large, weights, memory, init.data());
      WinogradConvolution<std::int8_t> c(kernels(isa), w);
      const std::size_t taps = c.packed_bytes();
      std::size_t points = 0;
      int step = 0;
      for (const ConvolutionShape& s : {large, first, large, first}) {
        const Operands<std::uint8_t> o{random_image(s, random), init, 9, plain_sums(ones, zeros), 4};
        INFO(std::string(name(isa)), ", memory ", static_cast<int>(memory), ", step ", step);
        const std::vector<std::byte> expected = direct(GemmConvolution<std::int8_t>(kernels(Isa::scalar), w), s, o);
        CHECK(winograd(c, s, o, 1) == expected);
        CHECK(winograd(c, s, o, 2) == expected);
        const bool kept = memory == WeightMemory::fast || step > 0;
        if (kept && points == 0) points = c.packed_bytes();
        CHECK(c.packed_bytes() == (kept ? points : taps));
        CHECK(std::string(c.form()) == (kept ? "Winograd" : "Winograd, weights transformed in each run"));
        ++step;
      }
      // 36 points of 2 bytes for 9 taps of 1 byte, plus padding against cache conflicts.
      CHECK(points >= 8 * taps);
    }
}

TEST_CASE("winograd f32: the same bits on every instruction set that uses it, and accuracy") {
  // Errors relative to the root mean square of the outputs, for inputs and weights uniform in [-1, 1]: measured 9e-7 on
  // average and 2.1e-5 at most; the direct form has 2.6e-7 and 3.8e-6. Winograd is less accurate by 2 bits.
  Random random(55);
  double squares = 0, direct_squares = 0, largest = 0, direct_largest = 0;
  std::int64_t count = 0;
  for (int round = 0; round < rounds(200); ++round) {
    const ConvolutionShape s = random_shape(random);
    std::vector<float> weights(static_cast<std::size_t>(s.out_c * 9 * s.in_c));
    random.fill(weights.data(), static_cast<std::int64_t>(weights.size()));
    Operands<float> o{std::vector<float>(static_cast<std::size_t>(s.batch * s.in_h * s.in_w * s.in_c)),
                      pad_columns<std::int32_t>(nullptr, s.out_c),
                      0.0f,
                      {},
                      4};
    random.fill(o.in.data(), static_cast<std::int64_t>(o.in.size()));
    auto* bias = reinterpret_cast<float*>(o.init.data());
    random.fill(bias, s.out_c);
    std::vector<float> residual(static_cast<std::size_t>(s.rows() * s.out_c));
    random.fill(residual.data(), static_cast<std::int64_t>(residual.size()));
    o.way.store = Store::f32;
    const bool measured = round % 2 == 0;  // the others are clamped and have an added tensor
    o.way.low_f32 = measured ? -1e30f : 0;
    o.way.high_f32 = measured ? 1e30f : 6;
    if (!measured) {
      o.way.residual = reinterpret_cast<const std::byte*>(residual.data());
      o.way.residual_stride = s.out_c * 4;
    }
    const int threads = static_cast<int>(random.between(1, 3));
    const ConvolutionWeights<float> w =
        weights_for(s, weights, round % 3 == 0 ? WeightMemory::balanced : WeightMemory::fast);
    const std::vector<std::byte> plain = direct(GemmConvolution<float>(kernels(), w), s, o);
    std::vector<std::byte> all;
    for (Isa isa : available_isas()) {
      if (isa == Isa::scalar) continue;
      WinogradConvolution<float> c(kernels(isa), w);
      INFO(std::string(name(isa)), ", round ", round, ": ", s, ", threads ", threads);
      const std::vector<std::byte> got = winograd(c, s, o, threads);
      if (all.empty()) all = got;
      CHECK(got == all);
      check_pooled(c, s, o, threads, all);
      ConvolutionWeights<float> later = w;  // which are passed to the run
      later.varies = true;
      later.values = nullptr;
      WinogradConvolution<float> varying(kernels(isa), later);
      CHECK(winograd(varying, s, o, threads, GemmConvolution<float>(kernels(isa), w).packed()) == all);
    }
    if (all.empty()) return;
    const double scale = std::sqrt(static_cast<double>(9 * s.in_c)) / 3;
    const auto *x = reinterpret_cast<const float*>(all.data()), *d = reinterpret_cast<const float*>(plain.data());
    for (std::int64_t p = 0; p < s.rows(); ++p)
      for (std::int64_t c = 0; c < s.out_c; ++c) {
        const std::int64_t n = p / (s.out_h * s.out_w), oy = p / s.out_w % s.out_h, ox = p % s.out_w;
        double sum = static_cast<double>(bias[c]);
        for (std::int64_t t = 0; t < 9; ++t) {
          const std::int64_t y = oy - s.pad_top + t / 3, z = ox - s.pad_left + t % 3;
          if (y < 0 || y >= s.in_h || z < 0 || z >= s.in_w) continue;
          const float *in = o.in.data() + ((n * s.in_h + y) * s.in_w + z) * s.in_c,
                      *g = weights.data() + (c * 9 + t) * s.in_c;
          for (std::int64_t i = 0; i < s.in_c; ++i) sum += static_cast<double>(in[i]) * static_cast<double>(g[i]);
        }
        const std::int64_t at = p * s.out_c + c;
        if (!measured) {
          sum += static_cast<double>(residual[static_cast<std::size_t>(at)]);
          sum = std::min(std::max(sum, 0.0), 6.0);
        }
        const double error = std::abs(static_cast<double>(x[at]) - sum) / scale;
        largest = std::max(largest, error);
        if (!measured) continue;
        const double direct_error = std::abs(static_cast<double>(d[at]) - sum) / scale;
        direct_largest = std::max(direct_largest, direct_error);
        squares += error * error;
        direct_squares += direct_error * direct_error;
        ++count;
      }
  }
  const double mean = std::sqrt(squares / static_cast<double>(count));
  const double direct_mean = std::sqrt(direct_squares / static_cast<double>(count));
  INFO("errors ", mean, ", at most ", largest, "; directly ", direct_mean, ", ", direct_largest);
  CHECK(mean < 1.5e-6);
  CHECK(largest < 4e-5);
}
