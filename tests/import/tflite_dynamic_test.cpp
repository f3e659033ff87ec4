#include <octet/operators/all.hpp>

#include "support/dynamic_codes.hpp"
#include "support/isas.hpp"
#include "support/judge.hpp"
#include "support/one_layer.hpp"

// Layers of dynamic range: octet has LiteRT's numbers with Rounding::xnnpack. (Convolutions with references are in
// convolution_property_test.cpp.)

using namespace octet;
using namespace testing;

namespace {

QuantParams by_channel(std::int64_t n) {
  QuantParams q;
  for (std::int64_t i = 0; i < n; ++i) {
    q.scale.push_back(0.002f + 0.0003f * static_cast<float>(i % 7));
    q.zero_point.push_back(0);
  }
  q.axis = 0;
  return q;
}

Convolution convolution(Window w, std::int64_t groups = 1, double high = INFINITY) {
  Convolution c;
  c.window = std::move(w);
  c.groups = groups;
  if (std::isfinite(high)) c.activation = {0, high};
  return c;
}

}  // namespace

TEST_CASE("tflite dynamic: each row of a fully connected layer has its own scale, as XNNPACK computes it") {
  Random r(6);
  const std::int64_t rows = 5, k = 131, n = 19;
  Model m = OneLayer(r).x({rows, k}).w8({n, k}, by_channel(n)).w({n}).is(FullyConnected());
  m.rounding = Rounding::xnnpack;
  const auto weights = m.value(1).constant.view<int8>();
  const auto bias = m.value(2).constant.view<float>();
  Tensor<float> x = random_tensor({rows, k}, 7, -1, 2), expected({rows, n});
  std::fill_n(x.data() + k, k, 0.0f);  // no range
  for (std::int64_t row = 0; row < rows; ++row) {
    std::vector<std::int32_t> q(static_cast<std::size_t>(k));
    const float scale = xnnpack_codes(x.data() + row * k, k, q.data());
    for (std::int64_t o = 0; o < n; ++o) {
      std::int32_t sum = 0;
      for (std::int64_t i = 0; i < k; ++i) sum += q[static_cast<std::size_t>(i)] * weights[o * k + i];
      const float product = static_cast<float>(sum) * scale * m.value(1).quant.scale[static_cast<std::size_t>(o)];
      expected[row * n + o] = detail::rounded(product) + bias[o];
    }
  }
  for (const Isa isa : available_isas()) {
    CAPTURE(std::string(name(isa)));
    const UseIsa use(isa);
    const Tensor<float> y = Executor(m)(x);
    CHECK(std::equal(expected.begin(), expected.end(), y.begin()));
  }
}

TEST_CASE("dynamic range: rows without elements give the bias") {
  Random r(8);
  for (const Rounding rounding : {Rounding::fp32, Rounding::xnnpack}) {
    Model m = OneLayer(r).x({3, 0}).w8({4, 0}, by_channel(4)).w({4}).is(FullyConnected());
    m.rounding = rounding;
    const auto bias = m.value(2).constant.view<float>();
    const Tensor<float> y = Executor(m)(Tensor<float>({3, 0}));
    REQUIRE(y.size() == 12);
    for (std::int64_t i = 0; i < y.size(); ++i) CHECK(y[i] == bias[i % 4]);
  }
}

TEST_CASE("tflite dynamic: layers have the numbers of LiteRT with XNNPACK") {
  Judge judge(Format::tflite);
  if (!judge.ready()) return;
  Random r(5);
  const auto one = [&] { return OneLayer(r); };
  const Shape image{1, 7, 9, 24};
  const Agreement the_same{0, 0};
  const auto conv = [&](const std::string& name, const Convolution& c, std::int64_t out) {
    const std::int64_t k = c.window.kernel[0], l = c.window.kernel[1];
    judge.add(name, one().x(image).w8({out, k, l, 24 / c.groups}, by_channel(out)).w({out}).is(c), the_same);
  };
  conv("3x3", convolution(Window(3, 3, 1, 1)), 32);
  conv("3x3, stride 2, ReLU6", convolution(Window(3, 3, 2, 1), 1, 6), 32);
  conv("5x5", convolution(Window(5, 5, 1, 2)), 16);
  conv("1x1", convolution(Window(1, 1)), 32);
  conv("1x1, ReLU6", convolution(Window(1, 1), 1, 6), 32);
  conv("1x1, stride 2", convolution(Window(1, 1, 2)), 32);
  conv("depthwise", convolution(Window(3, 3, 1, 1), 24), 24);
  conv("groups", convolution(Window(3, 3, 1, 1), 3), 24);
  judge.add("fully connected", one().x({5, 40}).w8({10, 40}, by_channel(10)).w({10}).is(FullyConnected()), the_same);
  judge.add("fully connected, one scale", one().x({5, 40}).w8({10, 40}, {0.01f, 0}).w({10}).is(FullyConnected()),
            the_same);
  judge.judge();
}
