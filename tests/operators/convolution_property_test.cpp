#include <doctest/doctest.h>

#include <numeric>
#include <octet/kernels/few_columns.hpp>
#include <octet/kernels/half.hpp>
#include <octet/quantization/quantize.hpp>
#include <octet/runtime/executor.hpp>

#include "support/convolution_case.hpp"
#include "support/dynamic_codes.hpp"
#include "support/isas.hpp"

/// Compares convolutions of random shapes in every form, run by an executor, with reference loops: the same bits on
/// every instruction set, with every number of threads and every WeightMemory. Only float Winograd rounds differently.
using namespace octet;
using namespace testing;

namespace {

// Calls f(output element, output channel, image, window) for each output. window(g) calls g(input element, weight) for
// each tap, in the order of the kernel: the index of the group's first channel (-1 on the padding), and its weight.
template <class F>
void each_output(const Case& c, F f) {
  for (std::int64_t p = 0; p < c.pixels(); ++p)
    for (std::int64_t o = 0; o < c.out_c; ++o) {
      const std::int64_t n = p / (c.y.out * c.x.out), oy = p / c.x.out % c.y.out, ox = p % c.x.out;
      const std::int64_t first = o / (c.out_c / c.groups) * c.group_in();
      f(p * c.out_c + o, o, n, [&](auto g) {
        std::int64_t weight = o * c.k();
        for (std::int64_t ky = 0; ky < c.y.kernel; ++ky)
          for (std::int64_t kx = 0; kx < c.x.kernel; ++kx, weight += c.group_in()) {
            const std::int64_t iy = oy * c.y.stride - c.y.before + ky * c.y.dilation;
            const std::int64_t ix = ox * c.x.stride - c.x.before + kx * c.x.dilation;
            const bool inside = iy >= 0 && iy < c.y.in && ix >= 0 && ix < c.x.in;
            g(inside ? ((n * c.y.in + iy) * c.x.in + ix) * c.in_c + first : -1, weight);
          }
      });
    }
}

// The elements as integers minus their zero points.
std::vector<std::int32_t> centered(const AnyTensor& t, const QuantParams& q) {
  std::vector<std::int32_t> all;
  const std::int64_t channel = t.size() / std::max<std::int64_t>(1, q.channels());
  for (std::int64_t i = 0; i < t.size(); ++i)
    all.push_back(static_cast<std::int32_t>(detail::load_element(t.dtype(), t.data(), i)) -
                  q.zero_point[static_cast<std::size_t>(i / channel)]);
  return all;
}

float activated(const Case& c, float v) {
  return clamped(v, static_cast<float>(c.activation.low), static_cast<float>(c.activation.high));
}

Tensor<float> expected_floats(const Case& c, const Problem& p) {
  const Tensor<float> w = detail::to_float(p.weights.ref());
  const auto x = p.input.view<float>(), b = p.bias.view<float>(), r = p.residual.view<float>();
  Tensor<float> out(r.shape());
  each_output(c, [&](std::int64_t at, std::int64_t o, std::int64_t, auto window) {
    float acc = c.bias ? b[o] : 0;
    window([&](std::int64_t in, std::int64_t weight) {
      for (std::int64_t i = 0; i < c.group_in(); ++i) acc = std::fma(in < 0 ? 0.0f : x[in + i], w[weight + i], acc);
    });
    out[at] = activated(c, c.residual ? acc + r[at] : acc);
  });
  return out;
}

// The same in the order of products of taps: the sums of all channels of a tap, the last tap first.
Tensor<float> expected_by_taps(const Case& c, const Problem& p) {
  const Tensor<float> w = detail::to_float(p.weights.ref());
  const auto x = p.input.view<float>(), b = p.bias.view<float>();
  Tensor<float> out(p.residual.shape());
  each_output(c, [&](std::int64_t at, std::int64_t o, std::int64_t, auto window) {
    std::vector<float> taps;
    window([&](std::int64_t in, std::int64_t weight) {
      if (in < 0) return;
      float sum = 0;
      for (std::int64_t i = 0; i < c.group_in(); ++i) sum = std::fma(x[in + i], w[weight + i], sum);
      taps.push_back(sum);
    });
    out[at] = activated(c, std::accumulate(taps.rbegin(), taps.rend(), c.bias ? b[o] : 0.0f));
  });
  return out;
}

// The same in the order of products with few channels: a vector of `lanes` has sums of several steps of each channel,
// which begin anew with each row of a window where rows of the image are copied. Pairs of them are added at the end.
Tensor<float> expected_by_steps(const Case& c, const Problem& p, std::int64_t lanes) {
  const Tensor<float> w = detail::to_float(p.weights.ref());
  const auto x = p.input.view<float>(), b = p.bias.view<float>(), r = p.residual.view<float>();
  const auto steps = static_cast<std::size_t>(lanes / detail::few_columns_width(c.out_c));
  const bool by_rows = c.x.dilation == 1 && c.x.kernel > c.x.stride;
  const auto part = static_cast<std::size_t>(by_rows ? c.k() / c.y.kernel : c.k());
  Tensor<float> out(r.shape());
  each_output(c, [&](std::int64_t at, std::int64_t o, std::int64_t, auto window) {
    std::vector<float> sums(steps);
    sums[0] = c.bias ? b[o] : 0;
    std::size_t k = 0;
    window([&](std::int64_t in, std::int64_t weight) {
      for (std::int64_t i = 0; i < c.in_c; ++i, ++k) {
        float& sum = sums[k % part % steps];
        sum = std::fma(in < 0 ? 0.0f : x[in + i], w[weight + i], sum);
      }
    });
    for (std::size_t n = steps / 2; n > 0; n /= 2)
      for (std::size_t i = 0; i < n; ++i) sums[i] = sums[2 * i] + sums[2 * i + 1];
    out[at] = activated(c, c.residual ? sums[0] + r[at] : sums[0]);
  });
  return out;
}

// Dynamic range as ONNX defines it, or as LiteRT with XNNPACK has it: by pixels where they are all that is multiplied,
// and in its own kernels if it is depthwise.
Tensor<float> expected_dynamic(const Case& c, const Problem& p) {
  const auto x = p.input.view<float>(), b = p.bias.view<float>(), r = p.residual.view<float>();
  const auto w = p.weights.view<int8>();
  const bool xnnpack = c.rounding == Rounding::xnnpack, by_pixel = xnnpack && c.of_pixels();
  const auto codes = !xnnpack ? onnx_codes : c.groups > 1 && c.group_in() == 1 ? tflite_codes : xnnpack_codes;
  std::vector<std::int32_t> q(static_cast<std::size_t>(x.size()));
  std::vector<float> scales;  // of each image or pixel
  const std::int64_t size = by_pixel ? c.in_c : x.size() / c.batch;
  for (std::int64_t i = 0; i < x.size(); i += size) scales.push_back(codes(x.data() + i, size, q.data() + i));
  Tensor<float> out(r.shape());
  each_output(c, [&](std::int64_t at, std::int64_t o, std::int64_t image, auto window) {
    std::int32_t acc = 0;
    window([&](std::int64_t in, std::int64_t weight) {
      if (in < 0) return;
      for (std::int64_t i = 0; i < c.group_in(); ++i) acc += q[static_cast<std::size_t>(in + i)] * w[weight + i];
    });
    const float of_weights = p.weight_q.scale[static_cast<std::size_t>(o)], sum = static_cast<float>(acc);
    const float scale = scales[static_cast<std::size_t>(by_pixel ? at / c.out_c : image)];
    const float product = xnnpack ? (sum * scale) * of_weights : sum * (of_weights * scale);
    const float v = detail::rounded(product) + (c.bias ? b[o] : 0.0f);
    out[at] = activated(c, c.residual ? v + r[at] : v);
  });
  return out;
}

// uint8 outputs as integers; those of int8 models are lower by 128.
Tensor<std::int32_t> expected_integers(const Case& c, const Problem& p) {
  const std::vector<std::int32_t> x = centered(p.input, p.in_q), w = centered(p.weights, p.weight_q);
  const std::vector<std::int32_t> r = centered(p.residual, p.residual_q);
  Tensor<std::int32_t> out(p.residual.shape());
  const double in_scale = static_cast<double>(p.in_q.scale[0]), out_scale = static_cast<double>(p.out_q.scale[0]);
  const std::int64_t least = c.int8_activations ? -128 : 0, most = least + 255;
  const auto limit = [&](double real) {
    const double q = std::round(real / out_scale) + p.out_q.zero_point[0];
    return static_cast<std::int64_t>(std::min(std::max(q, static_cast<double>(least)), static_cast<double>(most)));
  };
  const std::int64_t low = limit(c.activation.low), high = std::max(low, limit(c.activation.high));
  each_output(c, [&](std::int64_t at, std::int64_t o, std::int64_t, auto window) {
    const std::size_t channel = p.weight_q.per_channel() ? static_cast<std::size_t>(o) : 0;
    std::int64_t acc = c.bias ? p.bias.view<std::int32_t>()[o] : 0;
    window([&](std::int64_t in, std::int64_t weight) {
      if (in < 0) return;
      const std::int32_t *xs = x.data() + in, *ws = w.data() + weight;
      for (std::int64_t i = 0; i < c.group_in(); ++i) acc += std::int64_t{xs[i]} * ws[i];
    });
    float v = static_cast<float>(acc) *
              static_cast<float>(in_scale * static_cast<double>(p.weight_q.scale[channel]) / out_scale);
    if (c.residual)
      v = std::fma(static_cast<float>(r[static_cast<std::size_t>(at)]),
                   static_cast<float>(static_cast<double>(p.residual_q.scale[0]) / out_scale), v);
    const std::int64_t q = std::int64_t{rounded(v)} + p.out_q.zero_point[0];
    out[at] = static_cast<std::int32_t>(std::min(std::max(q, low), high));
  });
  return out;
}

struct Result {
  AnyTensor tensor;
  std::string form;

  bool winograd() const { return form.rfind("Winograd", 0) == 0; }
  bool by_taps() const { return form == "products of taps"; }
  bool by_steps() const { return form == "few channels"; }
};

Result run(const Graph& g, const Case& c, const Problem& p, const std::shared_ptr<ThreadPool>& pool,
           WeightMemory memory) {
  ExecutorOptions options;
  options.pool = pool;
  options.optimize = false;
  options.memory = memory;
  Executor executor(g, options);
  Result r;
  r.tensor = c.residual ? executor.run({p.input, p.residual})[0] : executor.run({p.input})[0];
  for (const LayerForm& f : executor.layer_forms())
    if (f.type == Convolution::type_name) r.form = f.form;
  return r;
}

template <class T>
std::int64_t differences(const AnyTensor& got, const Tensor<T>& expected) {
  std::int64_t n = 0;
  for (std::int64_t i = 0; i < expected.size(); ++i)
    n += detail::load_element(got.dtype(), got.data(), i) != static_cast<double>(expected[i]);
  return n;
}

// The largest error, relative to the standard deviation of a sum of that many products of numbers in [-1, 1].
double largest_error(const Case& c, const AnyTensor& got, const Tensor<float>& expected) {
  double largest = 0;
  for (std::int64_t i = 0; i < expected.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(got.view<float>()[i] - expected[i])));
  return largest / (std::sqrt(static_cast<double>(c.k())) / 3);
}

const std::array<std::shared_ptr<ThreadPool>, 3>& pools() {
  static const std::array<std::shared_ptr<ThreadPool>, 3> all{
      std::make_shared<ThreadPool>(1), std::make_shared<ThreadPool>(2), std::make_shared<ThreadPool>(3)};
  return all;
}

// Number of results that were products of taps, or with several steps of few channels.
int by_taps = 0, by_steps = 0;

// Number of exact results computed by Winograd's algorithm, for each instruction set.
using Seen = std::array<int, std::size(all_isas)>;

void check_case(const Case& c, const Problem& p, int round, const std::vector<WeightMemory>& policies, Seen& seen) {
  constexpr double tolerance = 6e-5;  // of float Winograd; measured 3.1e-5 (see also kernels_winograd_test.cpp)
  const Graph g = graph_of(c, p);
  Tensor<float> floats;
  Tensor<std::int32_t> integers;
  if (c.integer())
    integers = expected_integers(c, p);
  else
    floats = c.form == Form::dynamic ? expected_dynamic(c, p) : expected_floats(c, p);
  for (const Isa isa : available_isas())
    for (const WeightMemory memory : policies) {
      const UseIsa use(isa);
      const auto threads = static_cast<std::size_t>(round + static_cast<int>(isa) + static_cast<int>(memory)) % 3;
      const Result got = run(g, c, p, pools()[threads], memory);
      INFO("round ", round, " ", c, ", ", std::string(name(isa)), ", ", threads + 1, " threads, memory ",
           static_cast<int>(memory));
      REQUIRE(got.tensor.shape() == p.residual.shape());
      if (got.by_taps()) {
        ++by_taps;
        CHECK(differences(got.tensor, expected_by_taps(c, p)) == 0);
      } else if (got.by_steps()) {
        ++by_steps;
        CHECK(differences(got.tensor, expected_by_steps(c, p, detail::kernels(isa).lanes)) == 0);
      } else if (got.winograd() && c.form <= Form::half_weights) {
        CHECK(largest_error(c, got.tensor, floats) < tolerance);
      } else {
        if (got.winograd()) ++seen[static_cast<std::size_t>(isa)];
        CHECK((c.integer() ? differences(got.tensor, integers) : differences(got.tensor, floats)) == 0);
      }
      CHECK(!(got.winograd() && memory == WeightMemory::small));
    }
}

}  // namespace

TEST_CASE("convolution: random shapes in every form, on every instruction set, with 1 to 3 threads") {
  Random random(60);
  Seen seen{};
  for (int round = 0; round < rounds(2500); ++round) {
    const Case c = random_case(random, false);
    const Problem p = random_problem(c, random);
    check_case(c, p, round, {WeightMemory::fast}, seen);
  }
}

TEST_CASE("convolution: groups of few channels, and depthwise over wide images") {
  Random random(65);
  Seen seen{};
  for (int round = 0; round < rounds(1200); ++round) {
    Case c = random_case(random, false);
    if (random.chance(60)) c.form = random.chance(50) ? Form::floating : Form::per_channel;
    const std::int64_t sizes[] = {2, 3, 4, 8, random.between(5, 17)};
    const std::int64_t group = random.chance(25) ? 1 : sizes[random.between(0, 4)];
    const std::int64_t channels = random.chance(50) ? random.between(15, 17) : random.between(2, 70);  // or a few more
    c.groups = std::max<std::int64_t>(2, (channels + group - 1) / group);
    c.in_c = c.out_c = c.groups * group;
    c.x.in = random.between(1, 40);
    c.y.in = c.one_dimensional ? 1 : random.between(1, 8);
    if (!resolve(c.y, c.padding) || !resolve(c.x, c.padding)) continue;
    if (c.pixels() * c.out_c * c.k() > 1500000) continue;
    const std::vector<WeightMemory> memories{WeightMemory::fast, WeightMemory::small};
    check_case(c, random_problem(c, random), round, memories, seen);
  }
}

TEST_CASE("convolution: a number that is not finite stays in its group") {
  for (const std::int64_t group : {2, 3, 4, 8}) {
    const std::int64_t channels = 4 * group;
    Convolution op;
    op.window = Window(3, 3, 1, 1);
    op.groups = 4;
    Graph g;
    const int x = g.add_input("x", {1, 5, 6, channels});
    Tensor<float> w({channels, 3, 3, group});
    std::fill(w.begin(), w.end(), 0.5f);
    g.outputs = {g.add("conv", op, {x, g.add_constant("w", std::move(w))})};
    Tensor<float> image({1, 5, 6, channels});
    image[2 * 6 * channels + 2 * channels + group] = std::numeric_limits<float>::quiet_NaN();  // of the second group
    const Tensor<float> y = Executor(g)(image);
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const std::int64_t row = i / channels / 6, column = i / channels % 6;
      const bool reads = row >= 1 && row <= 3 && column >= 1 && column <= 3 && i % channels / group == 1;
      CHECK(std::isnan(y[i]) == reads);
    }
  }
}

TEST_CASE("convolution: few output channels, several steps of each in a vector, or products of taps") {
  Random random(64);
  Seen seen{};
  by_taps = by_steps = 0;
  for (int round = 0; round < rounds(400); ++round) {
    Case c = random_case(random, false);
    c.form = random.chance(80) ? Form::floating : Form::half_weights;
    c.y.stride = c.x.stride = c.y.dilation = c.x.dilation = c.groups = 1;
    c.in_c = random.between(2, 20);
    c.out_c = random.between(1, 8);
    c.residual = false;
    if (!resolve(c.y, c.padding) || !resolve(c.x, c.padding)) continue;
    check_case(c, random_problem(c, random), round, {WeightMemory::fast}, seen);
  }
  CHECK(by_taps > rounds(200));
  CHECK(by_steps > rounds(200));
}

TEST_CASE("convolution: shapes for Winograd's algorithm, with every WeightMemory") {
  Random random(61);
  Seen seen{};
  for (int round = 0; round < rounds(1500); ++round) {
    const Case c = random_case(random, true);
    const Problem p = random_problem(c, random);
    check_case(c, p, round, {WeightMemory::fast, WeightMemory::balanced, WeightMemory::small}, seen);
  }
  // Enough of them were. (Where it is not much faster than the direct form, it needs larger images.)
  for (const Isa isa : available_isas()) {
    const detail::Kernels& k = detail::kernels(isa);
    const double gain = k.winograd ? k.rate_i16 / k.rate_u8 : 0;
    CHECK(seen[static_cast<std::size_t>(isa)] >= rounds(gain >= 1 ? 800 : gain >= 0.5 ? 100 : 0));
  }
}

TEST_CASE("convolution: with bfloat16 weights, products use the rounded image and float sums") {
  constexpr double tolerance = 2e-6;  // measured 8e-7; without rounding the image, errors are about 1e-3
  Random random(63);
  int products = 0;
  for (int round = 0; round < rounds(1000); ++round) {
    Case c = random_case(random, false);
    c.form = Form::half_weights;
    Problem p = random_problem(c, random);
    p.weights = AnyTensor(quantize<bf16>(View<const float>(detail::to_float(p.weights.ref()))));
    const Graph g = graph_of(c, p);
    Problem rounded = p;
    rounded.input = detail::to_float(AnyTensor(quantize<bf16>(p.input.view<float>())).ref());
    const Tensor<float> exact = expected_floats(c, p), expected = expected_floats(c, rounded);
    for (const Isa isa : available_isas()) {
      const UseIsa use(isa);
      const Result got = run(g, c, p, pools()[static_cast<std::size_t>(round) % 3], WeightMemory::small);
      INFO("round ", round, " ", c, ", ", std::string(name(isa)));
      REQUIRE(got.tensor.shape() == exact.shape());
      if (detail::kernels(isa).gemm_bf16 && got.form.rfind("direct", 0) == 0) {
        ++products;
        CHECK(largest_error(c, got.tensor, expected) < tolerance);
      } else {
        CHECK(differences(got.tensor, got.by_taps()    ? expected_by_taps(c, p)
                                      : got.by_steps() ? expected_by_steps(c, p, detail::kernels(isa).lanes)
                                                       : exact) == 0);
      }
    }
  }
  if (detail::kernels(available_isas().back()).gemm_bf16) CHECK(products > rounds(500));
}

namespace {

// A copy with `change` applied.
template <class T, class F>
AnyTensor changed(const AnyTensor& t, F change) {
  Tensor<T> copy(t.view<T>());
  change(copy);
  return copy;
}

// Makes sums of the channel larger than 2^25: by its bias, or by weights whose sum is that large.
void make_large(const Case& c, Problem& p, std::int64_t channel, bool positive) {
  if (c.form == Form::dynamic) {
    p.weights = changed<int8>(p.weights, [&](Tensor<int8>& w) {
      std::fill_n(w.data() + channel * c.k(), c.k(), static_cast<int8>(positive ? 127 : -127));
    });
    p.input = changed<float>(
        p.input, [](Tensor<float>& x) { std::fill(std::fill_n(x.data(), x.size() - 7, 1.0f), x.end(), 0.0f); });
    return;
  }
  p.bias = changed<int32>(p.bias, [&](Tensor<int32>& b) { b[channel] = (positive ? 1 : -1) * (int32{1} << 25); });
  p.weight_q.scale[static_cast<std::size_t>(channel)] = 1e-5f;  // so that outputs do not saturate
  p.out_q = QuantParams(0.05f, positive ? 10 : 200);
}

}  // namespace

TEST_CASE("convolution: channels whose sums may be too large for Winograd's algorithm are computed directly") {
  Random random(62);
  Seen seen{};
  for (int round = 0; round < 8; ++round) {
    Case c{};
    c.form = round % 2 ? Form::dynamic : Form::per_channel;
    c.y = {random.between(12, 16), 3, 1, 1, 1, 1, 0};
    c.x = {random.between(12, 16), 3, 1, 1, 1, 1, 0};
    c.padding = Window::Padding::given;
    resolve(c.y, c.padding);
    resolve(c.x, c.padding);
    c.batch = random.between(1, 2);
    c.in_c = 120;
    c.out_c = 64 * 3 + 17;
    c.groups = 1;
    c.bias = true;
    c.residual = random.chance(50);
    Problem p = random_problem(c, random);
    for (const std::int64_t channel : {random.between(0, 63), random.between(128, 191)})
      make_large(c, p, channel, round % 4 < 2);
    check_case(c, p, round, {WeightMemory::fast, WeightMemory::small}, seen);
    for (const Isa isa : available_isas()) {
      if (isa == Isa::scalar) continue;
      const UseIsa use(isa);
      CHECK(run(graph_of(c, p), c, p, pools()[0], WeightMemory::fast).form == "Winograd, some channels direct");
    }
  }
}
