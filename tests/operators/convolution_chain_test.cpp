#include <octet/octet.hpp>
#include <octet/operators/all.hpp>

#include "support/isas.hpp"
#include "testing.hpp"

// Convolutions that run alternately on bands of rows must give the same bits as one after the other.
using namespace octet;
using namespace testing;

namespace {

struct Block {
  std::int64_t size, in, expanded, out, kernel, stride, pad, dilation;
  bool expand, residual;
  std::int64_t expand_kernel = 1;
};

Window window(std::int64_t kernel, std::int64_t stride, std::int64_t pad, std::int64_t dilation = 1) {
  Window w(kernel, kernel, stride, pad);
  w.dilations = {dilation, dilation};
  return w;
}

/// not_chained: each convolution exists twice, so that its input has two readers.
Model inverted_residual(const Block& b, bool not_chained = false) {
  Graph g;
  g.name = "block";
  const auto weights = [&](const char* name, const Shape& s, unsigned seed) {
    return g.add_constant(name, random_tensor(s, seed, -0.4f, 0.5f));
  };
  const int x = g.add_input("x", {Shape::unknown, b.size, b.size + 3, b.in});
  int y = x;
  if (b.expand) {
    Convolution c;
    c.window = window(b.expand_kernel, 1, b.expand_kernel / 2);
    c.activation = {0, 6};
    const Shape s{b.expanded, b.expand_kernel, b.expand_kernel, b.in};
    y = g.add("expand", c, {x, weights("we", s, 1), weights("be", {b.expanded}, 2)});
  }
  Convolution d;
  d.window = window(b.kernel, b.stride, b.pad, b.dilation);
  d.groups = b.expanded;
  d.activation = {0, 6};
  std::vector<int> in{y, weights("wd", {b.expanded, b.kernel, b.kernel, 1}, 3), weights("bd", {b.expanded}, 4)};
  y = g.add("depthwise", d, in);
  if (not_chained) g.outputs.push_back(g.add("depthwise2", d, in));
  Convolution p;
  p.window = window(1, 1, 0);
  in = {y, weights("wp", {b.out, 1, 1, b.expanded}, 5), weights("bp", {b.out}, 6)};
  if (b.residual) in.push_back(x);
  g.outputs.insert(g.outputs.begin(), g.add("project", p, in));
  if (not_chained) g.outputs.push_back(g.add("project2", p, in));
  return g;
}

const std::vector<Block> blocks = {
    {96, 16, 96, 24, 3, 2, 1, 1, true, false},  {61, 24, 80, 24, 3, 1, 1, 1, true, true},
    {57, 17, 81, 33, 5, 2, 2, 1, true, false},  {70, 40, 65, 40, 3, 1, 2, 2, true, true},
    {90, 64, 64, 31, 3, 1, 1, 1, false, false}, {64, 3, 70, 16, 3, 1, 0, 1, true, false, 3},
    {51, 32, 96, 48, 3, 3, 0, 1, true, false},  {121, 8, 80, 9, 3, 1, 1, 1, true, false},
    {112, 16, 96, 24, 3, 2, 1, 1, true, false},
};

/// `between`: size of the expanded image in bytes.
void compare(const Model& model, const Model& not_chained, const AnyTensor& x, std::size_t between) {
  ExecutorOptions o;
  o.threads = 1;
  Executor plain(not_chained, o);
  CHECK(count<ConvolutionChain>(plain.graph()) == 0);
  const AnyTensor expected = plain.run({x})[0];
  for (const int threads : {1, 2, 3}) {
    o.threads = threads;
    Executor chained(model, o);
    CHECK(count<ConvolutionChain>(chained.graph()) == 1);
    for (int run = 0; run < 2; ++run) {
      const AnyTensor got = chained.run({x})[0];
      REQUIRE(got.shape() == expected.shape());
      CHECK(std::memcmp(got.data(), expected.data(), got.size_bytes()) == 0);
    }
    if (threads == 1 && between > 1000000)  // it was never in memory as a whole
      CHECK(chained.arena_bytes() < between + 2 * x.ref().size_bytes());
  }
}

void compare_integers(const Model& m, const Model& not_chained, const Tensor<float>& x, Int8Options options,
                      std::size_t between) {
  options.integer_input = options.integer_output = true;
  options.equalize = Equalize::never;  // decided by all layers of a model, and the models differ
  const Calibration calibration = calibrate(not_chained, {x});
  const Model q = quantize<int8>(m, calibration, options);
  compare(q, quantize<int8>(not_chained, calibration, options),
          quantize<int8>(x, given_params(q.value(q.inputs[0]).quant)).data, between);
}

void compare_all(const Block& b, std::int64_t batch) {
  CAPTURE(b.size);
  CAPTURE(b.kernel);
  CAPTURE(batch);
  const Model m = inverted_residual(b), not_chained = inverted_residual(b, true);
  const Tensor<float> x = random_tensor({batch, b.size, b.size + 3, b.in}, 7);
  const auto between = static_cast<std::size_t>(batch * b.size * (b.size + 3) * b.expanded);
  compare(m, not_chained, x, between * 4);
  WeightOptions all;
  all.least_elements = 1;
  compare(quantize<dynamic_range>(m, all), quantize<dynamic_range>(not_chained, all), x, between * 4);
  compare_integers(m, not_chained, x, {}, between);
}

}  // namespace

TEST_CASE("convolution chain: bands give the same bits as whole tensors") {
  for (const Block& b : blocks) compare_all(b, 1);
}

TEST_CASE("convolution chain: several images") {
  compare_all(blocks[1], 3);
  compare_all(blocks[2], 2);
}

TEST_CASE("convolution chain: every instruction set") {
  for (const Isa isa : available_isas()) {
    CAPTURE(name(isa));
    const UseIsa use(isa);
    compare_all(blocks[2], 1);
  }
}

TEST_CASE("convolution chain: a tensor with other readers is computed as a whole") {
  Model m = inverted_residual(blocks[1]);
  m.outputs.push_back(m.find("depthwise"));
  ExecutorOptions o;
  o.threads = 1;
  Executor all(m, o);
  CHECK(count<ConvolutionChain>(all.graph()) == 0);
  const AnyTensor x = random_tensor({1, 61, 64, 24}, 8);
  CHECK(all.run({x})[1].shape() == Shape{1, 61, 64, 80});
}

TEST_CASE("convolution chain: with another rounding, layers run on whole tensors") {
  Int8Options options;
  options.rounding = Rounding::tflite_double;
  compare_integers(inverted_residual(blocks[1]), inverted_residual(blocks[1], true), random_tensor({1, 61, 64, 24}, 9),
                   options, 0);
}
