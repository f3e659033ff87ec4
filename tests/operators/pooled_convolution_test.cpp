#include <octet/octet.hpp>
#include <octet/operators/all.hpp>

#include "support/isas.hpp"
#include "testing.hpp"

// A convolution that stores only pooled outputs must give the same bits as both layers one after the other.
using namespace octet;
using namespace testing;

namespace {

struct Layer {
  std::int64_t height, width, in, out;
  double high = std::numeric_limits<double>::infinity();
};

/// not_joined: the convolution's output has another reader.
Model pooled_convolution(const Layer& l, bool not_joined) {
  Graph g;
  g.name = "pooled";
  Convolution c;
  c.window = Window(3, 3, 1, 1);
  c.activation = {0, l.high};
  const int x = g.add_input("x", {Shape::unknown, l.height, l.width, l.in});
  const int y = g.add("conv", c,
                      {x, g.add_constant("w", random_tensor({l.out, 3, 3, l.in}, 1, -0.4f, 0.5f)),
                       g.add_constant("b", random_tensor({l.out}, 2))});
  MaxPool pool;
  pool.window = Window(2, 2, 2);
  const int z = g.add("pool", pool, {y});
  // Another convolution, which needs the range of the pooled tensor.
  g.outputs = {g.add("after", c, {z, g.add_constant("v", random_tensor({17, 3, 3, l.out}, 3, -0.4f, 0.5f))})};
  if (not_joined) g.outputs.push_back(y);
  return g;
}

void compare(const Model& joined, const Model& not_joined, const AnyTensor& x, bool at_once) {
  ExecutorOptions o;
  o.threads = 1;
  Executor plain(not_joined, o);
  CHECK(count<PooledConvolution>(plain.graph()) == 0);
  const AnyTensor expected = plain.run({x})[0];
  for (const int threads : {1, 2, 3}) {
    o.threads = threads;
    Executor e(joined, o);
    REQUIRE(count<PooledConvolution>(e.graph()) == 1);
    for (int run = 0; run < 2; ++run) {
      const AnyTensor got = e.run({x})[0];
      REQUIRE(got.shape() == expected.shape());
      CHECK(std::memcmp(got.data(), expected.data(), got.size_bytes()) == 0);
    }
    bool found = false;
    for (const LayerForm& f : e.layer_forms()) found = found || f.form == "Winograd, pooled where it stores";
    CHECK(found == (at_once && active_isa() != Isa::scalar));
  }
}

void compare_all(const Layer& l, std::int64_t batch, bool at_once) {
  CAPTURE(l.height);
  CAPTURE(batch);
  const Model joined = pooled_convolution(l, false), not_joined = pooled_convolution(l, true);
  Tensor<float> x = random_tensor({batch, l.height, l.width, l.in}, 7);
  compare(joined, not_joined, x, at_once);
  WeightOptions all;
  all.least_elements = 1;
  if (!std::isfinite(l.high))  // a bounded output is stored as bytes directly
    compare(quantize<dynamic_range>(joined, all), quantize<dynamic_range>(not_joined, all), x, at_once);
  const Calibration calibration = calibrate(not_joined, {x});
  Int8Options options;
  options.integer_input = options.integer_output = true;
  const Model q = quantize<int8>(joined, calibration, options);
  compare(q, quantize<int8>(not_joined, calibration, options),
          quantize<int8>(x, given_params(q.value(q.inputs[0]).quant)).data, at_once);
  // NaN is not lost.
  x[x.size() / 2] = std::numeric_limits<float>::quiet_NaN();
  compare(joined, not_joined, x, at_once);
}

}  // namespace

TEST_CASE("pooled convolution: the same bits as both layers one after the other") {
  compare_all({24, 24, 64, 64}, 1, true);
  compare_all({22, 18, 48, 70, 6}, 1, true);
  compare_all({14, 30, 65, 33}, 3, true);
  compare_all({15, 24, 64, 64}, 2, false);  // odd
}

TEST_CASE("pooled convolution: every instruction set") {
  for (const Isa isa : available_isas()) {
    CAPTURE(name(isa));
    const UseIsa use(isa);
    compare_all({22, 16, 64, 70}, 2, true);
  }
}

TEST_CASE("pooled convolution: other windows, and tensors with other readers, are not joined") {
  const auto joined = [](const Window& w) {
    Model m = pooled_convolution({12, 12, 32, 32}, false);
    for (Node& n : m.nodes)
      if (n.name == "pool") {
        MaxPool pool;
        pool.window = w;
        n.op = std::make_shared<const MaxPool>(pool);
      }
    return count<PooledConvolution>(Executor(m).graph()) == 1;
  };
  CHECK(joined(Window(2, 2, 2)));
  CHECK(!joined(Window(3, 3, 2)));
  CHECK(!joined(Window(2, 2, 1)));
  CHECK(!joined(Window(2, 2, 2, 1)));
  CHECK(count<PooledConvolution>(Executor(pooled_convolution({12, 12, 3, 32}, false)).graph()) == 0);
  Model m = pooled_convolution({12, 12, 32, 32}, false);
  m.outputs.push_back(m.find("conv"));
  CHECK(count<PooledConvolution>(Executor(m).graph()) == 0);
}
